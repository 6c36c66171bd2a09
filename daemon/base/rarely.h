/* For events that a client can cause as often as it likes: they are counted, and their number is
 * logged at most once a minute. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Begins as {0}. */
struct rarely {
  atomic_int_fast64_t count;   /* since `told_at` */
  atomic_int_fast64_t told_at; /* clock_monotonic(); 0: never */
};

/* Counts one event. Returns the number of events that the caller is to log now, this one included;
 * 0: it is too early. `now` is clock_monotonic(). Any thread; takes no lock. */
int64_t rarely_count(struct rarely *rarely, int64_t now);

/* The gaps that small pieces leave in the C library's heap when they go, and that stay with the
 * process. What goes is noted; when it is much, whole pages in the gaps are given back to the system.
 * How much of it has been taken again meanwhile is not known. */
#pragma once

#include "base/check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Begins as {0}. */
struct gaps {
  _Atomic int64_t freed;      /* bytes, about, since they were trimmed */
  _Atomic int64_t trimmed_at; /* clock_monotonic() */
};

/* Notes that about so many bytes went back to the heap. Any thread; takes no lock. */
void gaps_note(struct gaps *gaps, int64_t bytes);
/* True if gaps_trim() is worth its time: `least` bytes have come back, and the last time is a second
 * ago at least. `now` is clock_monotonic(). Any thread; takes no lock. */
bool gaps_are_due(const struct gaps *gaps, int64_t least, int64_t now);
/* Gives the pages back. It takes a millisecond or two for each 10,000 gaps, and whoever wants memory
 * of the heap waits for it. One thread at a time. */
void gaps_trim(struct gaps *gaps, int64_t now);

/* The only reader of the time, and the only one that waits for it. Tests link another in its place
 * (tests/fake/clock.c), whose time moves when a test says so.
 *
 * What libraries time themselves is not here: libcurl's connect timeout, libmicrohttpd's idle
 * timeout, SQLite's busy timeout, GnuTLS's dates of certificates. Nor is the moment that a process
 * which dies of a signal waits for its last lines (base/log). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MILLISECOND INT64_C(1000000) /* in nanoseconds */
#define CLOCK_SECOND INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX /* a deadline that does not come */

/* Seconds since 1970-01-01 UTC. May step when the machine's clock is set. */
int64_t clock_seconds(void);

/* The same in milliseconds. */
int64_t clock_milliseconds(void);

/* Nanoseconds on a clock that never steps; for durations and deadlines. */
int64_t clock_monotonic(void);

/* Blocks until the deadline `until` (clock_monotonic()) or a little less; the caller looks at what
 * it waits for, and at the clock. Any thread. */
void clock_sleep(int64_t until);

/* Blocks until `file` can be read, or until the deadline `until` (clock_monotonic()). True: it can
 * be read. Any thread. */
bool clock_poll(int file, int64_t until);

/* Waits for `condition` (of the default kind) with `lock` taken, as pthread_cond_wait() does: may
 * return for no reason. False: the deadline `until` (clock_monotonic()) has passed. Any thread. */
bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until);

/* For a wait that has a timeout of its own (epoll_wait(), curl_multi_poll()): the milliseconds
 * until the deadline `until` (clock_monotonic()), rounded up; 0: it has passed; -1: CLOCK_NEVER. It
 * may be less, so whoever waited reads the clock again. */
int clock_timeout(int64_t until);

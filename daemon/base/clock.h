/* The only module that reads the time or waits for it. Tests link another in its place
 * (tests/fake/clock.c), whose time moves when a test says so.
 *
 * Timeouts inside libraries are not here: libcurl's connect timeout, libmicrohttpd's idle timeout,
 * SQLite's busy timeout, the dates of certificates in GnuTLS. Nor is the wait of a process that
 * dies of a signal for its last log lines (base/log). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_MILLISECOND INT64_C(1000000) /* in nanoseconds */
#define CLOCK_SECOND INT64_C(1000000000)
#define CLOCK_NEVER INT64_MAX /* no deadline */

/* Seconds since 1970-01-01 UTC. Jumps when the machine's clock is set. */
int64_t clock_seconds(void);

/* The day, in UTC, since 1970-01-01. */
static inline int32_t clock_day(void) {
  return (int32_t)(clock_seconds() / (24 * 60 * 60));
}

/* As clock_seconds(), in milliseconds. */
int64_t clock_milliseconds(void);

/* Nanoseconds on a clock that never jumps, for durations and deadlines. */
int64_t clock_monotonic(void);

/* clock_monotonic() as it was some milliseconds ago, at most ten, and never less than in an earlier
 * call. It costs a quarter: for what is noted several times at each request. */
int64_t clock_coarse(void);

/* Blocks until the deadline `until` (clock_monotonic()), or a little less: the caller checks the
 * clock and its own condition again. Any thread. */
void clock_sleep(int64_t until);

/* Blocks until `file` is readable or the deadline `until` (clock_monotonic()) has passed. True: it
 * is readable. Any thread. */
bool clock_poll(int file, int64_t until);

/* Waits for `condition` (with the default clock attribute), as pthread_cond_wait() does, with
 * `lock` held. May return without a reason. False: the deadline `until` (clock_monotonic()) has
 * passed. Any thread. */
bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until);

/* The timeout for a wait that has its own (epoll_wait(), curl_multi_poll()): milliseconds until the
 * deadline `until` (clock_monotonic()), rounded up; 0 if it has passed; -1 for CLOCK_NEVER. The
 * timeout may be shorter than the deadline, so the caller reads the clock again. */
int clock_timeout(int64_t until);

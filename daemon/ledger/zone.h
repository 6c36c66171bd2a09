/* The ledger's time zone: the calendar day of a moment, and the beginning of a day. Correct with
 * daylight saving, also for days without a midnight.
 *
 * The zone is the process's (TZ), as C has only one. ledger_open() sets it before other threads run;
 * until then it is UTC, and the environment's TZ is not read. The other functions may be called on
 * any thread. */
#pragma once

#include "base/fault.h"

#define ZONE_NAME_SIZE 65
#define ZONE_TIME_SIZE 32

/* Sets the zone: an IANA name such as "Europe/Berlin"; NULL or "": UTC. FAULT_MALFORMED for a name
 * that this machine has no zone for; it never falls back to UTC. */
bool zone_set(const char *name, struct fault *fault) MUST_CHECK;
/* Fails as zone_set() would; changes nothing. */
bool zone_check(const char *name, struct fault *fault) MUST_CHECK;
const char *zone_name(void);

/* The day (since 1970) of the moment `milliseconds` since 1970; the nearest of 1970-01-01 to
 * 9999-12-31. */
int32_t zone_day(int64_t milliseconds);
/* The first second (since 1970) of the day, or of the next day if the zone skipped it. */
int64_t zone_begins(int32_t day);

/* "2026-12-01T00:00:00+01:00"; returns `out`. */
const char *zone_print(int64_t seconds, char out[ZONE_TIME_SIZE]);

/* The first day of the day's month, and of the month after it. Pure. */
int32_t zone_month(int32_t day);
int32_t zone_next_month(int32_t day);

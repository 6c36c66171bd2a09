/* The ledger's time zone: which calendar day a moment falls in, and when a day begins. Correct over
 * summer time, also where a day has no midnight.
 *
 * The zone is the process's (TZ): C knows only one. It is set by ledger_open(), before other
 * threads run, and is UTC until then, whatever the environment says. The others are for any thread.
 */
#pragma once

#include "base/fault.h"

#define ZONE_NAME_SIZE 65
#define ZONE_TIME_SIZE 32

/* Sets it: an IANA name such as "Europe/Berlin"; NULL or "": UTC. A name that this machine has no
 * zone for is a fault (FAULT_MALFORMED), never silently UTC. */
bool zone_set(const char *name, struct fault *fault) MUST_CHECK;
/* Whether zone_set() would take it; changes nothing. */
bool zone_check(const char *name, struct fault *fault) MUST_CHECK;
const char *zone_name(void);

/* The day (since 1970) that `milliseconds` since 1970 falls in; 1970-01-01 to 9999-12-31, the
 * nearest where it is neither. */
int32_t zone_day(int64_t milliseconds);
/* The first second (since 1970) of the day; of the next one where the zone skipped it. */
int64_t zone_begins(int32_t day);

/* "2026-12-01T00:00:00+01:00"; returns `out`. */
const char *zone_print(int64_t seconds, char out[ZONE_TIME_SIZE]);

/* The first day of the day's month, and of the month after it. Pure. */
int32_t zone_month(int32_t day);
int32_t zone_next_month(int32_t day);

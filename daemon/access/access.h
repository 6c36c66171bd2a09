/* The verdicts of upstream on tokens (access.mode = verify), and the bounds on asking for them.
 *
 * An unknown token is checked upstream, free of charge, before it learns what is stored, joins a
 * flight or reserves rows. The verdict is remembered for a while. Each of the two verdicts has a
 * bounded memory of its own, so that refused tokens do not push out accepted ones. A forgotten token
 * is checked again.
 *
 * Checks are bounded in how many are under way and in how many begin in any minute. Tokens that were
 * accepted before have bounds of their own, as wide: a flood of made-up tokens uses up only those of
 * strangers.
 *
 * Any thread; nothing blocks. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/pace.h"

#include <stdint.h>

#define ACCESS_REMEMBERED 10000 /* tokens of each verdict */

struct access;

enum access_verdict { ACCESS_UNKNOWN, ACCESS_YES, ACCESS_NO };

/* An empty memory, or NULL for lack of memory. */
struct access *access_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void access_release(struct access **access);

/* The verdict that is remembered of the token with this fingerprint. */
enum access_verdict access_find(struct access *access, const struct digest *fingerprint);

/* Remembers a verdict (not UNKNOWN) for that many seconds. Lack of memory forgets. */
void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds);

/* --- checks --- */

struct access_bounds {
  int64_t inflight;   /* checks under way: access.checks_inflight */
  int64_t per_minute; /* that begin in any minute, PACE_MOST at most: access.checks_per_minute */
};

/* The bounds that a check counts towards. */
enum access_lane { ACCESS_STRANGERS, ACCESS_RETURNING, ACCESS_LANES };

/* Begins a check of this token; access_end_check() ends it, once, with the same `*lane`.
 * `has_spent`: by the ledger, upstream accepted the token once, maybe before this process began.
 * FAULT_TOO_MANY, with retry_after, if a bound is reached. */
bool access_begin_check(struct access *access, const struct digest *fingerprint, bool has_spent,
                        const struct access_bounds *bounds, enum access_lane *lane,
                        struct fault *fault) MUST_CHECK;

/* Ends a check with this verdict; UNKNOWN: without one. */
void access_end_check(struct access *access, enum access_lane lane, enum access_verdict verdict);

/* The results of checks; PUT_OFF: a bound held the check back. */
enum access_result {
#define CHECK_RESULT(name, word) ACCESS_##name,
#include "tables/checks.def"
#undef CHECK_RESULT
  ACCESS_RESULTS
};
/* The number of each result so far. */
void access_count(struct access *access, int64_t counts[ACCESS_RESULTS]);

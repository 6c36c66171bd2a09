/* Upstream's verdicts on tokens (access.mode = verify), and the bounds on checks.
 *
 * An unknown token is checked upstream, free of charge, before its request learns what is stored,
 * joins a flight or reserves. The verdict is remembered for a while. Accepted and refused tokens
 * have a bounded memory each, so that refused ones do not evict accepted ones. A forgotten token is
 * checked again.
 *
 * Two bounds hold for checks: the number under way, and the number that begin in any minute. Tokens
 * that were accepted before have equal bounds of their own, so a flood of made-up tokens uses up
 * only the bounds of strangers.
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

/* The remembered verdict on the token with this fingerprint; UNKNOWN: none, or no longer valid. */
enum access_verdict access_find(struct access *access, const struct digest *fingerprint);

/* The same, with the end of its time in `*until` (clock_monotonic(); unless UNKNOWN). */
enum access_verdict access_find_until(struct access *access, const struct digest *fingerprint,
                                      int64_t *until);

/* A number that rises before access_learn() returns if it learns a NO, or a YES that holds for less
 * long than before. Who has found a YES may go on until its end, as long as this is what it was
 * before it was found; also if the verdict was forgotten meanwhile to make room. Takes no lock. */
uint64_t access_generation(const struct access *access);

/* Remembers a verdict (not UNKNOWN) for `seconds`. For lack of memory it is forgotten. */
void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds);

/* --- checks --- */

struct access_bounds {
  int64_t inflight; /* checks under way: access.checks_inflight */
  int64_t
      per_minute; /* checks that begin in any minute, at most PACE_MOST: access.checks_per_minute */
};

/* The bounds that a check counts towards. RETURNING: the token was accepted before. */
enum access_lane { ACCESS_STRANGERS, ACCESS_RETURNING, ACCESS_LANES };

/* Begins a check of this token, and sets `*lane`; access_end_check() ends it, once, with the same
 * lane. `has_spent`: by the ledger, upstream accepted the token once, maybe before this process
 * began. FAULT_TOO_MANY with retry_after: a bound is reached. */
bool access_begin_check(struct access *access, const struct digest *fingerprint, bool has_spent,
                        const struct access_bounds *bounds, enum access_lane *lane,
                        struct fault *fault) MUST_CHECK;

/* Ends a check with this verdict. UNKNOWN: it gave none. */
void access_end_check(struct access *access, enum access_lane lane, enum access_verdict verdict);

/* The results of checks. PUT_OFF: a bound was reached, and the check did not begin. */
enum access_result {
#define CHECK_RESULT(name, word) ACCESS_##name,
#include "tables/checks.def"
#undef CHECK_RESULT
  ACCESS_RESULTS
};
/* Writes the number of each result since the start into `counts`. */
void access_count(struct access *access, int64_t counts[ACCESS_RESULTS]);

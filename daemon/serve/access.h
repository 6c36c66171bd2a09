/* Who is let in (access.mode): what is remembered of tokens that upstream was asked about, and how
 * often it may be asked.
 *
 * With access.mode = verify a token that is not known is checked upstream, by a request that costs
 * nothing, before anything else is done for it: before it learns whether something is stored, joins
 * a flight or reserves rows. The verdict is remembered for a while. The memory is bounded for each
 * verdict: tokens that were refused do not push out those that were accepted. What is forgotten is
 * asked again.
 *
 * Checks are bounded: in how many are under way, and in how many begin in any minute. Tokens that
 * were accepted before have bounds of their own, as wide, so that whoever floods with made-up
 * tokens uses up only those of strangers.
 *
 * With listed, only tokens with a name are let in; they are the ledger's (ledger/token.h), and are
 * known in every mode: whoever runs rowcache vouches for them.
 *
 * Any thread; nothing blocks. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/pace.h"

#include <stdint.h>

#define ACCESS_REMEMBERED 10000 /* tokens of each verdict, and texts */

struct access;

enum access_verdict { ACCESS_UNKNOWN, ACCESS_YES, ACCESS_NO };

struct access *access_create(void) MUST_CHECK;
void access_release(struct access **access);

/* What is remembered of the token with this fingerprint. */
enum access_verdict access_look(struct access *access, const struct digest *fingerprint);

/* Remembers a verdict (not UNKNOWN) for that many seconds. Lack of memory forgets. */
void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds);

/* --- checks --- */

struct access_bounds {
  int64_t inflight;   /* checks under way: access.checks_inflight */
  int64_t per_minute; /* that begin in any minute, PACE_MOST at most: access.checks_per_minute */
};

/* Whose bounds a check counts towards. */
enum access_lane { ACCESS_STRANGERS, ACCESS_RETURNING, ACCESS_LANES };

/* Whether a check of this token may begin now; then access_end_check() ends it, once. `has_spent`:
 * the ledger says that it was accepted once, which may be before this process began. `*lane` is for
 * access_end_check(). FAULT_TOO_MANY, with retry_after, where a bound is reached. */
bool access_begin_check(struct access *access, const struct digest *fingerprint, bool has_spent,
                        const struct access_bounds *bounds, enum access_lane *lane,
                        struct fault *fault) MUST_CHECK;

/* It has ended with this verdict; UNKNOWN: without one. */
void access_end_check(struct access *access, enum access_lane lane, enum access_verdict verdict);

/* What became of checks, and of those that a bound held back. */
enum access_result {
#define CHECK_RESULT(name, word) ACCESS_##name,
#include "tables/checks.def"
#undef CHECK_RESULT
  ACCESS_RESULTS
};
/* How many so far. */
void access_count(struct access *access, int64_t counts[ACCESS_RESULTS]);

/* --- texts --- */

/* Keeps the text of a token that spent or was let in, so that it can be asked about
 * (serve/reconcile.h), in memory only. Bounded like the verdicts: the one that was kept first goes
 * first, wiped; one that is far too long is not kept. */
void access_keep(struct access *access, const struct digest *fingerprint, struct view token);
/* Calls `each` for all that are kept, under the lock: it must not call back. */
typedef void access_each(void *context, const struct digest *fingerprint, struct view token);
void access_list(struct access *access, access_each *each, void *context);

/* Ahrefs' own count of a token, beside the ledger's. */
#pragma once

#include "ledger/ledger.h"

/* Both counts at one moment. What was spent between two of them is, by
 * Ahrefs, the fall of `left` (where the subscription did not begin anew and no limit was changed),
 * and by the ledger the rise of `spent`. */
struct ledger_reconciliation {
  int64_t at;                /* milliseconds since 1970 */
  struct amount left, limit; /* as Ahrefs said; of the currency that the rest has, too */
  struct amount spent;       /* the ledger's, in all; unknown included, reserved not */
  struct amount unknown;
  struct amount reserved; /* under way at that moment: Ahrefs may have counted it already */
  bool with_issued;       /* what issued tokens spent is in the three above */
};

/* Stores what Ahrefs said of the token with this fingerprint, and how the ledger stands. The caller
 * fills `left`, `limit` and `with_issued` (it is the daemon's own Ahrefs token, which issued tokens
 * spend from) of `now`; the rest is filled here. `before` receives the last one that counted the
 * same, with `at` 0 where there is none. Durable. Blocks; any thread but the ledger's. */
bool ledger_reconcile(struct ledger *ledger, const struct digest *fingerprint,
                      struct ledger_reconciliation *now, struct ledger_reconciliation *before,
                      struct fault *fault) MUST_CHECK;

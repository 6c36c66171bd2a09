/* Ahrefs' own count of a token, beside the ledger's. */
#pragma once

#include "ledger/ledger.h"

/* Both counts at one moment. Between two reconciliations the spending by Ahrefs' count is
 * reconciliation_difference(); by the ledger's count it is the increase of `spent`. All amounts are
 * of one currency. */
struct ledger_reconciliation {
  int64_t at;                /* milliseconds since 1970 */
  bool has_left;             /* else Ahrefs knows no limit, and both are zero: */
  struct amount left, limit; /* Ahrefs' figures */
  bool has_used;             /* else it is not told, and zero: */
  struct amount used;        /* Ahrefs' figure of what was spent in its present period */
  struct amount spent;       /* the ledger's, in all; with unknown, without reserved */
  struct amount unknown;
  struct amount reserved; /* under way at that moment: Ahrefs may have counted it already */
  bool with_issued;       /* the three above include the spending of issued tokens */
};

/* Stores Ahrefs' count for the token with this fingerprint beside the ledger's. Of `now`, the caller
 * fills Ahrefs' figures and `with_issued` (true for the daemon's own Ahrefs token, which issued
 * tokens spend from); the rest is filled here. `before` is the last reconciliation with the same
 * currency and `with_issued`; its `at` is 0 if there is none. Durable when it returns. Blocks; any
 * thread but the ledger's. */
bool ledger_reconcile(struct ledger *ledger, const struct digest *fingerprint,
                      struct ledger_reconciliation *now, struct ledger_reconciliation *before,
                      struct fault *fault) MUST_CHECK;

/* What was spent between the two by Ahrefs' count: the increase of `used`; where that is not told,
 * the decrease of `left`, which is wrong if the subscription was renewed or a limit changed in
 * between. False: not known, as `used` began anew or there is neither. Pure. */
bool reconciliation_difference(const struct ledger_reconciliation *before,
                               const struct ledger_reconciliation *now,
                               struct amount *spent) MUST_CHECK;

/* Reports: sums over the totals of ledger.db. One truth: `spend`, /api/spend, /metrics and `status`
 * read these. */
#pragma once

#include "ledger/token.h"

enum report_by { REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY };

/* The groups of a report, and its days since 1970, both ends included. */
struct report_period {
  enum report_by by;
  int32_t since, until;
};
#define REPORT_FOREVER(by) ((struct report_period){by, INT32_MIN, INT32_MAX})

/* What was spent and saved in one currency. */
struct report_money {
  struct amount spent;   /* unknown and unsettled included */
  struct amount unknown; /* the part of spent that is booked at the most it can have been */
  struct amount saved;
  struct amount corrected; /* the part of spent that corrections made; may be negative */
  struct amount unsettled; /* the part of spent, and of unknown, whose settlement could not be
                              written yet: it may still become less (ledger_settle()) */
};

struct report_row {
  struct view label; /* token's label, target, or YYYY-MM-DD; empty in the total, and where no
                        target is known; holds during the call only */
  int64_t requests, hits, misses, errors, results;
  struct report_money money[CURRENCIES]; /* by enum currency */

  /* By token only: what stands of it now, whatever the days of the report. */
  int64_t id; /* greater than 0; a token keeps it for ever, and a later one has a greater one */
  enum token_kind kind;
  bool revoked;
  struct token_account account; /* empty where it has no budget */
};

typedef void report_each(void *context, const struct report_row *row);

/* Calls `each` (NULL allowed) for every group (the dearest first; days in their order), then fills
 * `total`; by token also for those that were issued or registered, or have a budget, and have asked
 * nothing. The running daemon's counts in memory are written first; if that fails, the report holds
 * what was written. What could not be settled yet counts at its most, and so does, read only, what
 * a process that is gone left open. `each` must not use the ledger but ledger_label(). Corrections
 * are in the sums; by target they stand under the empty one. Blocks; any thread but the ledger's.
 */
bool report_run(struct ledger *ledger, const struct report_period *period, report_each *each,
                void *context, struct report_row *total, struct fault *fault) MUST_CHECK;

/* The day that `milliseconds` since 1970 falls in, by the ledger's time zone; 1970-01-01 to
 * 9999-12-31, the nearest where it is neither. */
int32_t report_day(int64_t milliseconds);

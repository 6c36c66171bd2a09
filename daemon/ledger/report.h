/* Reports: sums over the totals of ledger.db. `spend`, /api/spend, /metrics and `status` all read
 * these, so that their figures agree. */
#pragma once

#include "ledger/token.h"

enum report_by { REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY };

/* The groups of a report, and its days since 1970, both ends included. */
struct report_period {
  enum report_by by;
  int32_t since, until;
};
#define REPORT_FOREVER(by) ((struct report_period){by, INT32_MIN, INT32_MAX})

/* The amounts of one currency. */
struct report_money {
  struct amount spent;   /* unknown and unsettled included */
  struct amount unknown; /* the part of spent that is booked at its most */
  struct amount saved;
  struct amount corrected; /* the part of spent that corrections made; may be negative */
  struct amount unsettled; /* the part of spent, and of unknown, whose settlement could not be
                              written yet: it may still become less (ledger_settle()) */
};

struct report_row {
  struct view label; /* token's label, target, or YYYY-MM-DD; empty in the total, and for requests
                        without a known target; holds during the call only */
  int64_t requests, hits, misses, errors, results;
  struct report_money money[CURRENCIES]; /* by enum currency */

  /* By token only, and as of now, not of the report's days. */
  int64_t id; /* greater than 0; a token keeps it for ever, and later tokens have greater ids */
  enum token_kind kind;
  bool revoked;
  struct token_account account; /* empty if the token has no budget */
};

typedef void report_each(void *context, const struct report_row *row);

/* Calls `each` (NULL allowed) for every group, the dearest first, or days in their order; then fills
 * `total`. A report by token also has the tokens without a request that were issued or registered,
 * or have a budget. The daemon's counts in memory are written first; if that fails, the report holds
 * what is in the file. Requests whose settlement could not be written yet count at their most. So
 * do, in a read-only ledger, the entries that a dead process left open. Corrections are in the sums;
 * by target they are under the empty target. `each` must not use the ledger but ledger_label().
 * Blocks; any thread but the ledger's. */
bool report_run(struct ledger *ledger, const struct report_period *period, report_each *each,
                void *context, struct report_row *total, struct fault *fault) MUST_CHECK;

/* The day of the moment `milliseconds` since 1970, by the ledger's time zone; the nearest of
 * 1970-01-01 to 9999-12-31. */
int32_t report_day(int64_t milliseconds);

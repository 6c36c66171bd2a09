/* Reports: sums over the totals of ledger.db. One truth: `spend`, /api/spend, /metrics and `status`
 * read these. */
#pragma once

#include "ledger/token.h"

enum report_by { REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY };

struct report_row {
  struct view label; /* token's label, target, or YYYY-MM-DD; empty in the total, and where no
                        target is known; holds during the call only */
  int64_t requests, hits, misses, errors, results;
  struct rows spent;   /* unknown and unsettled included */
  struct rows unknown; /* the part of spent that is booked at the most it can have been */
  struct rows saved;
  struct rows corrected; /* the part of spent that corrections made; may be negative */
  struct rows unsettled; /* the part of spent, and of unknown, whose settlement could not be written
                            yet: it may still become less (ledger_settle()) */

  /* By token only: what stands of it now, whatever the days of the report. */
  int64_t id; /* greater than 0; a token keeps it for ever, and a later one has a greater one */
  enum token_kind kind;
  bool revoked;
  struct token_account account; /* empty where it has no budget */
};

typedef void report_each(void *context, const struct report_row *row);

#define REPORT_FOREVER_SINCE INT32_MIN
#define REPORT_FOREVER_UNTIL INT32_MAX

/* Calls `each` for every group (the dearest first; days in their order), then fills `total`; by
 * token also for those that were issued or registered, or have a budget, and have asked nothing.
 * Days are days since 1970, both ends included. The running daemon's counts in memory are written
 * first; where that fails, the report holds what was written. What could not be settled yet counts
 * at its most, and so does, read only, what a process that is gone left open. `each` must not use
 * the ledger but ledger_label(). Corrections are in the sums; by target they stand under the empty
 * one. Sums saturate. Blocks; any thread but the ledger's. */
bool report_run(struct ledger *ledger, enum report_by by, int32_t since, int32_t until,
                report_each *each, void *context, struct report_row *total,
                struct fault *fault) MUST_CHECK;

/* The day that `milliseconds` since 1970 falls in, by the ledger's time zone; 1970-01-01 to
 * 9999-12-31, the nearest where it is neither. */
int32_t report_day(int64_t milliseconds);

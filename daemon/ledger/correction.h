/* Corrections of the account. */
#pragma once

#include "ledger/ledger.h"

/* A correction is an entry of its own with a reason; no entry is ever edited. It changes the totals
 * of its token and day, and so budgets and reports, in the same transaction. Reports by target show
 * it under the empty target. The empty target's spending alone can be below zero, and only by
 * corrections (report_money.corrected). A correction after which the token's day would have a
 * negative amount spent, or more unknown than spent, is refused; the fault names both amounts. */
struct ledger_correction {
  struct view token;            /* a label (see token.h) */
  int32_t day;                  /* since 1970; not later than today */
  struct amount spent, unknown; /* the amounts to add, in one currency; may be negative. Example:
                                   201.0 were booked as unknown, and the true cost was 12.0:
                                   spent -189.0, unknown -201.0 */
  struct view reason;           /* 1 to LEDGER_REASON_MOST bytes, without control characters */
};
#define LEDGER_REASON_MOST 400
#define LEDGER_CORRECTION_MOST INT64_C(1000000000000) /* of a currency's parts, either way */

/* Durable when it returns. Blocks; any thread but the ledger's. FAULT_MALFORMED: the arguments. */
bool ledger_correct(struct ledger *ledger, const struct ledger_correction *correction,
                    struct fault *fault) MUST_CHECK;

/* Called in the order in which corrections were made. `correction->token` is the token's present
 * label, `at` is in milliseconds since 1970. The texts hold during the call only. */
typedef void ledger_correction_each(void *context, const struct ledger_correction *correction,
                                    int64_t at);
bool ledger_corrections(struct ledger *ledger, int32_t since, int32_t until,
                        ledger_correction_each *each, void *context,
                        struct fault *fault) MUST_CHECK;

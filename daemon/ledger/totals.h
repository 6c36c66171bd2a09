/* The totals of days: by token and day, by target and day, by target and month. Of the ledger room
 * only; in a transaction. */
#pragma once

#include "db/db.h"
#include "ledger/ledger.h"

/* An addition to a day's totals; all amounts are of one currency. */
struct amounts {
  int64_t hits, misses, errors, results;
  struct amount spent, unknown, saved;
};
static inline struct amounts totals_none(enum currency currency) {
  struct amount zero = amount_zero(currency);
  return (struct amounts){.spent = zero, .unknown = zero, .saved = zero};
}

/* A target as it is stored. Pure. */
static inline struct view totals_target(struct view target) {
  return view_first(target, LEDGER_TARGET_MOST);
}
/* The amount, or LEDGER_AMOUNT_MOST if that is less. Pure. */
struct amount totals_bounded(struct amount amount);

/* `token`: the id of its row. */
bool totals_add_token_day(struct db *db, int32_t day, int64_t token, const struct amounts *amounts,
                          struct fault *fault) MUST_CHECK;
/* Adds to the target's month, too. */
bool totals_add_target_day(struct db *db, int32_t day, struct view target,
                           const struct amounts *amounts, struct fault *fault) MUST_CHECK;
/* Adds one miss, or a part of one: the columns of `row` begin with its day, the token's id, the
 * target, and how many requests it counts for. */
bool totals_add_miss(struct db *db, struct db_statement *row, const struct ledger_end *end,
                     struct fault *fault) MUST_CHECK;

#include "ledger/totals.h"

#include "ledger/column.h"
#include "ledger/zone.h"
#include "sql_ledger.h"

struct amount totals_bounded(struct amount amount) {
  if (amount.parts > LEDGER_AMOUNT_MOST)
    amount.parts = LEDGER_AMOUNT_MOST;
  return amount;
}

/* Adds to a row of a table of totals: that of a day or a month, and of a token or target. */
static bool add_total(struct db *db, int number, int32_t day, struct db_value subject,
                      const struct amounts *a, struct fault *fault) {
  enum currency currency = a->spent.currency;
  CHECK(a->unknown.currency == currency && a->saved.currency == currency);
  return db_do(db, number,
               DB_VALUES(DB_INT(day), subject, DB_INT(currency),
                         DB_INT(a->hits + a->misses + a->errors), DB_INT(a->hits),
                         DB_INT(a->misses), DB_INT(a->errors), DB_INT(a->results),
                         DB_INT(a->spent.parts), DB_INT(a->unknown.parts), DB_INT(a->saved.parts)),
               fault);
}

bool totals_add_token_day(struct db *db, int32_t day, int64_t token, const struct amounts *amounts,
                          struct fault *fault) {
  return add_total(db, LEDGER_SQL_ADD_TOKEN_DAY, day, DB_INT(token), amounts, fault);
}

bool totals_add_target_day(struct db *db, int32_t day, struct view target,
                           const struct amounts *amounts, struct fault *fault) {
  return add_total(db, LEDGER_SQL_ADD_TARGET_DAY, day, DB_TEXT(target), amounts, fault) &&
         add_total(db, LEDGER_SQL_ADD_TARGET_MONTH, zone_month(day), DB_TEXT(target), amounts,
                   fault);
}

bool totals_add_miss(struct db *db, struct db_statement *row, const struct ledger_end *end,
                     struct fault *fault) {
  int32_t day = column_day(row, 0);
  struct amounts amounts = totals_none(end->spent.currency);
  amounts.misses = db_integer(row, 3);
  amounts.results = end->results;
  amounts.spent = end->spent;
  if (end->kind != LEDGER_SETTLED)
    amounts.unknown = end->spent;
  return totals_add_token_day(db, day, db_integer(row, 1), &amounts, fault) &&
         totals_add_target_day(db, day, db_text(row, 2), &amounts, fault);
}

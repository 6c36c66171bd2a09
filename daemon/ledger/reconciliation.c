#include "ledger/reconciliation.h"

#include "base/clock.h"
#include "ledger/room.h"

struct reconcile {
  struct ledger_task task;
  const struct digest *fingerprint;
  struct ledger_reconciliation *now, *before;
};

/* The last reconciliation with the same currency and `with_issued`. */
static bool find_before(struct db *db, int64_t token, const struct ledger_reconciliation *now,
                        struct ledger_reconciliation *before, struct fault *fault) {
  struct db_statement *row;
  enum currency currency = now->left.currency;
  if (!db_find(db, LEDGER_SQL_FIND_RECONCILIATION,
               DB_VALUES(DB_INT(token), DB_INT(now->with_issued), DB_INT(currency)), &row, fault))
    return false;
  *before = (struct ledger_reconciliation){.at = 0};
  if (row)
    *before = (struct ledger_reconciliation){.at = db_integer(row, 0),
                                             .left = {currency, db_integer(row, 1)},
                                             .limit = {currency, db_integer(row, 2)},
                                             .spent = {currency, db_integer(row, 3)},
                                             .unknown = {currency, db_integer(row, 4)},
                                             .reserved = {currency, db_integer(row, 5)},
                                             .has_left = db_integer(row, 6) != 0,
                                             .has_used = db_integer(row, 7) != 0,
                                             .used = {currency, db_integer(row, 8)},
                                             .with_issued = now->with_issued};
  db_done(row);
  return true;
}

/* Fills the ledger's count: of the token, and of those that spend from it. */
static bool sum(struct db *db, int64_t token, struct ledger_reconciliation *now,
                struct fault *fault) {
  struct db_statement *row;
  enum currency currency = now->left.currency;
  struct db_values whose = DB_VALUES(DB_INT(token), DB_INT(now->with_issued), DB_INT(currency));
  if (!db_find(db, LEDGER_SQL_SUM_ACCOUNT, whose, &row, fault))
    return false;
  CHECK(row);
  now->spent = column_amount(row, 0, currency);
  now->unknown = column_amount(row, 1, currency);
  db_done(row);
  if (!db_find(db, LEDGER_SQL_SUM_ACCOUNT_RESERVED, whose, &row, fault))
    return false;
  CHECK(row);
  now->reserved = column_amount(row, 0, currency);
  db_done(row);
  return true;
}

static bool put(struct db *db, int64_t token, const struct ledger_reconciliation *now,
                struct fault *fault) {
  return db_do(db, LEDGER_SQL_ADD_RECONCILIATION,
               DB_VALUES(DB_INT(now->at), DB_INT(token), DB_INT(now->with_issued),
                         DB_INT(now->left.currency), DB_INT(now->left.parts),
                         DB_INT(now->limit.parts), DB_INT(now->spent.parts),
                         DB_INT(now->unknown.parts), DB_INT(now->reserved.parts),
                         DB_INT(now->has_left), now->has_used ? DB_INT(now->used.parts) : DB_NULL),
               fault);
}

static bool reconcile_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct reconcile *reconcile = (struct reconcile *)job;
  int64_t token;
  return identity_make(db, reconcile->fingerprint, &token, fault) &&
         find_before(db, token, reconcile->now, reconcile->before, fault) &&
         sum(db, token, reconcile->now, fault) && put(db, token, reconcile->now, fault);
}

bool ledger_reconcile(struct ledger *ledger, const struct digest *fingerprint,
                      struct ledger_reconciliation *now, struct ledger_reconciliation *before,
                      struct fault *fault) {
  struct reconcile reconcile = {
      .task.job.work = reconcile_work, .fingerprint = fingerprint, .now = now, .before = before};
  CHECK(now->left.currency == now->limit.currency && now->left.currency == now->used.currency);
  now->at = clock_milliseconds();
  return tasks_run(ledger, &reconcile.task, fault);
}

bool reconciliation_difference(const struct ledger_reconciliation *before,
                               const struct ledger_reconciliation *now, struct amount *spent) {
  *spent = amount_zero(now->left.currency);
  if (before->has_used && now->has_used) {
    *spent = amount_subtract(now->used, before->used);
    return !amount_is_negative(*spent);
  }
  if (before->has_left && now->has_left)
    *spent = amount_subtract(before->left, now->left); /* it falls */
  return before->has_left && now->has_left;
}

#include "ledger/identity.h"

#include "base/clock.h"
#include "ledger/column.h"
#include "ledger/label.h"
#include "sql_ledger.h"

bool identity_find(struct db *db, const struct digest *fingerprint, int64_t *id,
                   struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, LEDGER_SQL_FIND_TOKEN, DB_VALUES(DB_BLOB(column_bytes(fingerprint))), &row,
                    fault);
  *id = row ? db_integer(row, 0) : 0;
  db_done(row);
  return ok;
}

bool identity_make(struct db *db, const struct digest *fingerprint, int64_t *id,
                   struct fault *fault) {
  if (!identity_find(db, fingerprint, id, fault))
    return false;
  if (*id)
    return true;
  return db_do(db, LEDGER_SQL_ADD_TOKEN,
               DB_VALUES(DB_BLOB(column_bytes(fingerprint)), DB_INT(clock_milliseconds())),
               fault) &&
         identity_find(db, fingerprint, id, fault);
}

static void read_identity(struct db_statement *statement, struct identity *found) {
  struct digest fingerprint = column_digest(statement, 4);
  found->id = db_integer(statement, 0);
  found->kind = column_kind(statement, 1);
  found->revoked = db_integer(statement, 2) != 0;
  label_print(db_text(statement, 3), &fingerprint, found->label);
}

/* The one row of the statement; `*rows` counts to two. */
static bool find_one(struct db *db, int number, struct db_value by, struct identity *found,
                     int *rows, struct fault *fault) {
  struct db_statement *statement = db_each(db, number, DB_VALUES(by), fault);
  bool row = true, ok = statement;
  for (*rows = 0; ok && *rows < 2; ++*rows) {
    ok = db_step(statement, &row, fault);
    if (!ok || !row)
      break;
    read_identity(statement, found);
  }
  db_done(statement);
  return ok;
}

static bool no_token(struct view label, struct fault *fault) {
  return fault_set(fault, FAULT_MALFORMED,
                   "there is no token '%.*s': 'rowcachectl token list' shows them",
                   VIEW_ARGS(label));
}

bool identity_by_label(struct db *db, struct view label, struct identity *found,
                       struct fault *fault) {
  int rows;
  if (!label_check(label, fault) ||
      !find_one(db, LEDGER_SQL_FIND_LABELLED, DB_TEXT(label), found, &rows, fault))
    return false;
  return rows == 1 || (rows == 0 ? no_token(label, fault)
                                 : fault_set(fault, FAULT_MALFORMED,
                                             "more than one token begins with '%.*s': register or "
                                             "rename them, and use the names",
                                             VIEW_ARGS(label)));
}

bool identity_by_id(struct db *db, int64_t id, struct identity *found, struct fault *fault) {
  int rows;
  return find_one(db, LEDGER_SQL_FIND_BY_ID, DB_INT(id), found, &rows, fault);
}

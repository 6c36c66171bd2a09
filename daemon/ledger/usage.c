/* What a token may still spend. */
#include "ledger/room.h"

static bool read_usage(struct ledger *ledger, struct db *db, const struct digest *fingerprint,
                       enum currency currency, struct token_usage *usage, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, LEDGER_SQL_FIND_USAGE, DB_VALUES(DB_BLOB(column_bytes(fingerprint))), &row,
               fault))
    return false;
  if (!row)
    return fault_set(fault, FAULT_BAD_TOKEN, "the ledger does not know this token");
  label_print(db_text(row, 1), fingerprint, usage->label);
  const struct budget_holder holder = {ledger, db, db_integer(row, 0)};
  bool ok = budget_read_usage(&holder, row, 2, currency, usage, fault);
  db_done(row);
  return ok;
}

bool token_usage(struct ledger *ledger, const struct digest *fingerprint, enum currency currency,
                 struct token_usage *usage, struct fault *fault) {
  struct db *db;
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  bool ok = read_usage(ledger, db, fingerprint, currency, usage, fault);
  db_close(&db);
  return ok;
}

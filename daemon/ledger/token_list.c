/* The list of tokens. */
#include "ledger/room.h"

#include <stdio.h>

static bool read_row(struct ledger *ledger, struct db *db, struct db_statement *statement,
                     struct token_row *row, struct fault *fault) {
  row->kind = column_kind(statement, 2);
  row->created_at = db_integer(statement, 3);
  row->revoked_at = db_integer(statement, 4);
  row->no_cache = db_integer(statement, 5) != 0;
  row->last_day = db_integer(statement, 9) < 0 ? -1 : column_day(statement, 9);
  const struct budget_holder holder = {ledger, db, db_integer(statement, 0)};
  return budget_read_account(&holder, statement, 6, &row->account, fault);
}

static bool list(struct ledger *ledger, struct db *db, token_each *each, void *context,
                 struct fault *fault) {
  struct db_statement *statement = db_each(db, LEDGER_SQL_LIST_TOKENS, DB_VALUES(), fault);
  bool more, ok = statement != NULL;
  while (ok && (ok = db_step(statement, &more, fault)) && more) {
    char label[LEDGER_LABEL_SIZE];
    struct digest fingerprint = column_digest(statement, 1);
    struct token_row row = {.label = ledger_label(ledger, &fingerprint, label)};
    snprintf(row.digits, sizeof row.digits, "%.8s", DIGEST_TEXT(&fingerprint));
    ok = read_row(ledger, db, statement, &row, fault);
    if (ok)
      each(context, &row);
  }
  return ok;
}

bool token_list(struct ledger *ledger, token_each *each, void *context, struct fault *fault) {
  struct db *db;
  count_for_report(ledger);
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  bool ok = list(ledger, db, each, context, fault);
  db_close(&db);
  return ok;
}

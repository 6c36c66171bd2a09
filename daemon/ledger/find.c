/* One request's entry is looked up. */
#include "ledger/room.h"

#include <stdio.h>

static void read_found(struct ledger *ledger, struct db_statement *row, const char *request,
                       struct ledger_found *found) {
  static const char *const states[] = {"open", "settled", "unknown"};
  struct digest token = column_digest(row, 1);
  int64_t state = db_integer(row, 0);
  bool known = state >= ENTRY_OPEN && state <= ENTRY_UNKNOWN;
  snprintf(found->state, sizeof found->state, "%s", known ? states[state] : "damaged");
  ledger_label(ledger, &token, found->token);
  found->at = db_integer(row, 2);
  found->results = db_integer(row, 3);
  enum currency currency = column_currency(row, 4);
  found->most = (struct amount){currency, db_integer(row, 5)};
  found->spent = (struct amount){currency, db_integer(row, 6)};
  found->estimated = db_integer(row, 7) != 0;
  if (state == ENTRY_OPEN && entries_has_unsettled(ledger, request)) {
    snprintf(found->state, sizeof found->state, "%s", states[ENTRY_UNKNOWN]);
    found->spent = found->most;
  }
}

bool ledger_find(struct ledger *ledger, const char *request, struct ledger_found *found,
                 bool *exists, struct fault *fault) {
  struct db *db;
  *exists = false;
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  struct db_statement *row;
  bool ok = db_find(db, LEDGER_SQL_FIND_ENTRY, DB_VALUES(DB_TEXT(view_of(request))), &row, fault);
  *exists = row;
  if (row)
    read_found(ledger, row, request, found);
  db_close(&db);
  return ok;
}

/* What the requests about a subject cost: sums of entries, so nothing more is stored or kept in
 * memory. Old entries are deleted as all are (retain.c). */
#include "ledger/room.h"

#include "base/age.h"
#include "base/clock.h"

/* Entries of a clock that was ahead do not count: their age has no bound. */
static int64_t until(void) {
  return clock_milliseconds() + AGE_AHEAD_MOST * 1000;
}

static bool sum(struct db *db, const struct digest *subject, enum currency currency, int64_t since,
                struct ledger_slices *out, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, LEDGER_SQL_SUM_BOUGHT,
               DB_VALUES(DB_BLOB(column_bytes(subject)), DB_INT(currency), DB_INT(since),
                         DB_INT(until())),
               &row, fault))
    return false;
  *out = (struct ledger_slices){.slices = column_amount(row, 0, currency),
                                .wholes = column_amount(row, 1, currency),
                                .last_offer = column_amount(row, 2, currency)};
  db_done(row);
  return true;
}

bool ledger_slices(struct ledger *ledger, const struct digest *subject, enum currency currency,
                   int64_t since, struct ledger_slices *out, struct fault *fault) {
  struct db *db;
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  bool ok = sum(db, subject, currency, since, out, fault);
  db_close(&db);
  return ok;
}

/* Entries are settled, once, with the totals that change. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

/* -- The transaction -- */

/* `changed` is at the entry's row. */
static bool count_settled(struct ledger_entry *entry, struct db *db, struct db_statement *changed,
                          struct fault *fault) {
  struct settlement *settlement = &entry->settlement;
  const struct ledger_end *end = &settlement->end;
  const struct budget_holder holder = {entry->ledger, db, db_integer(changed, 1)};
  const struct budget_change change = {&entry->request.token, column_day(changed, 0),
                                       end->spent.currency};
  return totals_add_miss(db, changed, end, fault) &&
         budget_settled(&holder, &change, &settlement->warning, fault);
}

static bool count_void(struct db *db, struct db_statement *deleted, struct fault *fault) {
  struct amounts amounts = totals_none(column_currency(deleted, 2));
  amounts.misses = db_integer(deleted, 3);
  int32_t day = (int32_t)db_integer(deleted, 0);
  return totals_add_token_day(db, day, db_integer(deleted, 1), &amounts, fault) &&
         totals_add_target_day(db, day, VIEW(""), &amounts, fault);
}

static bool make_void(struct ledger_entry *entry, struct db *db, struct fault *fault) {
  struct db_statement *deleted;
  bool ok = db_find(db, LEDGER_SQL_DELETE_OPEN, DB_VALUES(DB_TEXT(view_of(entry->request.id))),
                    &deleted, fault) &&
            (!deleted || entry->settlement.leaves_totals || count_void(db, deleted, fault));
  entry->settlement.changed = deleted;
  db_done(deleted);
  return ok;
}

/* Something stays of a stranger's request: its token becomes known. */
static bool name_stranger(const struct ledger_entry *entry, struct db *db, struct db_value *token,
                          struct fault *fault) {
  int64_t id;
  *token = DB_NULL;
  if (!entry->request.is_strangers)
    return true;
  bool ok = identity_make(db, &entry->request.token, &id, fault);
  *token = DB_INT(id);
  return ok;
}

static bool note_price(const struct ledger_entry *entry, struct db *db, struct fault *fault) {
  const struct ledger_request *request = &entry->request;
  const struct ledger_end *end = &entry->settlement.end;
  const struct db_value currency = DB_INT(end->spent.currency), parts = DB_INT(end->spent.parts);
  if (!*request->alike || end->kind != LEDGER_SETTLED || end->spent.parts <= 0)
    return true;
  return db_do(db, LEDGER_SQL_NOTE_DEAREST,
               DB_VALUES(DB_TEXT(view_of(request->alike)), currency, parts), fault) &&
         db_do(db, LEDGER_SQL_NOTE_DEAREST,
               DB_VALUES(DB_TEXT(column_beginning(request->alike)), currency, parts), fault);
}

static bool settle_open(struct ledger_entry *entry, struct db *db, struct fault *fault) {
  struct settlement *settlement = &entry->settlement;
  const struct ledger_end *end = &settlement->end;
  struct db_value token;
  struct db_statement *changed;
  if (end->kind == LEDGER_VOID)
    return make_void(entry, db, fault);
  if (!name_stranger(entry, db, &token, fault))
    return false;
  bool known = end->kind == LEDGER_SETTLED;
  bool ok = db_find(db, LEDGER_SQL_SETTLE,
                    DB_VALUES(DB_TEXT(view_of(entry->request.id)),
                              DB_INT(known ? ENTRY_SETTLED : ENTRY_UNKNOWN), DB_INT(end->results),
                              DB_INT(end->spent.parts), DB_INT(settlement->at), token,
                              DB_INT(end->is_complete)),
                    &changed, fault) &&
            (!changed || settlement->leaves_totals || count_settled(entry, db, changed, fault));
  settlement->changed = changed;
  db_done(changed);
  return ok && note_price(entry, db, fault);
}

/* An entry that was booked, since this run's lease was over, is opened again and settled. */
static bool work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct ledger_entry *entry = (struct ledger_entry *)job;
  struct settlement *settlement = &entry->settlement;
  enum lease_booking booking;
  settlement->leaves_totals = false;
  settlement->warning.is_due = false;
  if (!settle_open(entry, db, fault))
    return false;
  if (settlement->changed)
    return true;
  if (!lease_reopen(entry->ledger, db, entry->request.id, &booking, fault))
    return false;
  settlement->leaves_totals = booking == LEASE_CORRECTED;
  return booking == LEASE_NOT_BOOKED || settle_open(entry, db, fault);
}

/* -- After the commit -- */

/* A settlement that found nothing open has not written: it says nothing about the file. */
static void note(const struct ledger_entry *entry, bool ok, const struct fault *fault) {
  bool changed = entry->settlement.changed;
  if (!ok || changed)
    tasks_note_write(entry->ledger, ok, fault);
  if (ok && changed)
    budget_warn(&entry->settlement.warning);
}

static void done_again(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct ledger_entry *entry = (struct ledger_entry *)job;
  note(entry, ok, fault);
  if (ok && entry->settlement.changed)
    log_info(EVENT_ledger_settled_late, "request=%s spent=%s%s", LOG_VALUE(entry->request.id),
             AMOUNT_TEXT(entry->settlement.end.spent),
             currency_mark(entry->settlement.end.spent.currency));
  if (ok)
    entries_end(entry);
  else
    entries_fail(entry);
}

static void done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct ledger_entry *entry = (struct ledger_entry *)job;
  ledger_done *on_done = entry->done;
  void *context = entry->context;
  struct fault why = *fault; /* it is in the job */
  note(entry, ok, fault);
  if (ok || !entry->is_listed) {
    entries_end(entry);
  } else {
    entry->job = (struct keeper_job){.work = work, .done = done_again};
    entries_fail(entry);
  }
  on_done(context, ok, &why);
}

void ledger_settle(struct ledger *ledger, struct ledger_entry **address,
                   const struct ledger_end *end, ledger_done *on_done, void *context) {
  struct ledger_entry *entry = steal(*address);
  CHECK(ledger->keeper && end->results >= 0 && !amount_is_negative(end->spent));
  CHECK(end->spent.currency == entry->request.most.currency);
  CHECK(end->kind != LEDGER_VOID || (end->results == 0 && amount_is_zero(end->spent)));
  entry->ledger = ledger;
  entry->done = on_done;
  entry->context = context;
  entry->settlement = (struct settlement){.end = *end, .at = clock_milliseconds()};
  entry->settlement.end.spent = totals_bounded(end->spent);
  if (end->results > LEDGER_AMOUNT_MOST)
    entry->settlement.end.results = LEDGER_AMOUNT_MOST;
  entry->job = (struct keeper_job){.work = work, .done = done};
  keeper_give(ledger->keeper, &entry->job);
}

#include "ledger/correction.h"

#include "base/clock.h"
#include "base/num.h"
#include "ledger/room.h"

struct correct {
  struct ledger_task task;
  const struct ledger_correction *correction;
};

static bool is_reason(struct view reason) {
  for (size_t i = 0; i < reason.length; i++)
    if ((unsigned char)reason.at[i] < ' ' || reason.at[i] == 0x7f)
      return false;
  return reason.length > 0 && reason.length <= LEDGER_REASON_MOST;
}

static bool is_amount(struct amount amount) {
  return amount.parts >= -LEDGER_CORRECTION_MOST && amount.parts <= LEDGER_CORRECTION_MOST;
}

static bool check(const struct ledger_correction *correction, struct fault *fault) {
  enum currency currency = correction->spent.currency;
  if (!is_reason(correction->reason))
    return fault_set(fault, FAULT_MALFORMED,
                     "a correction needs a reason: 1 to %d bytes, without control characters",
                     LEDGER_REASON_MOST);
  if (!is_amount(correction->spent) || !is_amount(correction->unknown))
    return fault_set(fault, FAULT_MALFORMED, "a correction is of %s %s at most",
                     AMOUNT_TEXT(((struct amount){currency, LEDGER_CORRECTION_MOST})),
                     currency_words[currency]);
  if (amount_is_zero(correction->spent) && amount_is_zero(correction->unknown))
    return fault_set(fault, FAULT_MALFORMED, "a correction of nothing changes nothing");
  return (correction->day >= 0 && correction->day <= zone_day(clock_milliseconds())) ||
         fault_set(fault, FAULT_MALFORMED, "a correction cannot be for a day in the future");
}

struct day {
  struct amount spent, unknown;
};

/* Inserts rows of totals for the day if there are none, for reports to show the correction in. */
static bool make_days(struct db *db, int32_t day, int64_t token, enum currency currency,
                      struct fault *fault) {
  const struct amounts nothing = totals_none(currency);
  return totals_add_token_day(db, day, token, &nothing, fault) &&
         totals_add_target_day(db, day, VIEW(""), &nothing, fault);
}

static bool find_day(struct db *db, int32_t day, int64_t token, enum currency currency,
                     struct day *found, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, LEDGER_SQL_FIND_TOKEN_DAY,
               DB_VALUES(DB_INT(day), DB_INT(token), DB_INT(currency)), &row, fault))
    return false;
  if (!row)
    return fault_set(fault, FAULT_INTERNAL,
                     "ledger.db is damaged: it does not keep a day's totals");
  found->spent = (struct amount){currency, db_integer(row, 0)};
  found->unknown = (struct amount){currency, db_integer(row, 1)};
  db_done(row);
  return true;
}

static bool fits(const struct day *before, const struct day *after, const char *label, int32_t day,
                 struct fault *fault) {
  char date[NUM_DATE_SIZE];
  if (!amount_is_negative(after->unknown) && amount_order(after->unknown, after->spent) <= 0)
    return true; /* so spent is not negative either */
  num_print_date(day, date);
  return fault_set(fault, FAULT_MALFORMED,
                   "on %s token '%s' spent %s, %s of them unknown; with this correction that would "
                   "be %s and %s: neither can be below zero, nor more unknown than spent",
                   date, label, AMOUNT_TEXT(before->spent), AMOUNT_TEXT(before->unknown),
                   AMOUNT_TEXT(after->spent), AMOUNT_TEXT(after->unknown));
}

static bool set_day(struct db *db, int32_t day, int64_t token, const struct day *to,
                    struct fault *fault) {
  return db_do(db, LEDGER_SQL_SET_TOKEN_DAY,
               DB_VALUES(DB_INT(day), DB_INT(token), DB_INT(to->spent.currency),
                         DB_INT(to->spent.parts), DB_INT(to->unknown.parts)),
               fault);
}

static bool add(struct db *db, const struct ledger_correction *correction, int64_t token,
                struct fault *fault) {
  return db_do(db, LEDGER_SQL_ADD_CORRECTION,
               DB_VALUES(DB_INT(clock_milliseconds()), DB_INT(correction->day), DB_INT(token),
                         DB_INT(correction->spent.currency), DB_INT(correction->spent.parts),
                         DB_INT(correction->unknown.parts), DB_TEXT(correction->reason)),
               fault);
}

static bool correct_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  const struct ledger_correction *correction = ((struct correct *)job)->correction;
  struct identity token;
  struct day before;
  enum currency currency = correction->spent.currency;
  if (!identity_by_label(db, correction->token, &token, fault) ||
      !make_days(db, correction->day, token.id, currency, fault) ||
      !find_day(db, correction->day, token.id, currency, &before, fault))
    return false;
  struct day after = {amount_add(before.spent, correction->spent),
                      amount_add(before.unknown, correction->unknown)};
  return fits(&before, &after, token.label, correction->day, fault) &&
         set_day(db, correction->day, token.id, &after, fault) &&
         add(db, correction, token.id, fault);
}

bool ledger_correct(struct ledger *ledger, const struct ledger_correction *correction,
                    struct fault *fault) {
  struct correct correct = {.task.job.work = correct_work, .correction = correction};
  CHECK(correction->spent.currency == correction->unknown.currency);
  return check(correction, fault) && tasks_run(ledger, &correct.task, fault);
}

static bool list(struct ledger *ledger, struct db_statement *statement,
                 ledger_correction_each *each, void *context, struct fault *fault) {
  bool row, ok;
  while ((ok = db_step(statement, &row, fault)) && row) {
    char label[LEDGER_LABEL_SIZE];
    struct digest fingerprint = column_digest(statement, 2);
    enum currency currency = column_currency(statement, 3);
    struct ledger_correction correction = {.token =
                                               view_of(ledger_label(ledger, &fingerprint, label)),
                                           .day = column_day(statement, 1),
                                           .spent = {currency, db_integer(statement, 4)},
                                           .unknown = {currency, db_integer(statement, 5)},
                                           .reason = db_text(statement, 6)};
    each(context, &correction, db_integer(statement, 0));
  }
  return ok;
}

bool ledger_corrections(struct ledger *ledger, int32_t since, int32_t until,
                        ledger_correction_each *each, void *context, struct fault *fault) {
  struct db *db;
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  struct db_statement *statement =
      db_each(db, LEDGER_SQL_LIST_CORRECTIONS, DB_VALUES(DB_INT(since), DB_INT(until)), fault);
  bool ok = statement && list(ledger, statement, each, context, fault);
  db_close(&db);
  return ok;
}

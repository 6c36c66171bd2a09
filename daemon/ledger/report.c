#include "ledger/report.h"

#include "base/num.h"
#include "ledger/room.h"

int32_t report_day(int64_t milliseconds) {
  return zone_day(milliseconds);
}

static struct view print_label(struct ledger *ledger, enum report_by by,
                               struct db_statement *statement, char out[LEDGER_LABEL_SIZE]) {
  if (by == REPORT_BY_TARGET)
    return db_text(statement, 0);
  if (by == REPORT_BY_DAY) {
    num_print_date(column_day(statement, 0), out);
    return view_of(out);
  }
  struct digest fingerprint = column_digest(statement, 0);
  return view_of(ledger_label(ledger, &fingerprint, out));
}

/* Where the columns of each currency begin, and how many there are of it (sql/ledger). */
enum { MONEY_FIRST = 6, MONEY_COLUMNS = 6, TOKEN_FIRST = MONEY_FIRST + CURRENCIES * MONEY_COLUMNS };

/* The totals of targets hold no corrections: these are added to the empty target here. */
static void read_money(struct db_statement *statement, enum report_by by, enum currency currency,
                       struct report_money *money) {
  int column = MONEY_FIRST + (int)currency * MONEY_COLUMNS;
  money->spent = column_amount(statement, column, currency);
  money->unknown = column_amount(statement, column + 1, currency);
  money->saved = column_amount(statement, column + 2, currency);
  money->corrected = (struct amount){currency, db_integer(statement, column + 3)};
  money->unsettled = column_amount(statement, column + 5, currency);
  if (by != REPORT_BY_TARGET)
    return;
  struct amount unknown = {currency, db_integer(statement, column + 4)};
  money->spent = amount_add(money->spent, money->corrected);
  money->unknown = amount_add(money->unknown, unknown);
}

static void read_row(struct db_statement *statement, enum report_by by, struct report_row *row) {
  row->requests = db_integer(statement, 1);
  row->hits = db_integer(statement, 2);
  row->misses = db_integer(statement, 3);
  row->errors = db_integer(statement, 4);
  row->results = db_integer(statement, 5);
  for (int i = 0; i < CURRENCIES; i++)
    read_money(statement, by, (enum currency)i, &row->money[i]);
}

/* Sums nothing for a token without a budget. */
static bool read_token(struct ledger *ledger, struct db *db, struct db_statement *statement,
                       struct report_row *row, struct fault *fault) {
  row->id = db_integer(statement, TOKEN_FIRST);
  row->kind = column_kind(statement, TOKEN_FIRST + 1);
  row->revoked = db_integer(statement, TOKEN_FIRST + 2) != 0;
  const struct budget_holder holder = {ledger, db, row->id};
  return budget_read_account(&holder, statement, TOKEN_FIRST + 3, &row->account, fault);
}

static void add_money(struct report_money *total, const struct report_money *money) {
  total->spent = amount_add(total->spent, money->spent);
  total->unknown = amount_add(total->unknown, money->unknown);
  total->saved = amount_add(total->saved, money->saved);
  total->corrected = amount_add(total->corrected, money->corrected);
  total->unsettled = amount_add(total->unsettled, money->unsettled);
}

/* Saturates, as money does. */
static int64_t plus(int64_t a, int64_t b) {
  return rows_add((struct rows){a}, (struct rows){b}).tenths;
}

static void add_row(struct report_row *total, const struct report_row *row) {
  total->requests = plus(total->requests, row->requests);
  total->hits = plus(total->hits, row->hits);
  total->misses = plus(total->misses, row->misses);
  total->errors = plus(total->errors, row->errors);
  total->results = plus(total->results, row->results);
  for (int i = 0; i < CURRENCIES; i++)
    add_money(&total->money[i], &row->money[i]);
}

struct asked {
  struct ledger *ledger;
  const struct report_period *period;
  report_each *each;
  void *context;
};

static bool read_whole(struct db *db, const struct asked *asked, struct db_statement *statement,
                       struct report_row *row, struct fault *fault) {
  enum report_by by = asked->period->by;
  read_row(statement, by, row);
  return by != REPORT_BY_TOKEN || read_token(asked->ledger, db, statement, row, fault);
}

/* The report by target adds up whole months, which have fewer rows, and the single days before and
 * after them. An empty range ends before it begins. */
static struct db_statement *each_target(struct db *db, int32_t since, int32_t until,
                                        struct view ids, struct fault *fault) {
  since = since < 0 ? 0 : since;
  until = until > NUM_LAST_DAY ? NUM_LAST_DAY : until;
  int32_t first = zone_month(since) == since ? since : zone_next_month(since);
  int32_t behind = until == NUM_LAST_DAY ? until + 1 : zone_month(until + 1);
  bool any = since <= first && first < behind;
  return db_each(db, LEDGER_SQL_REPORT_TARGET,
                 DB_VALUES(DB_INT(since), DB_INT(any ? first - 1 : until), DB_INT(any ? first : 1),
                           DB_INT(any ? behind - 1 : 0), DB_INT(any ? behind : 1),
                           DB_INT(any ? until : 0), DB_INT(since), DB_INT(until), DB_TEXT(ids)),
                 fault);
}

static struct db_statement *each_row(struct db *db, const struct report_period *period,
                                     struct view ids, struct fault *fault) {
  if (period->by == REPORT_BY_TARGET)
    return each_target(db, period->since, period->until, ids, fault);
  return db_each(db, period->by == REPORT_BY_DAY ? LEDGER_SQL_REPORT_DAY : LEDGER_SQL_REPORT_TOKEN,
                 DB_VALUES(DB_INT(period->since), DB_INT(period->until), DB_TEXT(ids)), fault);
}

/* Nothing, in each currency. */
static struct report_row no_row(void) {
  struct report_row row = {.label = VIEW("")};
  for (int i = 0; i < CURRENCIES; i++) {
    struct amount zero = amount_zero((enum currency)i);
    row.money[i] = (struct report_money){zero, zero, zero, zero, zero};
  }
  return row;
}

static bool run(struct db *db, const struct asked *asked, struct report_row *total,
                struct fault *fault) {
  scope_text struct text ids = {0};
  if (!entries_list_unsettled(asked->ledger, &ids, fault))
    return false;
  struct db_statement *statement = each_row(db, asked->period, text_view(&ids), fault);
  if (!statement)
    return false;
  bool more, ok;
  while ((ok = db_step(statement, &more, fault)) && more) {
    char label[LEDGER_LABEL_SIZE];
    struct report_row row = {.label =
                                 print_label(asked->ledger, asked->period->by, statement, label)};
    ok = read_whole(db, asked, statement, &row, fault);
    if (!ok)
      break;
    add_row(total, &row);
    if (asked->each)
      asked->each(asked->context, &row);
  }
  return ok;
}

bool report_run(struct ledger *ledger, const struct report_period *period, report_each *each,
                void *context, struct report_row *total, struct fault *fault) {
  struct db *db;
  const struct asked asked = {ledger, period, each, context};
  *total = no_row();
  count_for_report(ledger);
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  bool ok = run(db, &asked, total, fault);
  db_close(&db);
  return ok;
}

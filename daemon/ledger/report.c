#include "ledger/report.h"

#include "base/num.h"
#include "ledger/inside.h"
#include "sql_ledger.h"

int32_t report_day(int64_t milliseconds) {
  return zone_day(milliseconds);
}

static struct view print_label(struct ledger *ledger, enum report_by by,
                               struct db_statement *statement, char out[LEDGER_LABEL_SIZE]) {
  if (by == REPORT_BY_TARGET)
    return db_text(statement, 0);
  if (by == REPORT_BY_DAY) {
    num_print_date(inside_day(statement, 0), out);
    return view_of(out);
  }
  struct digest fingerprint = inside_digest(db_blob(statement, 0));
  return view_of(ledger_label(ledger, &fingerprint, out));
}

static void read_row(struct db_statement *statement, struct report_row *row) {
  row->requests = db_integer(statement, 1);
  row->hits = db_integer(statement, 2);
  row->misses = db_integer(statement, 3);
  row->errors = db_integer(statement, 4);
  row->results = inside_wide(statement, 5);
  row->spent.tenths = inside_wide(statement, 7);
  row->unknown.tenths = inside_wide(statement, 9);
  row->saved.tenths = inside_wide(statement, 11);
  row->corrected.tenths = db_integer(statement, 13);
  row->unsettled.tenths = inside_wide(statement, 15);
}

/* The totals of targets hold no corrections: they are all under the empty one. */
static void correct_target(struct db_statement *statement, struct report_row *row) {
  row->spent = rows_add(row->spent, row->corrected);
  row->unknown = rows_add(row->unknown, (struct rows){db_integer(statement, 14)});
}

/* Without a budget there is nothing that has to be summed. */
static bool read_token(struct ledger *ledger, struct db *db, struct db_statement *statement,
                       struct report_row *row, struct fault *fault) {
  row->id = db_integer(statement, 17);
  row->kind = inside_kind(statement, 18);
  row->revoked = db_integer(statement, 19) != 0;
  return db_integer(statement, 20) < 0 ||
         budget_look_column(ledger, db, row->id, statement, 20, &row->account, fault);
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
  total->spent = rows_add(total->spent, row->spent);
  total->unknown = rows_add(total->unknown, row->unknown);
  total->saved = rows_add(total->saved, row->saved);
  total->corrected = rows_add(total->corrected, row->corrected);
  total->unsettled = rows_add(total->unsettled, row->unsettled);
}

struct asked {
  struct ledger *ledger;
  enum report_by by;
  int32_t since, until;
  report_each *each;
  void *context;
};

static bool read_whole(struct db *db, const struct asked *asked, struct db_statement *statement,
                       struct report_row *row, struct fault *fault) {
  read_row(statement, row);
  if (asked->by == REPORT_BY_TARGET)
    correct_target(statement, row);
  return asked->by != REPORT_BY_TOKEN || read_token(asked->ledger, db, statement, row, fault);
}

/* The report by target adds up months, of which there are fewer rows; days only where a month is
 * not in it whole. An empty range ends before it begins. */
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

static struct db_statement *each_row(struct db *db, const struct asked *asked, struct view ids,
                                     struct fault *fault) {
  if (asked->by == REPORT_BY_TARGET)
    return each_target(db, asked->since, asked->until, ids, fault);
  return db_each(db, asked->by == REPORT_BY_DAY ? LEDGER_SQL_REPORT_DAY : LEDGER_SQL_REPORT_TOKEN,
                 DB_VALUES(DB_INT(asked->since), DB_INT(asked->until), DB_TEXT(ids)), fault);
}

static bool run(struct db *db, const struct asked *asked, struct report_row *total,
                struct fault *fault) {
  scope_text struct text ids = {0};
  if (!entry_list_unsettled(asked->ledger, &ids, fault))
    return false;
  struct db_statement *statement = each_row(db, asked, text_view(&ids), fault);
  if (!statement)
    return false;
  bool more, ok;
  while ((ok = db_step(statement, &more, fault)) && more) {
    char label[LEDGER_LABEL_SIZE];
    struct report_row row = {.label = print_label(asked->ledger, asked->by, statement, label)};
    ok = read_whole(db, asked, statement, &row, fault);
    if (!ok)
      break;
    add_row(total, &row);
    asked->each(asked->context, &row);
  }
  return ok;
}

bool report_run(struct ledger *ledger, enum report_by by, int32_t since, int32_t until,
                report_each *each, void *context, struct report_row *total, struct fault *fault) {
  struct db *db;
  const struct asked asked = {ledger, by, since, until, each, context};
  *total = (struct report_row){.label = VIEW("")};
  count_for_report(ledger);
  if (!inside_read(ledger, &db, fault))
    return false;
  bool ok = run(db, &asked, total, fault);
  db_close(&db);
  return ok;
}

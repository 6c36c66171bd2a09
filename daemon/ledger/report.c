#include "ledger/report.h"

#include "base/num.h"
#include "ledger/inside.h"
#include "sql_ledger.h"

#define MILLISECONDS_A_DAY INT64_C(86400000)

#define DAY_LAST INT64_C(2932896) /* 9999-12-31: what a date can say */

static int32_t clamp_day(int64_t day) {
  if (day < 0)
    return 0;
  return day > DAY_LAST ? (int32_t)DAY_LAST : (int32_t)day;
}

int32_t report_day(int64_t milliseconds) {
  return clamp_day(milliseconds / MILLISECONDS_A_DAY);
}

/* Two columns, sums of the upper and of the lower 32 bits of amounts that are not negative. */
static int64_t wide(sqlite3_stmt *statement, int column) {
  int64_t high = db_integer(statement, column), low = db_integer(statement, column + 1);
  high += low >> 32;
  return high > INT32_MAX ? INT64_MAX : high << 32 | (low & UINT32_MAX);
}

static struct view print_label(struct ledger *ledger, enum report_by by, sqlite3_stmt *statement,
                               char out[LEDGER_LABEL_SIZE]) {
  struct digest fingerprint = {0};
  if (by == REPORT_BY_TARGET)
    return db_text(statement, 0);
  if (by == REPORT_BY_DAY) {
    num_print_date(clamp_day(db_integer(statement, 0)), out);
    return view_of(out);
  }
  struct view bytes = db_blob(statement, 0);
  if (bytes.length == sizeof fingerprint.bytes)
    memcpy(fingerprint.bytes, bytes.at, bytes.length);
  return view_of(ledger_label(ledger, &fingerprint, out));
}

static void read_row(sqlite3_stmt *statement, struct report_row *row) {
  row->requests = db_integer(statement, 1);
  row->hits = db_integer(statement, 2);
  row->misses = db_integer(statement, 3);
  row->errors = db_integer(statement, 4);
  row->results = wide(statement, 5);
  row->spent.tenths = wide(statement, 7);
  row->unknown.tenths = wide(statement, 9);
  row->saved.tenths = wide(statement, 11);
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
}

static const int statements[] = {
    [REPORT_BY_TOKEN] = LEDGER_SQL_REPORT_TOKEN,
    [REPORT_BY_TARGET] = LEDGER_SQL_REPORT_TARGET,
    [REPORT_BY_DAY] = LEDGER_SQL_REPORT_DAY,
};

struct asked {
  struct ledger *ledger;
  enum report_by by;
  int32_t since, until;
  report_each *each;
  void *context;
};

static bool run(struct db *db, const struct asked *asked, struct report_row *total,
                struct fault *fault) {
  sqlite3_stmt *statement = db_statement(db, statements[asked->by], fault);
  if (!statement)
    return false;
  db_bind_integer(statement, 1, asked->since);
  db_bind_integer(statement, 2, asked->until);
  bool more, ok;
  while ((ok = db_step(db, statement, &more, fault)) && more) {
    char label[LEDGER_LABEL_SIZE];
    struct report_row row = {.label = print_label(asked->ledger, asked->by, statement, label)};
    read_row(statement, &row);
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
  /* When this fails the log says so, and the counts are kept: what was written can still be told.
   */
  if (ledger->keeper)
    (void)!count_flush(ledger, NULL);
  if (!inside_read(ledger, &db, fault))
    return false;
  bool ok = run(db, &asked, total, fault);
  db_close(&db);
  return ok;
}

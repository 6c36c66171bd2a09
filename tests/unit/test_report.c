/* Reports over totals that are written here, row by row, so that their days are known. */
#include "ledger/report.h"

#include "base/clock.h"
#include "base/num.h"
#include "sql_ledger.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Its timer has nothing to do. */
static struct ledger *open_quiet_ledger(void) {
  return open_ledger(&(struct ledger_options){.retention_seconds = 0});
}

static void change(const char *sql) {
  database_change("ledger.db", sql);
}

/* The months of the days that were inserted. */
#define MONTHS                                                                                     \
  ";INSERT INTO target_month SELECT unixepoch(day * 86400, 'unixepoch', 'start of month') / 86400" \
  " AS month, target, currency, sum(requests), sum(hits), sum(misses), sum(errors), sum(results)," \
  " sum(spent), sum(unknown), sum(saved) FROM target_day GROUP BY month, target, currency;"

/* Two tokens, three targets, three days: 2026-11-22 is day 20779. */
static void write_totals(void) {
  change("INSERT INTO token(id, fingerprint, name) VALUES"
         " (1, X'AABBCCDD00000000000000000000000000000000000000000000000000000000', NULL),"
         " (2, X'1100000000000000000000000000000000000000000000000000000000000000', 'reporting');"
         "INSERT INTO token_day VALUES"
         " (20779, 1, 0, 4, 2, 1, 1, 10, 30, 0, 50), (20780, 1, 0, 1, 0, 1, 0, 5, 20, 20, 0),"
         " (20780, 2, 0, 3, 0, 3, 0, 90, 400, 0, 0), (20781, 2, 0, 7, 7, 0, 0, 0, 0, 0, 700);"
         "INSERT INTO target_day VALUES"
         " (20779, 'a.com', 0, 3, 1, 1, 1, 10, 30, 0, 20), (20779, '', 0, 1, 1, 0, 0, 0, 0, 0, 30),"
         " (20780, 'a.com', 0, 1, 0, 1, 0, 5, 20, 20, 0),"
         " (20780, 'b.com', 0, 3, 0, 3, 0, 90, 400, 0, 0),"
         " (20781, 'b.com', 0, 7, 7, 0, 0, 0, 0, 0, 700)" MONTHS);
}

static void print_row(void *context, const struct report_row *row) {
  char *text = context;
  size_t length = strlen(text);
  snprintf(text + length, 1024 - length, "%.*s %d %d %d %d %d %s %s %s\n", VIEW_ARGS(row->label),
           (int)row->requests, (int)row->hits, (int)row->misses, (int)row->errors,
           (int)row->results, AMOUNT_TEXT(row->money[CURRENCY_ROWS].spent),
           AMOUNT_TEXT(row->money[CURRENCY_ROWS].unknown),
           AMOUNT_TEXT(row->money[CURRENCY_ROWS].saved));
}

static void expect(struct ledger *ledger, enum report_by by, int32_t since, int32_t until,
                   const char *expected) {
  char text[1024] = "";
  struct fault fault;
  struct report_row total;
  if (!report_run(ledger, &(struct report_period){by, since, until}, print_row, text, &total,
                  &fault))
    fail_msg("%s", fault.text);
  print_row(text, &total);
  assert_string_equal(text, expected);
}

static void expect_all(struct ledger *ledger) {
  const int32_t since = INT32_MIN, until = INT32_MAX;
  expect(ledger, REPORT_BY_TOKEN, since, until,
         "reporting 10 7 3 0 90 40.0 0.0 70.0\n"
         "aabbccdd 5 2 2 1 15 5.0 2.0 5.0\n"
         " 15 9 5 1 105 45.0 2.0 75.0\n");
  expect(ledger, REPORT_BY_TARGET, since, until,
         "b.com 10 7 3 0 90 40.0 0.0 70.0\n"
         "a.com 4 1 2 1 15 5.0 2.0 2.0\n"
         " 1 1 0 0 0 0.0 0.0 3.0\n"
         " 15 9 5 1 105 45.0 2.0 75.0\n");
  expect(ledger, REPORT_BY_DAY, since, until,
         "2026-11-22 4 2 1 1 10 3.0 0.0 5.0\n"
         "2026-11-23 4 0 4 0 95 42.0 2.0 0.0\n"
         "2026-11-24 7 7 0 0 0 0.0 0.0 70.0\n"
         " 15 9 5 1 105 45.0 2.0 75.0\n");
}

static void test_each_grouping(void **state) {
  (void)state;
  struct ledger *ledger = open_quiet_ledger();
  expect(ledger, REPORT_BY_TOKEN, 0, 1, " 0 0 0 0 0 0.0 0.0 0.0\n");
  write_totals();
  ledger_close(&ledger);
  ledger = open_quiet_ledger(); /* a name that another process gave */
  expect_all(ledger);
  ledger_close(&ledger);
}

static void test_days_bound_it(void **state) {
  (void)state;
  struct ledger *ledger = open_quiet_ledger();
  write_totals();
  expect(ledger, REPORT_BY_DAY, 20780, 20780,
         "2026-11-23 4 0 4 0 95 42.0 2.0 0.0\n 4 0 4 0 95 42.0 2.0 0.0\n");
  expect(ledger, REPORT_BY_TARGET, 20781, INT32_MAX,
         "b.com 7 7 0 0 0 0.0 0.0 70.0\n 7 7 0 0 0 0.0 0.0 70.0\n");
  expect(ledger, REPORT_BY_TOKEN, INT32_MIN, 20779,
         "aabbccdd 4 2 1 1 10 3.0 0.0 5.0\n 4 2 1 1 10 3.0 0.0 5.0\n");
  expect(ledger, REPORT_BY_TOKEN, 20781, 20779, " 0 0 0 0 0 0.0 0.0 0.0\n");
  ledger_close(&ledger);
}

static void test_what_is_counted_is_reported(void **state) {
  (void)state;
  struct ledger *ledger = open_quiet_ledger();
  struct digest token = {.bytes = {0xaa, 0xbb, 0xcc, 0xdd}};
  ledger_count(ledger, &token, VIEW("a.com"), LEDGER_HIT, WHOLE(3));
  ledger_count(ledger, &token, VIEW("a.com"), LEDGER_ERROR, WHOLE(0));
  expect(ledger, REPORT_BY_TOKEN, INT32_MIN, INT32_MAX,
         "aabbccdd 2 1 0 1 0 0.0 0.0 3.0\n 2 1 0 1 0 0.0 0.0 3.0\n");
  expect(ledger, REPORT_BY_TARGET, INT32_MIN, INT32_MAX,
         "a.com 2 1 0 1 0 0.0 0.0 3.0\n 2 1 0 1 0 0.0 0.0 3.0\n");
  ledger_close(&ledger);
}

static void test_reports_without_a_daemon(void **state) {
  (void)state;
  struct fault fault = {0};
  struct ledger *ledger, *reader;
  assert_false(ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault));
  assert_null(reader);
  assert_non_null(strstr(fault.text, "there is no ledger at "));
  assert_int_not_equal(access(path_of("ledger.db"), F_OK), 0);
  ledger = open_quiet_ledger();
  write_totals();
  assert_true(
      ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault)); /* while a daemon runs */
  expect_all(reader);
  ledger_close(&ledger);
  expect_all(reader);
  ledger_close(&reader);
  assert_true(ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault));
  expect_all(reader);
  bool exists;
  struct ledger_found found;
  assert_true(ledger_find(reader, "none", &found, &exists, &fault));
  assert_false(exists);
  ledger_close(&reader);
}

static void test_a_reader_books_nothing(void **state) {
  (void)state;
  struct fault fault = {0};
  struct ledger *ledger = open_quiet_ledger(), *reader;
  change("INSERT INTO token(id, fingerprint) VALUES (1, zeroblob(32));"
         "INSERT INTO entry(request, at, day, token, source, target, state, estimated, most)"
         " VALUES ('left', 1, 1, 1, '', '', 0, 0, 2010)");
  ledger_close(&ledger);
  assert_true(ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault));
  bool exists;
  struct ledger_found found;
  assert_true(ledger_find(reader, "left", &found, &exists, &fault));
  assert_true(exists);
  assert_string_equal(found.state, "unknown"); /* as the next start will book it */
  assert_int_equal(found.spent.parts, 2010);
  assert_string_equal(found.token, "00000000");
  static const enum report_by all[] = {REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY};
  for (size_t i = 0; i < COUNT(all); i++) {
    struct report_row total;
    char text[1024] = "";
    assert_true(
        report_run(reader, &(struct report_period){all[i], 0, 9}, print_row, text, &total, &fault));
    assert_int_equal(total.requests, 1);
    assert_int_equal(total.misses, 1);
    assert_true(total.money[CURRENCY_ROWS].spent.parts == 2010 &&
                total.money[CURRENCY_ROWS].unknown.parts == 2010);
    assert_int_equal(total.money[CURRENCY_ROWS].unsettled.parts, 2010);
    assert_true(
        report_run(reader, &(struct report_period){all[i], 2, 9}, print_row, text, &total, &fault));
    assert_int_equal(total.requests, 0);
  }
  ledger_close(&reader);
  change("CREATE TEMP TABLE still_open(count CHECK (count = 1));"
         "INSERT INTO still_open SELECT count(*) FROM entry WHERE state = 0");
}

static void test_an_empty_file_is_no_ledger(void **state) {
  (void)state;
  struct fault fault = {0};
  struct ledger *reader;
  fclose(fopen(path_of("ledger.db"), "w"));
  assert_false(ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault));
  assert_non_null(strstr(fault.text, "there is no ledger at "));
}

/* Figures that only another program can have written: no report invents a sum of them. */
static void test_a_sum_that_overflows_is_a_fault(void **state) {
  (void)state;
  struct fault fault;
  struct report_row total;
  struct ledger *ledger = open_quiet_ledger();
  const struct report_period one = {REPORT_BY_TOKEN, 2, 2}, both = {REPORT_BY_TOKEN, 0, 9};
  change("INSERT INTO token(id, fingerprint) VALUES (1, zeroblob(32));"
         "INSERT INTO token_day VALUES"
         " (1, 1, 0, 1, 0, 1, 0, 0, 9223372036854775807, 0, 4611686018427387904),"
         " (2, 1, 0, 1, 0, 1, 0, 0, 1, 1, 4611686018427387903)");
  assert_true(report_run(ledger, &one, NULL, NULL, &total, &fault));
  assert_true(total.money[CURRENCY_ROWS].saved.parts == INT64_C(4611686018427387903));
  assert_false(report_run(ledger, &both, NULL, NULL, &total, &fault));
  assert_non_null(strstr(fault.text, "ledger.db: report_token: integer overflow"));
  ledger_close(&ledger);
}

static void test_days(void **state) {
  (void)state;
  assert_int_equal(report_day(0), 0);
  assert_int_equal(report_day(86399999), 0);
  assert_int_equal(report_day(86400000), 1);
  assert_int_equal(report_day(INT64_MIN), 0);
  char date[NUM_DATE_SIZE];
  num_print_date(report_day(INT64_MAX), date);
  assert_string_equal(date, "9999-12-31");
}

static void count_row(void *context, const struct report_row *row) {
  (void)row;
  ++*(int *)context;
}

static void measure(struct ledger *ledger, const char *what, enum report_by by, int32_t since) {
  int groups = 0;
  struct fault fault;
  struct report_row total;
  int64_t began = clock_monotonic();
  assert_true(report_run(ledger, &(struct report_period){by, since, INT32_MAX}, count_row, &groups,
                         &total, &fault));
  print_message("%s: %d groups, %.1f ms\n", what, groups,
                (double)(clock_monotonic() - began) / 1e6);
}

/* A thousand days of a thousand tokens, and of a thousand targets out of ten thousand. */
static void test_a_million_rows(void **state) {
  (void)state;
  struct ledger *ledger = open_quiet_ledger();
  change("BEGIN;"
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
         " INSERT INTO token(id, fingerprint) SELECT i + 1, CAST(printf('%032d', i) AS BLOB)"
         " FROM n;"
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)"
         " INSERT INTO token_day SELECT 20000 + i / 1000, i % 1000 + 1, 0, 2, 1, 1, 0, 100, 210, "
         "0, 210"
         " FROM n;"
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)"
         " INSERT INTO target_day SELECT 20000 + i / 1000, printf('target%d.com', i * 7 % 10000),"
         " 0, 2, 1, 1, 0, 100, 210, 0, 210 FROM n" MONTHS "COMMIT");
  measure(ledger, "by token, all", REPORT_BY_TOKEN, INT32_MIN);
  measure(ledger, "by target, all", REPORT_BY_TARGET, INT32_MIN);
  measure(ledger, "by day, all", REPORT_BY_DAY, INT32_MIN);
  measure(ledger, "by token, 30 days", REPORT_BY_TOKEN, 20970);
  measure(ledger, "by target, 30 days", REPORT_BY_TARGET, 20970);
  measure(ledger, "by day, 30 days", REPORT_BY_DAY, 20970);
  measure(ledger, "by token, one day", REPORT_BY_TOKEN, 20999);
  measure(ledger, "by target, none", REPORT_BY_TARGET, 30000);
  ledger_close(&ledger);
}

/* -- Months -- */

static int64_t sum_days(const char *column, int32_t since, int32_t until) {
  char sql[200];
  snprintf(sql, sizeof sql,
           "SELECT ifnull(sum(%s), 0) FROM target_day WHERE day BETWEEN %" PRId32 " AND %" PRId32,
           column, since, until);
  return database_ask("ledger.db", sql);
}

static void ignore_row(void *context, const struct report_row *row) {
  (void)context, (void)row;
}

/* Each pair of days, near the ends of months and far from them, and where there are none. */
static void test_months_stand_for_their_days(void **state) {
  (void)state;
  static const int32_t edges[] = {INT32_MIN, -400,  0,     1,     30,    31,      20757,
                                  20758,     20759, 20787, 20788, 20789, 20800,   20819,
                                  20818,     20848, 20849, 20850, 21000, 2932896, INT32_MAX};
  struct ledger *ledger = open_quiet_ledger();
  change("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199)"
         " INSERT INTO target_day SELECT 20700 + i, printf('t%d', i % 3), 0, i, i, 0, 0, 0, i * i, "
         "0, 0"
         " FROM n" MONTHS);
  for (size_t i = 0; i < COUNT(edges); i++)
    for (size_t j = i; j < COUNT(edges); j++) {
      struct report_row total;
      struct fault fault;
      assert_true(report_run(ledger, &(struct report_period){REPORT_BY_TARGET, edges[i], edges[j]},
                             ignore_row, NULL, &total, &fault));
      assert_int_equal(total.requests, sum_days("requests", edges[i], edges[j]));
      assert_int_equal(total.money[CURRENCY_ROWS].spent.parts,
                       sum_days("spent", edges[i], edges[j]));
    }
  ledger_close(&ledger);
}

/* Reports read by the day, never the whole table. */
static void test_reports_use_the_day(void **state) {
  (void)state;
  struct ledger *ledger = open_quiet_ledger();
  static const int reports[] = {LEDGER_SQL_REPORT_TOKEN, LEDGER_SQL_REPORT_TARGET,
                                LEDGER_SQL_REPORT_DAY};
  for (size_t i = 0; i < COUNT(reports); i++) {
    char plan[4096];
    database_plan("ledger.db", ledger_schema.statements[reports[i]], plan, sizeof plan);
    assert_non_null(strstr(plan, "PRIMARY KEY (day>? AND day<?)"));
    assert_null(strstr(plan, "SCAN token_day"));
    assert_null(strstr(plan, "SCAN target_"));
  }
  ledger_close(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_each_grouping),
      TEST(test_days_bound_it),
      TEST(test_what_is_counted_is_reported),
      TEST(test_reports_without_a_daemon),
      TEST(test_a_reader_books_nothing),
      TEST(test_an_empty_file_is_no_ledger),
      TEST(test_a_sum_that_overflows_is_a_fault),
      cmocka_unit_test(test_days),
      TEST(test_a_million_rows),
      TEST(test_months_stand_for_their_days),
      TEST(test_reports_use_the_day),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

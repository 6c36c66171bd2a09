/* Budgets, their windows in a time zone, corrections, reconciliations and retention; with a clock
 * that stands where a test puts it. */
#include "ledger/correction.h"
#include "ledger/reconciliation.h"
#include "ledger/report.h"
#include "ledger/zone.h"

#include "base/clock.h"
#include "base/num.h"
#include "fake/clock.h"
#include "sql_ledger.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WHOLE(rows) amount_of_rows(ROWS(rows))

/* -- The clock -- */

/* "2026-11-23 22:04", UTC. */
static int64_t at(const char *text) {
  struct tm tm = {0};
  assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
  return (int64_t)timegm(&tm);
}

static void set_clock(const char *text) {
  fake_clock_set(at(text) * 1000);
}

static int32_t day_of(const char *date) {
  int32_t day;
  assert_true(num_date(view_of(date), &day));
  return day;
}

static int begin(void **state) {
  set_clock("2026-11-23 22:04");
  return make_directory(state);
}

/* The fault of the last call. */
static struct fault fault;

static void must(bool ok) {
  if (!ok)
    fail_msg("%s", fault.text);
}

static struct ledger *open_in(const char *timezone) {
  struct ledger *ledger = NULL;
  struct ledger_options options = LEDGER_DEFAULTS;
  options.timezone = timezone;
  must(ledger_open(directory, &options, &ledger, &fault));
  return ledger;
}

static int64_t ask(const char *sql) {
  return database_ask("ledger.db", sql);
}

/* -- Shorthands -- */

static char token[TOKEN_SIZE];

static void add(struct ledger *ledger, int64_t rows, enum token_per per) {
  must(token_add(ledger, VIEW("reporting"), &(struct token_budget){WHOLE(rows), per}, token,
                 &fault));
}

static struct spending request_for(struct ledger *ledger, struct rows most) {
  static atomic_int number;
  char request[LEDGER_REQUEST_ID_SIZE];
  snprintf(request, sizeof request, "request-%d", atomic_fetch_add(&number, 1));
  return spending_of(ledger, token, request, most);
}

static void pay(struct ledger *ledger, struct spending *entry, struct rows spent) {
  assert_true(settle(ledger, entry, LEDGER_SETTLED, 1, spent, NULL));
}

static bool fits(struct ledger *ledger, struct rows most) {
  struct spending entry = request_for(ledger, most);
  if (!reserve(ledger, &entry, &fault))
    return false;
  pay(ledger, &entry, ROWS(0));
  return true;
}

static void spend(struct ledger *ledger, struct rows rows) {
  struct spending entry = request_for(ledger, rows);
  must(reserve(ledger, &entry, &fault));
  pay(ledger, &entry, rows);
}

static void refuses(struct ledger *ledger, struct rows most, const char *text) {
  struct spending entry = request_for(ledger, most);
  assert_false(reserve(ledger, &entry, &fault));
  assert_int_equal(fault.kind, FAULT_OVER_BUDGET);
  assert_string_equal(fault.text, text);
  assert_false(ledger_is_broken(ledger));
}

static void keep_account(void *context, const struct token_row *row) {
  *(struct token_account *)context = row->account;
}

static struct token_account account_of(struct ledger *ledger) {
  struct token_account account = {0};
  must(token_list(ledger, keep_account, &account, &fault));
  return account;
}

/* -- The time zone -- */

/* The first moment of a day, and how many hours it has. */
static void expect_day(const char *zone, const char *date, const char *begins, int hours) {
  char text[ZONE_TIME_SIZE];
  int32_t day = day_of(date);
  must(zone_set(zone, &fault));
  int64_t first = zone_begins(day), next = zone_begins(day + 1);
  assert_string_equal(zone_print(first, text), begins);
  assert_int_equal(next - first, hours * 3600);
  assert_int_equal(zone_day(first * 1000), day);
  assert_int_equal(zone_day(first * 1000 - 1), day - 1);
  assert_int_equal(zone_day(next * 1000 - 1), day);
  assert_int_equal(report_day(next * 1000), day + 1);
}

static void test_days_of_a_zone(void **state) {
  (void)state;
  expect_day("UTC", "2026-03-29", "2026-03-29T00:00:00+00:00", 24);
  expect_day("Europe/Berlin", "2026-03-28", "2026-03-28T00:00:00+01:00", 24);
  expect_day("Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", 23);
  expect_day("Europe/Berlin", "2026-03-30", "2026-03-30T00:00:00+02:00", 24);
  expect_day("Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", 25);
  expect_day("Europe/Berlin", "2026-10-26", "2026-10-26T00:00:00+01:00", 24);
  expect_day("Europe/Berlin", "2099-07-01", "2099-07-01T00:00:00+02:00", 24);
  expect_day("America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", 23);
  expect_day("America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", 25);
  expect_day("America/New_York", "2026-11-02", "2026-11-02T00:00:00-05:00", 24);
  expect_day("Asia/Kathmandu", "2026-12-01", "2026-12-01T00:00:00+05:45", 24);
  expect_day("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23); /* no midnight */
  must(zone_set("Pacific/Apia", &fault)); /* it skipped a day */
  assert_int_equal(zone_begins(day_of("2011-12-30")), zone_begins(day_of("2011-12-31")));
  assert_string_equal(zone_name(), "Pacific/Apia");
}

static void test_every_hour_is_in_its_day(void **state) {
  (void)state;
  static const char *const zones[] = {"Europe/Berlin",       "America/New_York", "Asia/Kathmandu",
                                      "Australia/Lord_Howe", "Africa/Cairo",     "UTC"};
  for (size_t i = 0; i < COUNT(zones); i++) {
    must(zone_set(zones[i], &fault));
    for (int64_t hour = at("2025-12-30 00:00"); hour < at("2027-01-03 00:00"); hour += 3600) {
      int32_t day = zone_day(hour * 1000);
      assert_true(zone_begins(day) <= hour && hour < zone_begins(day + 1));
    }
  }
}

static void test_months(void **state) {
  (void)state;
  for (int32_t day = day_of("2023-12-01"); day < day_of("2029-01-01"); day++) {
    char date[NUM_DATE_SIZE], next[NUM_DATE_SIZE];
    num_print_date(zone_month(day), date);
    num_print_date(zone_next_month(day), next);
    assert_string_equal(date + 8, "01");
    assert_string_equal(next + 8, "01");
    assert_true(zone_month(day) <= day && day < zone_next_month(day));
    assert_in_range(zone_next_month(day) - zone_month(day), 28, 31);
  }
}

static void test_what_is_no_zone(void **state) {
  (void)state;
  struct ledger *ledger;
  static const char *const names[] = {"Europe/Berln",      "europe",  "CET-1CEST", "/etc/localtime",
                                      "../zoneinfo/UTC",   "Europe",  ":UTC",      " ",
                                      "Europe/Berlin\x01", "UTC0UTC", "zone.tab"};
  must(zone_set("Asia/Kathmandu", &fault));
  for (size_t i = 0; i < COUNT(names); i++) {
    struct ledger_options options = {.timezone = names[i]};
    assert_false(zone_check(names[i], &fault));
    assert_false(ledger_open(directory, &options, &ledger, &fault));
    assert_null(ledger);
    assert_int_equal(fault.kind, FAULT_MALFORMED);
    assert_non_null(strstr(fault.text, "is no time zone"));
  }
  assert_string_equal(zone_name(), "Asia/Kathmandu");
  must(zone_check("Europe/Berlin", &fault) && zone_check(NULL, &fault) && zone_check("", &fault));
}

/* -- Budgets -- */

static void test_a_month(void **state) {
  (void)state;
  struct ledger *ledger = open_in("Europe/Berlin");
  add(ledger, 1000, TOKEN_PER_MONTH);
  spend(ledger, (struct rows){9846});
  struct spending open = request_for(ledger, ROWS(3));
  must(reserve(ledger, &open, &fault));
  refuses(ledger, ROWS(201),
          "token 'reporting' has 12.4 of 1000.0 rows left this month (3.0 more are reserved by "
          "requests under way); this request could cost 201.0; the budget starts over on "
          "2026-12-01 00:00 Europe/Berlin");
  assert_int_equal(fault.retry_after, at("2026-11-30 23:00") - at("2026-11-23 22:04"));
  assert_false(fits(ledger, (struct rows){125}));
  assert_true(fits(ledger, (struct rows){124})); /* to the tenth */
  pay(ledger, &open, ROWS(0));
  assert_true(fits(ledger, (struct rows){154})); /* what was not spent is released */
  set_clock("2026-11-30 22:59");
  assert_false(fits(ledger, ROWS(201)));
  set_clock("2026-11-30 23:00");
  assert_true(fits(ledger, ROWS(1000)));
  assert_false(fits(ledger, (struct rows){10001}));
  ledger_close(&ledger);
}

/* The first and the last day of a month count, those beside them do not. */
static void test_the_edges_of_a_month(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  set_clock("2026-10-31 23:59");
  add(ledger, 10, TOKEN_PER_MONTH);
  spend(ledger, ROWS(9));
  set_clock("2026-11-01 00:00");
  assert_true(fits(ledger, ROWS(10)));
  spend(ledger, ROWS(4));
  assert_false(fits(ledger, (struct rows){61}));
  set_clock("2026-11-02 00:00");
  assert_false(fits(ledger, (struct rows){61}));
  set_clock("2026-11-30 23:59");
  assert_false(fits(ledger, (struct rows){61}));
  spend(ledger, ROWS(6));
  assert_false(fits(ledger, (struct rows){1}));
  set_clock("2026-12-01 00:00");
  assert_true(fits(ledger, ROWS(10)));
  ledger_close(&ledger);
}

static void test_a_day_across_summer_time(void **state) {
  (void)state;
  struct ledger *ledger = open_in("America/New_York");
  set_clock("2026-11-01 04:00"); /* a day of 25 hours begins */
  add(ledger, 10, TOKEN_PER_DAY);
  spend(ledger, ROWS(10));
  refuses(ledger, (struct rows){1},
          "token 'reporting' has 0.0 of 10.0 rows left today; this request could cost 0.1; the "
          "budget starts over on 2026-11-02 00:00 America/New_York");
  assert_int_equal(fault.retry_after, 25 * 3600);
  set_clock("2026-11-02 04:59");
  assert_false(fits(ledger, ROWS(1)));
  set_clock("2026-11-02 05:00");
  assert_true(fits(ledger, ROWS(10)));
  ledger_close(&ledger);
}

static void test_in_all(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 10, TOKEN_PER_TOTAL);
  spend(ledger, ROWS(4));
  set_clock("2031-01-01 00:00");
  refuses(ledger, ROWS(7),
          "token 'reporting' has 6.0 of 10.0 rows left in all; this request could cost 7.0; the "
          "budget does not start over");
  assert_int_equal(fault.retry_after, 0);
  assert_true(fits(ledger, ROWS(6)));
  ledger_close(&ledger);
}

/* As soon as what is under way is settled, it may fit. */
static void test_only_reservations_in_the_way(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 10, TOKEN_PER_MONTH);
  spend(ledger, ROWS(4));
  struct spending open = request_for(ledger, ROWS(5));
  must(reserve(ledger, &open, &fault));
  assert_false(fits(ledger, ROWS(6)));
  assert_int_equal(fault.retry_after, 1);
  assert_false(fits(ledger, ROWS(7)));
  assert_true(fault.retry_after > 3600);
  pay(ledger, &open, ROWS(0));
  ledger_close(&ledger);
}

static void test_what_is_never_blocked(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 0, TOKEN_PER_TOTAL);
  assert_false(fits(ledger, (struct rows){1}));
  assert_true(fits(ledger, ROWS(0))); /* it can cost nothing */
  must(token_budget_set(ledger, VIEW("reporting"), NULL, &fault));
  assert_true(fits(ledger, ROWS_MAX));
  snprintf(token, sizeof token, "a stranger");
  assert_true(fits(ledger, ROWS_MAX));
  ledger_close(&ledger);
}

/* A request that began in another window is held too: its cost is not known yet. */
static void test_reservations_of_yesterday(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 10, TOKEN_PER_DAY);
  struct spending open = request_for(ledger, ROWS(6));
  must(reserve(ledger, &open, &fault));
  set_clock("2026-11-24 00:01");
  assert_false(fits(ledger, ROWS(5)));
  pay(ledger, &open, ROWS(6)); /* booked on the day it was made */
  assert_true(fits(ledger, ROWS(10)));
  ledger_close(&ledger);
}

/* A budget that is lowered below what was spent shows nothing left, not less. */
static void test_a_budget_that_is_lowered(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 100, TOKEN_PER_MONTH);
  spend(ledger, ROWS(60));
  must(token_budget_set(ledger, VIEW("reporting"),
                        &(struct token_budget){WHOLE(50), TOKEN_PER_MONTH}, &fault));
  struct token_account account = account_of(ledger);
  assert_int_equal(account.left.parts, 0);
  assert_int_equal(account.spent.parts, 600);
  assert_false(fits(ledger, (struct rows){1}));
  ledger_close(&ledger);
}

static void test_great_amounts(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  must(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  struct spending a = request_for(ledger, ROWS_MAX), b = request_for(ledger, ROWS_MAX);
  must(reserve(ledger, &a, &fault) && reserve(ledger, &b, &fault));
  pay(ledger, &a, ROWS_MAX);
  must(token_budget_set(ledger, VIEW("reporting"),
                        &(struct token_budget){amount_of_rows(ROWS_MAX), TOKEN_PER_TOTAL}, &fault));
  struct token_account account = account_of(ledger);
  assert_true(account.spent.parts == LEDGER_AMOUNT_MOST);
  assert_true(account.reserved.parts == LEDGER_AMOUNT_MOST);
  assert_true(account.left.parts == INT64_MAX - 2 * LEDGER_AMOUNT_MOST && !account.warning);
  pay(ledger, &b, ROWS_MAX);
  ledger_close(&ledger);
}

/* A refusal takes nobody of its batch with it. */
static void test_a_batch(void **state) {
  (void)state;
  enum { REQUESTS = 40 };
  static struct spending entries[REQUESTS];
  static struct wait waits[REQUESTS];
  struct ledger *ledger = open_in(NULL);
  add(ledger, 5, TOKEN_PER_DAY);
  for (int i = 0; i < REQUESTS; i++) {
    entries[i] = request_for(ledger, ROWS(1));
    if (i % 2)
      entries[i].request.token = ledger_fingerprint(ledger, VIEW("free"));
    begin_reserve(ledger, &entries[i], &waits[i]);
  }
  for (int i = 0; i < REQUESTS; i++) {
    bool ok = wait_for(&waits[i]);
    assert_true(ok == (i % 2 || i < 10));
    assert_true(ok || waits[i].fault.kind == FAULT_OVER_BUDGET);
    if (!ok)
      ledger_entry_release(&entries[i].entry);
  }
  assert_int_equal(ask("SELECT count(*) FROM entry"), REQUESTS / 2 + 5);
  assert_false(ledger_is_broken(ledger));
  ledger_close(&ledger);
}

/* -- Two hundred at once -- */

#define THREADS 200
#define EACH 10

static _Atomic int64_t sent; /* tenths, as Ahrefs would charge */
static atomic_int refusals;

static void *ask_for_more(void *argument) {
  struct ledger *ledger = argument;
  for (int i = 0; i < EACH; i++) {
    struct spending entry = request_for(ledger, (struct rows){70 + i});
    struct fault why;
    if (!reserve(ledger, &entry, &why)) {
      atomic_fetch_add(&refusals, why.kind == FAULT_OVER_BUDGET);
      continue;
    }
    struct rows cost = i % 3 ? amount_rows(entry.request.most) : ROWS(i % 2);
    atomic_fetch_add(&sent, cost.tenths);
    pay(ledger, &entry, cost);
  }
  return NULL;
}

static void test_two_hundred_at_once(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  struct ledger *ledger = open_in("Europe/Berlin");
  add(ledger, 1000, TOKEN_PER_MONTH);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, ask_for_more, ledger), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_true(atomic_load(&refusals) > 0);
  assert_in_range(atomic_load(&sent), 1, 10000);
  struct token_account account = account_of(ledger);
  assert_int_equal(account.spent.parts, atomic_load(&sent));
  assert_true(amount_is_zero(account.reserved));
  assert_int_equal(account.left.parts, 10000 - account.spent.parts);
  while (fits(ledger, (struct rows){1})) /* and to its last tenth it can be spent */
    spend(ledger, (struct rows){1});
  assert_int_equal(account_of(ledger).spent.parts, 10000);
  ledger_close(&ledger);
}

/* -- Warnings -- */

static int warnings_in(FILE *log) {
  int count = 0;
  char line[1024];
  rewind(log);
  while (fgets(line, sizeof line, log))
    count += strstr(line, "budget_warning token=reporting ") != NULL;
  return count;
}

static void test_a_warning_a_window(void **state) {
  (void)state;
  FILE *log = tmpfile();
  int before = dup(STDERR_FILENO);
  assert_true(log && dup2(fileno(log), STDERR_FILENO) >= 0);
  struct ledger *ledger = open_in(NULL);
  add(ledger, 100, TOKEN_PER_DAY);
  spend(ledger, (struct rows){799});
  assert_int_equal(warnings_in(log), 0);
  assert_false(account_of(ledger).warning);
  spend(ledger, (struct rows){1});
  assert_int_equal(warnings_in(log), 1);
  assert_true(account_of(ledger).warning);
  spend(ledger, ROWS(1));
  ledger_close(&ledger);
  ledger = open_in(NULL);
  spend(ledger, ROWS(1));
  assert_int_equal(warnings_in(log), 1); /* a restart does not repeat it */
  set_clock("2026-11-24 00:00");
  assert_false(account_of(ledger).warning);
  struct spending entry = request_for(ledger, ROWS(80));
  must(reserve(ledger, &entry, &fault)); /* it may be given back */
  assert_int_equal(warnings_in(log), 1);
  pay(ledger, &entry, ROWS(80));
  assert_int_equal(warnings_in(log), 2);
  must(token_budget_set(ledger, VIEW("reporting"), &(struct token_budget){WHOLE(90), TOKEN_PER_DAY},
                        &fault));
  assert_true(fits(ledger, ROWS(1)));
  assert_int_equal(warnings_in(log), 3); /* another budget, another warning */
  ledger_close(&ledger);
  dup2(before, STDERR_FILENO);
  close(before);
  fclose(log);
}

/* The clock was ten years ahead as the warning was logged: it was not of a window that has begun.
 */
static void test_a_warning_of_the_future(void **state) {
  (void)state;
  FILE *log = tmpfile();
  int before = dup(STDERR_FILENO);
  assert_true(log && dup2(fileno(log), STDERR_FILENO) >= 0);
  set_clock("2036-11-23 22:04");
  struct ledger *ledger = open_in(NULL);
  add(ledger, 100, TOKEN_PER_MONTH);
  spend(ledger, ROWS(80));
  assert_int_equal(warnings_in(log), 1);
  set_clock("2026-11-23 22:04");
  spend(ledger, ROWS(79));
  assert_int_equal(warnings_in(log), 1);
  spend(ledger, ROWS(1));
  assert_int_equal(warnings_in(log), 2);
  spend(ledger, ROWS(1));
  assert_int_equal(warnings_in(log), 2);
  ledger_close(&ledger);
  dup2(before, STDERR_FILENO);
  close(before);
  fclose(log);
}

/* -- Reports -- */

static void keep_row(void *context, const struct report_row *row) {
  *(struct report_row *)context = *row;
}

static struct report_row report(struct ledger *ledger, enum report_by by) {
  struct report_row row = {0}, total;
  must(report_run(ledger, &REPORT_FOREVER(by), keep_row, &row, &total, &fault));
  return row;
}

static struct report_row total_of(struct ledger *ledger, enum report_by by) {
  struct report_row row, total;
  must(report_run(ledger, &REPORT_FOREVER(by), keep_row, &row, &total, &fault));
  return total;
}

static void test_reports_tell_of_budgets(void **state) {
  (void)state;
  char time[ZONE_TIME_SIZE];
  struct ledger *ledger = open_in("Europe/Berlin");
  add(ledger, 1000, TOKEN_PER_MONTH);
  spend(ledger, (struct rows){9846});
  struct spending open = request_for(ledger, ROWS(3));
  must(reserve(ledger, &open, &fault));
  struct report_row row = report(ledger, REPORT_BY_TOKEN);
  assert_true(row.kind == TOKEN_ISSUED && !row.revoked && row.account.has_budget);
  assert_int_equal(row.account.budget.most.parts, 10000);
  assert_int_equal(row.account.budget.per, TOKEN_PER_MONTH);
  assert_int_equal(row.account.left.parts, 124);
  assert_int_equal(row.account.reserved.parts, 30);
  assert_true(row.account.warning);
  assert_string_equal(zone_print(row.account.starts_over, time), "2026-12-01T00:00:00+01:00");
  must(token_budget_set(ledger, VIEW("reporting"), NULL, &fault));
  must(token_revoke(ledger, VIEW("reporting"), &fault));
  row = report(ledger, REPORT_BY_TOKEN);
  assert_true(row.revoked && !row.account.has_budget);
  pay(ledger, &open, ROWS(0));
  ledger_close(&ledger);
}

/* -- Corrections -- */

static bool correct(struct ledger *ledger, const char *date, int64_t spent, int64_t unknown,
                    struct view reason) {
  const struct ledger_correction correction = {
      VIEW("reporting"), day_of(date), {CURRENCY_ROWS, spent}, {CURRENCY_ROWS, unknown}, reason};
  return ledger_correct(ledger, &correction, &fault);
}

static void cannot_correct(struct ledger *ledger, const char *date, int64_t spent, int64_t unknown,
                           struct view reason, const char *part) {
  assert_false(correct(ledger, date, spent, unknown, reason));
  assert_int_equal(fault.kind, FAULT_MALFORMED);
  if (!strstr(fault.text, part))
    fail_msg("'%s' does not say '%s'", fault.text, part);
}

static void spend_unknown(struct ledger *ledger, struct rows rows) {
  struct spending entry = request_for(ledger, rows);
  must(reserve(ledger, &entry, &fault));
  must(settle(ledger, &entry, LEDGER_UNKNOWN, 0, rows, &fault));
}

static void test_an_unknown_is_resolved(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  add(ledger, 300, TOKEN_PER_MONTH);
  spend_unknown(ledger, ROWS(201));
  spend(ledger, ROWS(10));
  must(correct(ledger, "2026-11-23", -1890, -2010, VIEW("the bill says 12.0")));
  static const enum report_by groups[] = {REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY};
  for (size_t i = 0; i < 3; i++) {
    struct report_row total = total_of(ledger, groups[i]);
    assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 220);
    assert_int_equal(total.money[CURRENCY_ROWS].unknown.parts, 0);
    assert_int_equal(total.money[CURRENCY_ROWS].corrected.parts, -1890);
    assert_int_equal(total.requests, 2);
  }
  struct report_row row = report(ledger, REPORT_BY_TARGET); /* the empty one comes last */
  assert_int_equal(row.label.length, 0);
  assert_int_equal(row.money[CURRENCY_ROWS].spent.parts, -1890);
  assert_int_equal(row.money[CURRENCY_ROWS].corrected.parts, -1890);
  row = report(ledger, REPORT_BY_TOKEN);
  assert_int_equal(row.account.left.parts, 2780);              /* budgets see it */
  assert_int_equal(ask("SELECT sum(spent) FROM entry"), 2110); /* no entry was edited */
  ledger_close(&ledger);
}

static void test_what_cannot_be_corrected(void **state) {
  (void)state;
  static char longest[LEDGER_REASON_MOST + 1];
  memset(longest, 'r', sizeof longest);
  struct ledger *ledger = open_in(NULL);
  add(ledger, 1000, TOKEN_PER_MONTH);
  spend_unknown(ledger, ROWS(20));
  spend(ledger, ROWS(10));
  cannot_correct(ledger, "2026-11-23", -301, -200, VIEW("why"),
                 "on 2026-11-23 token 'reporting' spent 30.0, 20.0 of them unknown; with this "
                 "correction that would be -0.1 and 0.0");
  cannot_correct(ledger, "2026-11-23", -101, 0, VIEW("why"), "would be 19.9 and 20.0");
  cannot_correct(ledger, "2026-11-23", 0, -201, VIEW("why"), "neither can be below zero");
  cannot_correct(ledger, "2026-11-22", -1, 0, VIEW("why"), "spent 0.0, 0.0 of them");
  cannot_correct(ledger, "2026-11-24", 1, 0, VIEW("why"), "in the future");
  cannot_correct(ledger, "2026-11-23", 0, 0, VIEW("why"), "of nothing");
  cannot_correct(ledger, "2026-11-23", 1, 0, VIEW(""), "needs a reason");
  cannot_correct(ledger, "2026-11-23", 1, 0, VIEW("two\nlines"), "needs a reason");
  cannot_correct(ledger, "2026-11-23", 1, 0, (struct view){longest, sizeof longest}, "needs a");
  cannot_correct(ledger, "2026-11-23", INT64_MIN, 0, VIEW("why"), "at most");
  cannot_correct(ledger, "2026-11-23", INT64_MAX, 0, VIEW("why"), "at most");
  assert_int_equal(ask("SELECT count(*) FROM correction"), 0);
  assert_int_equal(ask("SELECT count(*) FROM token_day"), 1); /* what failed left nothing */
  must(correct(ledger, "2026-11-23", -300, -200, VIEW("all of it")));
  must(correct(ledger, "2026-11-20", 50, 50, VIEW("paid for, and never seen here")));
  assert_int_equal(total_of(ledger, REPORT_BY_TOKEN).money[CURRENCY_ROWS].spent.parts, 50);
  assert_int_equal(total_of(ledger, REPORT_BY_DAY).money[CURRENCY_ROWS].unknown.parts, 50);
  assert_int_equal(total_of(ledger, REPORT_BY_TARGET).money[CURRENCY_ROWS].spent.parts, 50);
  assert_false(ledger_is_broken(ledger));
  ledger_close(&ledger);
}

static void print_correction(void *context, const struct ledger_correction *correction,
                             int64_t when) {
  char *text = context;
  size_t length = strlen(text);
  char date[NUM_DATE_SIZE];
  num_print_date(correction->day, date);
  assert_int_equal(when, clock_milliseconds());
  snprintf(text + length, 1024 - length, "%s %.*s %s %s %.*s\n", date, VIEW_ARGS(correction->token),
           AMOUNT_TEXT(correction->spent), AMOUNT_TEXT(correction->unknown),
           VIEW_ARGS(correction->reason));
}

static void test_corrections_are_listed(void **state) {
  (void)state;
  char text[1024] = "";
  struct ledger *ledger = open_in(NULL);
  add(ledger, 1000, TOKEN_PER_MONTH);
  must(correct(ledger, "2026-11-23", 10, 0, VIEW("first")));
  must(correct(ledger, "2026-11-20", 30, 20, VIEW("second")));
  must(correct(ledger, "2026-11-23", -5, 0, VIEW("third")));
  must(ledger_corrections(ledger, day_of("2026-11-21"), INT32_MAX, print_correction, text, &fault));
  assert_string_equal(text, "2026-11-23 reporting 1.0 0.0 first\n"
                            "2026-11-23 reporting -0.5 0.0 third\n");
  struct report_row row = {0}, total;
  must(report_run(
      ledger, &(struct report_period){REPORT_BY_TOKEN, day_of("2026-11-20"), day_of("2026-11-20")},
      keep_row, &row, &total, &fault));
  assert_int_equal(total.money[CURRENCY_ROWS].corrected.parts, 30);
  ledger_close(&ledger);
}

/* -- Reconciliations -- */

/* As Ahrefs counts: so many rows left of 10000. */
static struct ledger_reconciliation counted(int64_t left, bool with_issued) {
  return (struct ledger_reconciliation){
      .left = WHOLE(left), .limit = WHOLE(10000), .with_issued = with_issued};
}

static void test_reconciliation(void **state) {
  (void)state;
  struct ledger_reconciliation first = counted(5000, true), second = counted(4970, true), before;
  struct ledger *ledger = open_in(NULL);
  struct digest own = ledger_fingerprint(ledger, VIEW("the daemon's own"));
  must(ledger_reconcile(ledger, &own, &first, &before, &fault));
  assert_int_equal(before.at, 0);
  assert_true(amount_is_zero(first.spent));
  add(ledger, 1000, TOKEN_PER_MONTH); /* spends from it */
  spend(ledger, ROWS(12));
  spend_unknown(ledger, ROWS(30));
  struct spending open = request_for(ledger, ROWS(7));
  must(reserve(ledger, &open, &fault));
  must(token_revoke(ledger, VIEW("reporting"), &fault));
  snprintf(token, sizeof token, "somebody else's");
  spend(ledger, ROWS(100));
  snprintf(token, sizeof token, "the daemon's own");
  spend(ledger, ROWS(1));
  set_clock("2026-11-24 10:00");
  must(ledger_reconcile(ledger, &own, &second, &before, &fault));
  assert_true(before.at == first.at && before.left.parts == 50000 && before.with_issued);
  assert_int_equal(before.limit.parts, 100000);
  assert_true(amount_is_zero(before.spent) && amount_is_zero(before.reserved));
  assert_int_equal(second.at, clock_milliseconds());
  assert_int_equal(second.spent.parts, 430);
  assert_int_equal(second.unknown.parts, 300);
  assert_int_equal(second.reserved.parts, 70);
  first = counted(4970, false);
  must(ledger_reconcile(ledger, &own, &first, &before, &fault));
  assert_int_equal(first.spent.parts, 10); /* its own alone */
  assert_int_equal(before.at, 0);          /* it is not compared with what counted more */
  first = counted(4970, true);
  must(ledger_reconcile(ledger, &own, &first, &before, &fault));
  assert_true(before.at && before.with_issued && before.spent.parts == second.spent.parts);
  pay(ledger, &open, ROWS(7));
  ledger_close(&ledger);
}

/* -- Retention -- */

#define PUT_OLD                                                                                  \
  "INSERT INTO entry(request, at, day, token, source, target, state, estimated, most, results, " \
  "spent,"                                                                                       \
  " settled_at) SELECT 'old' || i, i, 0, 1, '', '', 1, 0, 1, 1, 1, i FROM n"

/* The timer looks, for as long as it must, while the time of day stands still. */
static void pass_until(const char *sql, int64_t value) {
  while (ask(sql) != value) {
    fake_clock_pass(3600 * 1000);
    usleep(1000);
  }
}

/* An entry of 1970, that leaves when the timer looks for old ones. */
static void put_old(void) {
  ask("WITH n(i) AS (SELECT 1) " PUT_OLD);
}

static void pass_until_looked(void) {
  pass_until("SELECT count(*) FROM entry WHERE at = 1", 0);
}

static void test_old_entries_leave(void **state) {
  (void)state;
  struct ledger *ledger = open_in(NULL);
  snprintf(token, sizeof token, "anybody");
  spend(ledger, ROWS(1));
  struct spending open = request_for(ledger, ROWS(7));
  must(reserve(ledger, &open, &fault));
  ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
      " " PUT_OLD);
  pass_until("SELECT count(*) FROM entry", 2); /* in batches, by the timer */
  put_old();
  pass_until_looked();
  assert_int_equal(ask("SELECT count(*) FROM entry"), 2);
  ledger_close(&ledger);
  set_clock("2027-12-27 22:04"); /* 399 days later */
  ledger = open_in(NULL);        /* books the open one; nothing is old yet */
  put_old();
  pass_until_looked();
  assert_int_equal(ask("SELECT count(*) FROM entry"), 2);
  ledger_close(&ledger);
  set_clock("2027-12-28 22:05");
  ledger = open_in(NULL);
  pass_until("SELECT count(*) FROM entry", 0);
  assert_int_equal(total_of(ledger, REPORT_BY_TOKEN).money[CURRENCY_ROWS].spent.parts,
                   80); /* totals stay */
  assert_int_equal(total_of(ledger, REPORT_BY_TARGET).misses, 2);
  ledger_close(&ledger);
}

/* Entries of a clock that was ten years ahead: those booked before what is old now leave with it.
 */
static void test_entries_of_the_future_leave(void **state) {
  (void)state;
  struct ledger *ledger = NULL;
  struct ledger_options options = LEDGER_DEFAULTS;
  snprintf(token, sizeof token, "anybody");
  options.retention_seconds = 60;
  set_clock("2036-11-23 22:04");
  must(ledger_open(directory, &options, &ledger, &fault));
  put_old(); /* before the others: what stands before an old one leaves with it */
  spend(ledger, ROWS(1));
  set_clock("2026-11-23 22:04");
  spend(ledger, ROWS(2));
  fake_clock_set(clock_milliseconds() + 1000);
  spend(ledger, ROWS(3));
  pass_until_looked();
  assert_int_equal(ask("SELECT count(*) FROM entry"), 3); /* nothing is old yet */
  fake_clock_set(clock_milliseconds() + 59001);           /* the second is, the third not */
  pass_until("SELECT count(*) FROM entry", 1);
  assert_int_equal(ask("SELECT spent FROM entry"), 30);
  assert_int_equal(total_of(ledger, REPORT_BY_TOKEN).money[CURRENCY_ROWS].spent.parts, 60);
  ledger_close(&ledger);
}

static void test_what_is_open_stays(void **state) {
  (void)state;
  struct ledger *ledger = NULL;
  struct ledger_options options = LEDGER_DEFAULTS;
  snprintf(token, sizeof token, "anybody");
  options.retention_seconds = 60;
  must(ledger_open(directory, &options, &ledger, &fault));
  struct spending open = request_for(ledger, ROWS(7));
  must(reserve(ledger, &open, &fault));
  spend(ledger, ROWS(1));
  set_clock("2026-11-23 23:04");
  pass_until("SELECT count(*) FROM entry", 1);
  assert_int_equal(ask("SELECT state FROM entry"), 0);
  pay(ledger, &open, ROWS(7));
  ledger_close(&ledger);
  options.retention_seconds = 0; /* for ever */
  must(ledger_open(directory, &options, &ledger, &fault));
  spend(ledger, ROWS(1));
  int64_t entries = ask("SELECT count(*) FROM entry");
  set_clock("2099-01-01 00:00");
  /* When the timer has written this, it has looked. */
  ledger_count(ledger, &open.request.token, VIEW("example.com"), LEDGER_HIT, WHOLE(1));
  pass_until("SELECT sum(hits) FROM token_day", 1);
  ledger_close(&ledger);
  assert_int_equal(ask("SELECT count(*) FROM entry"), entries);
}

/* -- An older file -- */

static void make_first_schema(void) {
  const char *const steps[] = {
      ledger_schema.migrations[0],
      "PRAGMA application_id = 0x72636c67; PRAGMA user_version = 1;"
      "INSERT INTO meta(id, secret) VALUES (1, zeroblob(32));"
      "INSERT INTO token(id, fingerprint, name)"
      " VALUES (1, zeroblob(32), NULL), (2, randomblob(32), 'reporting');"
      "INSERT INTO token_day VALUES (20700, 2, 1, 0, 1, 0, 5, 20, 0, 0);"
      "INSERT INTO target_day VALUES (20700, 'a.com', 1, 0, 1, 0, 5, 20, 0, 0),"
      " (20701, 'a.com', 2, 0, 2, 0, 9, 30, 0, 4), (20701, 'b.com', 1, 0, 1, 0, 1, 7, 7, 0),"
      " (20700, 'huge.com', 1, 0, 1, 0, 1, 9223372036854775807, 0, 0),"
      " (20701, 'huge.com', 1, 0, 1, 0, 1, 9223372036854775807, 0, 0);"
      "INSERT INTO entry VALUES"
      " (1, 'left', 1795000000000, 20775, 2, NULL, '', '', 0, 0, 70, NULL, NULL, NULL),"
      " (2, 'old', 1, 0, 2, NULL, '', '', 1, 0, 70, 1, 1, 1);"};
  for (size_t i = 0; i < COUNT(steps); i++)
    database_change("ledger.db", steps[i]);
}

static void test_a_file_of_the_first_schema(void **state) {
  (void)state;
  struct ledger *ledger;
  make_first_schema();
  assert_false(ledger_open_readonly(directory, &LEDGER_DEFAULTS, &ledger, &fault));
  assert_non_null(strstr(fault.text, "is of an older rowcache (schema 1, not 9)"));
  ledger = open_in(NULL);
  must(token_budget_set(ledger, VIEW("reporting"),
                        &(struct token_budget){WHOLE(10), TOKEN_PER_TOTAL}, &fault));
  struct token_account account = account_of(ledger);
  assert_int_equal(account.spent.parts, 90);
  assert_int_equal(account.left.parts, 10);
  assert_int_equal(ask("SELECT spent FROM target_month WHERE target = 'a.com'"), 50);
  assert_int_equal(ask("SELECT requests FROM target_month WHERE target = 'a.com'"), 3);
  assert_int_equal(ask("SELECT unknown FROM target_month WHERE target = 'b.com'"), 7);
  assert_true(ask("SELECT spent FROM target_month WHERE target = 'huge.com'") == INT64_MAX);
  assert_int_equal(ask("SELECT month FROM target_month WHERE target = 'huge.com'"),
                   zone_month(20701));
  ledger_close(&ledger);
}

/* -- Cost -- */

/* A check reads the days of its window and what is open, never an entry that ended. */
static void test_a_check_is_cheap(void **state) {
  (void)state;
  static const struct {
    int statement;
    const char *plan;
  } checks[] = {
      {LEDGER_SQL_SUM_SPENT, "COVERING INDEX token_day_token (token=? AND day>? AND day<?)"},
      {LEDGER_SQL_SUM_RESERVED,
       "COVERING INDEX entry_reserved (token=? AND state=? AND currency=?)"},
      {LEDGER_SQL_DELETE_OLD, "INDEX entry_ended (<expr>=? AND at<?)"},
      {LEDGER_SQL_DELETE_AHEAD, "INDEX entry_ended (<expr>=? AND at>?)"},
      {LEDGER_SQL_DELETE_AHEAD, "INDEX entry_ended (<expr>=? AND at<?)"},
  };
  struct ledger *ledger = open_in(NULL);
  for (size_t i = 0; i < COUNT(checks); i++) {
    char plan[1024];
    database_plan("ledger.db", ledger_schema.statements[checks[i].statement], plan, sizeof plan);
    assert_non_null(strstr(plan, checks[i].plan));
  }
  ledger_close(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_days_of_a_zone),
      TEST(test_every_hour_is_in_its_day),
      TEST(test_months),
      TEST(test_what_is_no_zone),
      TEST(test_a_month),
      TEST(test_the_edges_of_a_month),
      TEST(test_a_day_across_summer_time),
      TEST(test_in_all),
      TEST(test_only_reservations_in_the_way),
      TEST(test_what_is_never_blocked),
      TEST(test_reservations_of_yesterday),
      TEST(test_a_budget_that_is_lowered),
      TEST(test_great_amounts),
      TEST(test_a_batch),
      TEST(test_two_hundred_at_once),
      TEST(test_a_warning_a_window),
      TEST(test_a_warning_of_the_future),
      TEST(test_reports_tell_of_budgets),
      TEST(test_an_unknown_is_resolved),
      TEST(test_what_cannot_be_corrected),
      TEST(test_corrections_are_listed),
      TEST(test_reconciliation),
      TEST(test_old_entries_leave),
      TEST(test_entries_of_the_future_leave),
      TEST(test_what_is_open_stays),
      TEST(test_a_file_of_the_first_schema),
      TEST(test_a_check_is_cheap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

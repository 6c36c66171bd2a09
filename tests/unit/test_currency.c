/* Rows and units in one ledger, and a ledger.db from before there were units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/correction.h"
#include "ledger/reconciliation.h"
#include "ledger/report.h"
#include "serve/subscription.h"

#include "fake/clock.h"
#include "sql_ledger.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>

#define DAY 20779 /* 2026-11-22 */

static int at_noon(void **state) {
  fake_clock_set((int64_t)DAY * 86400000 + 43200000);
  return make_directory(state);
}

static struct fault fault;

static void must(bool ok) {
  if (!ok)
    fail_msg("%s", fault.text);
}

/* A request of the token that reserves `most` parts and costs `spent`. */
static void spend(struct ledger *ledger, enum currency currency, int64_t most, int64_t spent) {
  static int number;
  char request[LEDGER_REQUEST_ID_SIZE];
  struct wait wait;
  snprintf(request, sizeof request, "request-%d", ++number);
  struct spending entry = spending_of(ledger, "a-token", request, ROWS(0));
  entry.request.most = (struct amount){currency, most};
  must(reserve(ledger, &entry, &fault));
  const struct ledger_end end = {.kind = LEDGER_SETTLED, .results = 5, .spent = {currency, spent}};
  begin_settle(ledger, &entry, &end, &wait);
  assert_true(wait_for(&wait));
}

static struct report_row total_of(struct ledger *ledger, enum report_by by) {
  struct report_row total;
  must(report_run(ledger, &REPORT_FOREVER(by), NULL, NULL, &total, &fault));
  return total;
}

static void keep_account(void *context, const struct token_row *row) {
  if (row->account.has_budget)
    *(struct token_account *)context = row->account;
}

static struct token_account account_of(struct ledger *ledger) {
  struct token_account account = {.has_budget = false};
  must(token_list(ledger, keep_account, &account, &fault));
  return account;
}

/* -- Both at once -- */

static void test_units_stand_beside_rows(void **state) {
  (void)state;
  static const enum report_by all[] = {REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY};
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  spend(ledger, CURRENCY_ROWS, 2010, 402);
  spend(ledger, CURRENCY_UNITS, 500, 51);
  ledger_count(ledger, &token, VIEW("example.com"), LEDGER_HIT, WHOLE(7));
  ledger_count(ledger, &token, VIEW("example.com"), LEDGER_HIT, (struct amount){CURRENCY_UNITS, 9});
  for (size_t i = 0; i < COUNT(all); i++) {
    struct report_row total = total_of(ledger, all[i]);
    assert_int_equal(total.requests, 4); /* once each */
    assert_int_equal(total.hits, 2);
    assert_int_equal(total.results, 10);
    assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_ROWS].spent), "40.2");
    assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_ROWS].saved), "7.0");
    assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_UNITS].spent), "51");
    assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_UNITS].saved), "9");
  }
  ledger_close(&ledger);
}

static void test_a_budget_holds_for_its_currency(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"),
                      &(struct token_budget){{CURRENCY_UNITS, 100}, TOKEN_PER_MONTH}, &fault));
  spend(ledger, CURRENCY_ROWS, 5000, 5000); /* is not held back */
  spend(ledger, CURRENCY_UNITS, 100, 60);
  struct spending more = spending_of(ledger, "a-token", "more", ROWS(0));
  more.request.most = (struct amount){CURRENCY_UNITS, 41};
  assert_false(reserve(ledger, &more, &fault));
  assert_int_equal(fault.kind, FAULT_OVER_BUDGET);
  assert_non_null(strstr(fault.text, "token 'tool' has 40 of 100 units left this month;"));
  struct token_account account = account_of(ledger);
  assert_int_equal(account.budget.most.currency, CURRENCY_UNITS);
  assert_string_equal(AMOUNT_TEXT(account.left), "40");
  must(token_budget_set(ledger, VIEW("tool"), &(struct token_budget){WHOLE(501), TOKEN_PER_TOTAL},
                        &fault));
  assert_string_equal(AMOUNT_TEXT(account_of(ledger).left), "1.0");
  must(reserve(ledger, &more, &fault));
  ledger_close(&ledger);
}

/* -- What its client is told -- */

static const char *usage_of(const struct token_usage *usage) {
  static char text[160];
  snprintf(text, sizeof text, "%s: %s/%s left, %s used, until %lld", usage->label,
           usage->has_limit ? AMOUNT_TEXT(usage->left) : "-",
           usage->has_limit ? AMOUNT_TEXT(usage->limit) : "-", AMOUNT_TEXT(usage->used),
           (long long)usage->starts_over);
  return text;
}

static void assert_usage(struct ledger *ledger, enum currency currency, const char *text) {
  struct token_usage usage;
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  must(token_usage(ledger, &token, currency, &usage, &fault));
  assert_string_equal(usage_of(&usage), text);
}

static void test_usage(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct token_usage usage;
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  assert_false(token_usage(ledger, &token, CURRENCY_ROWS, &usage, &fault));
  assert_int_equal(fault.kind, FAULT_BAD_TOKEN);
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"), NULL, &fault));
  assert_usage(ledger, CURRENCY_UNITS, "tool: -/- left, 0 used, until 0");
  spend(ledger, CURRENCY_ROWS, 2010, 402);
  fake_clock_set(((int64_t)DAY - 30) * 86400000); /* in October */
  spend(ledger, CURRENCY_UNITS, 500, 50);
  fake_clock_set((int64_t)DAY * 86400000);
  spend(ledger, CURRENCY_UNITS, 500, 51);
  struct spending open = spending_of(ledger, "a-token", "open", ROWS(0));
  open.request.most = (struct amount){CURRENCY_UNITS, 7};
  must(reserve(ledger, &open, &fault));
  assert_usage(ledger, CURRENCY_UNITS, "tool: -/- left, 108 used, until 0");
  assert_usage(ledger, CURRENCY_ROWS, "tool: -/- left, 40.2 used, until 0");
  must(token_budget_set(ledger, VIEW("tool"),
                        &(struct token_budget){{CURRENCY_UNITS, 100}, TOKEN_PER_MONTH}, &fault));
  assert_usage(ledger, CURRENCY_UNITS, "tool: 42/100 left, 58 used, until 1796083200");
  assert_usage(ledger, CURRENCY_ROWS, "tool: -/- left, 40.2 used, until 0");
  ledger_close(&ledger);
}

static void assert_subscription(struct subscription_asked asked, const char *body) {
  scope_text struct text out = {0};
  must(subscription_answer(&asked, &out, &fault));
  assert_string_equal(text_string(&out), body);
}

static void test_a_subscription(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"),
                      &(struct token_budget){{CURRENCY_UNITS, 100}, TOKEN_PER_DAY}, &fault));
  spend(ledger, CURRENCY_UNITS, 100, 60);
  struct subscription_asked asked = {ledger, &token, CURRENCY_UNITS, true, QUERY_JSON};
  assert_subscription(asked, "{\"limits_and_usage\":{\"subscription\":\"rowcache: tool\","
                             "\"usage_reset_date\":\"2026-11-23T00:00:00Z\","
                             "\"units_limit_workspace\":null,\"units_usage_workspace\":60,"
                             "\"units_limit_api_key\":100,\"units_usage_api_key\":60,"
                             "\"api_key_expiration_date\":null}}");
  asked.is_v3 = false;
  assert_subscription(asked, "{\"info\":{\"rows_left\":40,\"rows_limit\":100,"
                             "\"subscription\":\"rowcache: tool\"}}");
  asked.currency = CURRENCY_ROWS;
  asked.output = QUERY_PHP;
  assert_subscription(asked, "a:1:{s:4:\"info\";a:3:{s:9:\"rows_left\";N;s:10:\"rows_limit\";N;"
                             "s:12:\"subscription\";s:14:\"rowcache: tool\";}}");
  ledger_close(&ledger);
}

static void test_what_is_open_is_booked_in_its_currency(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending rows = spending_of(ledger, "a-token", "rows", ROWS(3)), units = rows;
  snprintf(units.request.id, sizeof units.request.id, "units");
  units.request.most = (struct amount){CURRENCY_UNITS, 4};
  must(reserve(ledger, &rows, &fault) && reserve(ledger, &units, &fault));
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  struct report_row total = total_of(ledger, REPORT_BY_TARGET);
  assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_ROWS].unknown), "3.0");
  assert_string_equal(AMOUNT_TEXT(total.money[CURRENCY_UNITS].unknown), "4");
  ledger_close(&ledger);
}

static void test_corrections_and_counts_have_a_currency(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct digest token = ledger_fingerprint(ledger, VIEW("a-token"));
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"), NULL, &fault));
  spend(ledger, CURRENCY_ROWS, 100, 100);
  spend(ledger, CURRENCY_UNITS, 60, 60);
  struct ledger_correction correction = {.token = VIEW("tool"),
                                         .day = DAY,
                                         .spent = {CURRENCY_UNITS, -61},
                                         .unknown = amount_zero(CURRENCY_UNITS),
                                         .reason = VIEW("why")};
  assert_false(ledger_correct(ledger, &correction, &fault)); /* rows do not make up for units */
  correction.spent.parts = -60;
  must(ledger_correct(ledger, &correction, &fault));
  struct report_row total = total_of(ledger, REPORT_BY_TARGET);
  assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, 100);
  assert_int_equal(total.money[CURRENCY_UNITS].spent.parts, 0);
  assert_int_equal(total.money[CURRENCY_UNITS].corrected.parts, -60);
  struct ledger_reconciliation rows = {.left = WHOLE(7), .limit = WHOLE(9)}, before;
  struct ledger_reconciliation units = {
      .left = {CURRENCY_UNITS, 7}, .limit = {CURRENCY_UNITS, 9}, .used = {CURRENCY_UNITS, 2}};
  must(ledger_reconcile(ledger, &token, &rows, &before, &fault));
  must(ledger_reconcile(ledger, &token, &units, &before, &fault));
  assert_int_equal(before.at, 0);
  assert_int_equal(rows.spent.parts, 100);
  assert_int_equal(units.spent.parts, 0);
  assert_int_equal(units.reserved.currency, CURRENCY_UNITS);
  units.has_left = units.has_used = true;
  must(ledger_reconcile(ledger, &token, &units, &before, &fault));
  assert_false(before.at == 0 || before.has_left || before.has_used);
  must(ledger_reconcile(ledger, &token, &units, &before, &fault));
  assert_true(before.has_left && before.has_used);
  assert_int_equal(before.used.parts, 2);
  ledger_close(&ledger);
}

/* By Ahrefs' count. */
static void test_spending_between_two_reconciliations(void **state) {
  (void)state;
  static const struct {
    struct {
      bool has_left, has_used;
      int64_t left, used;
    } before, now;
    int64_t spent; /* -1: not known */
  } cases[] = {
      {{true, false, 100, 0}, {true, false, 40, 0}, 60},
      {{true, true, 100, 7}, {true, true, 40, 12}, 5}, /* others spend from the limit, too */
      {{false, true, 0, 7}, {false, true, 0, 7}, 0},
      {{true, true, 40, 7}, {true, true, 100, 2}, -1}, /* a new month */
      {{true, false, 40, 0}, {true, true, 30, 9}, 10},
      {{true, true, 40, 5}, {false, false, 0, 0}, -1},
      {{false, false, 0, 0}, {false, false, 0, 0}, -1},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
#define OF(figures)                                                          \
  (&(struct ledger_reconciliation){.has_left = (figures).has_left,           \
                                   .left = {CURRENCY_UNITS, (figures).left}, \
                                   .has_used = (figures).has_used,           \
                                   .used = {CURRENCY_UNITS, (figures).used}})
    struct amount spent;
    bool is_known = reconciliation_difference(OF(cases[i].before), OF(cases[i].now), &spent);
    assert_int_equal(is_known, cases[i].spent >= 0);
    assert_true(!is_known || spent.parts == cases[i].spent);
  }
}

/* -- A file from before -- */

/* Each figure is another one. */
#define BEFORE                                                                                  \
  "PRAGMA application_id = 0x72636c67; PRAGMA user_version = 3;"                                \
  "INSERT INTO meta(id, secret) VALUES (1, zeroblob(32));"                                      \
  "INSERT INTO token(id, fingerprint, name, kind, budget, per, warned) VALUES"                  \
  " (1, zeroblob(32), NULL, 0, NULL, 0, NULL), (2, randomblob(32), 'tool', 2, 5000, 2, 20758);" \
  "INSERT INTO token_day VALUES (20779, 2, 21, 11, 7, 3, 105, 1001, 301, 2002),"                \
  " (20780, 1, 2, 2, 0, 0, 0, 0, 0, 17);"                                                       \
  "INSERT INTO target_day VALUES (20779, 'a.com', 21, 11, 7, 3, 105, 1011, 311, 2002),"         \
  " (20780, '', 2, 2, 0, 0, 0, 0, 0, 17);"                                                      \
  "INSERT INTO target_month VALUES (20758, 'a.com', 21, 11, 7, 3, 105, 1011, 311, 2002),"       \
  " (20758, '', 2, 2, 0, 0, 0, 0, 0, 17);"                                                      \
  "INSERT INTO entry VALUES (1, 'ended', 5, 20779, 2, NULL, 'b', 'a.com', 1, 1, 70, 1, 30, 6)," \
  " (2, 'left', 5, 20779, 2, NULL, 'b', 'a.com', 0, 0, 70, NULL, NULL, NULL);"                  \
  "INSERT INTO correction VALUES (1, 7, 20779, 2, -10, -10, 'why');"                            \
  "INSERT INTO reconciliation VALUES (1, 8, 2, 1, 111, 222, 333, 44, 55);"

static void make_file_before(void) {
  for (int i = 0; i < 3; i++)
    database_change("ledger.db", ledger_schema.migrations[i]);
  database_change("ledger.db", BEFORE);
}

static void expect_correction(void *context, const struct ledger_correction *correction,
                              int64_t at) {
  assert_int_equal(at, 7);
  assert_string_equal(AMOUNT_TEXT(correction->spent), "-1.0");
  assert_string_equal(AMOUNT_TEXT(correction->unknown), "-1.0");
  ++*(int *)context;
}

static void expect_totals(struct ledger *ledger, enum report_by by) {
  struct report_row total = total_of(ledger, by);
  const struct report_money *rows = &total.money[CURRENCY_ROWS],
                            *units = &total.money[CURRENCY_UNITS];
  assert_int_equal(total.requests, 21 + 2 + 1); /* the one that was left is booked */
  assert_int_equal(total.hits, 13);
  assert_int_equal(total.misses, 8);
  assert_int_equal(total.errors, 3);
  assert_int_equal(total.results, 105);
  assert_int_equal(rows->spent.parts, 1001 + 70);
  assert_int_equal(rows->unknown.parts, 301 + 70);
  assert_int_equal(rows->saved.parts, 2019);
  assert_int_equal(rows->corrected.parts, -10);
  assert_true(!units->spent.parts && !units->unknown.parts && !units->saved.parts);
}

static void test_a_file_from_before_holds_rows(void **state) {
  (void)state;
  int corrections = 0;
  struct ledger_found found;
  bool exists;
  make_file_before();
  struct ledger *ledger = open_ledger(NULL);
  expect_totals(ledger, REPORT_BY_TOKEN);
  expect_totals(ledger, REPORT_BY_TARGET);
  expect_totals(ledger, REPORT_BY_DAY);
  struct token_account account = account_of(ledger);
  assert_string_equal(AMOUNT_TEXT(account.budget.most), "500.0");
  assert_string_equal(AMOUNT_TEXT(account.left), "392.9");
  assert_int_equal(account.budget.per, TOKEN_PER_MONTH);
  must(ledger_find(ledger, "ended", &found, &exists, &fault));
  assert_string_equal(AMOUNT_TEXT(found.spent), "3.0");
  assert_string_equal(AMOUNT_TEXT(found.most), "7.0");
  assert_true(found.estimated && found.results == 1);
  must(ledger_corrections(ledger, 0, INT32_MAX, expect_correction, &corrections, &fault));
  assert_int_equal(corrections, 1);
  assert_int_equal(database_ask("ledger.db", "SELECT rows_left * 1000 + rows_limit"
                                             " FROM reconciliation WHERE currency = 0"),
                   111222);
  assert_int_equal(database_ask("ledger.db", "SELECT warned FROM token WHERE id = 2"), 20758);
  ledger_close(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, at_noon, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_units_stand_beside_rows),
      TEST(test_a_budget_holds_for_its_currency),
      TEST(test_usage),
      TEST(test_spending_between_two_reconciliations),
      TEST(test_a_subscription),
      TEST(test_what_is_open_is_booked_in_its_currency),
      TEST(test_corrections_and_counts_have_a_currency),
      TEST(test_a_file_from_before_holds_rows),
  };
  return cmocka_run_group_tests_name("currency", tests, NULL, NULL);
}

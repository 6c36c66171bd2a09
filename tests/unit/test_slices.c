/* What the ledger remembers of slices and wholes of a subject, in a real file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/db.h"
#include "ledger/correction.h"
#include "ledger/token.h"

#include "fake/clock.h"
#include "sql_ledger.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOON INT64_C(1795348800000)
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static int at_noon(void **state) {
  fake_clock_set(NOON);
  return make_directory(state);
}

static struct fault fault;

static void must(bool ok) {
  if (!ok)
    fail_msg("%s", fault.text);
}

static void later(int64_t milliseconds) {
  fake_clock_set(clock_milliseconds() + milliseconds);
}

static void pass_until(const char *sql, int64_t value) {
  while (database_ask("ledger.db", sql) != value) {
    fake_clock_pass(1000);
    usleep(1000);
  }
}

static const struct digest one = {{1}}, other = {{2}};

static struct spending slice_of(struct ledger *ledger, const struct digest *subject, int most) {
  static int number;
  char id[LEDGER_REQUEST_ID_SIZE];
  snprintf(id, sizeof id, "request-%d", ++number);
  struct spending spending = spending_of(ledger, "a-token", id, ROWS(most));
  spending.request.subject = *subject;
  return spending;
}

static struct spending whole_of(struct ledger *ledger, const struct digest *subject, int most) {
  struct spending spending = slice_of(ledger, subject, most);
  spending.request.is_whole = true;
  spending.request.offer = WHOLE(most + 1);
  return spending;
}

static void end(struct ledger *ledger, struct spending *spending, enum ledger_end_kind kind,
                int spent, bool is_complete) {
  struct wait wait;
  const struct ledger_end ending = {
      .kind = kind, .spent = WHOLE(spent), .is_complete = is_complete};
  begin_settle(ledger, spending, &ending, &wait);
  if (!wait_for(&wait))
    fail_msg("%s", wait.fault.text);
}

static void pay(struct ledger *ledger, struct spending spending, int spent, bool is_complete) {
  must(reserve(ledger, &spending, &fault));
  end(ledger, &spending, LEDGER_SETTLED, spent, is_complete);
}

static struct ledger_slices sum_of(struct ledger *ledger, const struct digest *subject,
                                   enum currency currency) {
  struct ledger_slices sum;
  must(ledger_slices(ledger, subject, currency, clock_milliseconds() - DAY, &sum, &fault));
  return sum;
}

/* Within the last day; amounts are rows. */
static void expect(struct ledger *ledger, const struct digest *subject, int slices, int wholes,
                   int last_offer) {
  struct ledger_slices sum = sum_of(ledger, subject, CURRENCY_ROWS);
  assert_int_equal(sum.slices.parts, slices * 10);
  assert_int_equal(sum.wholes.parts, wholes * 10);
  assert_int_equal(sum.last_offer.parts, last_offer * 10);
}

static void expect_after_restart(struct ledger **ledger, int slices, int wholes, int last_offer) {
  ledger_close(ledger);
  *ledger = open_ledger(NULL);
  expect(*ledger, &one, slices, wholes, last_offer);
}

static void test_slices_are_added_up_by_subject(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  expect(ledger, &one, 0, 0, 0);
  pay(ledger, slice_of(ledger, &one, 201), 6, false);
  pay(ledger, slice_of(ledger, &one, 201), 7, false);
  pay(ledger, slice_of(ledger, &other, 201), 50, false);
  pay(ledger, spending_of(ledger, "a-token", "no subject", ROWS(201)), 90, false);
  expect(ledger, &one, 13, 0, 0);
  expect(ledger, &other, 50, 0, 0);
  expect_after_restart(&ledger, 13, 0, 0);
  ledger_close(&ledger);
}

static void test_wholes_stand_beside_slices(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  pay(ledger, slice_of(ledger, &one, 10), 10, false);
  pay(ledger, whole_of(ledger, &one, 201), 201, false);
  expect(ledger, &one, 10, 201, 202);
  pay(ledger, whole_of(ledger, &one, 500), 450, false);
  expect(ledger, &one, 10, 651, 501);
  pay(ledger, whole_of(ledger, &one, 1500), 900, true); /* complete: its offer is no obstacle */
  expect_after_restart(&ledger, 10, 1551, 501);
  ledger_close(&ledger);
}

/* So that a second one is not asked while the first is under way, by whichever process. */
static void test_a_whole_counts_while_it_is_under_way(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending slice = slice_of(ledger, &one, 30), whole = whole_of(ledger, &one, 201);
  must(reserve(ledger, &slice, &fault) && reserve(ledger, &whole, &fault));
  expect(ledger, &one, 0, 201, 202);
  end(ledger, &slice, LEDGER_SETTLED, 5, false);
  end(ledger, &whole, LEDGER_SETTLED, 40, true);
  expect(ledger, &one, 5, 40, 0);
  ledger_close(&ledger);
}

static void test_a_whole_that_cost_nothing_was_tried(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  pay(ledger, slice_of(ledger, &one, 10), 0, false);
  pay(ledger, whole_of(ledger, &one, 201), 0, false);
  expect_after_restart(&ledger, 0, 0, 202);
  ledger_close(&ledger);
}

static void test_what_is_unknown_counts_at_its_most(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending slice = slice_of(ledger, &one, 30), whole = whole_of(ledger, &one, 201);
  must(reserve(ledger, &slice, &fault) && reserve(ledger, &whole, &fault));
  end(ledger, &slice, LEDGER_UNKNOWN, 30, false);
  end(ledger, &whole, LEDGER_UNKNOWN, 201, false);
  expect_after_restart(&ledger, 30, 201, 202);
  ledger_close(&ledger);
}

/* The ledger closes with open entries, as if its process had died. */
static void test_what_the_next_start_books_counts(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending slice = slice_of(ledger, &one, 30), whole = whole_of(ledger, &one, 201);
  must(reserve(ledger, &slice, &fault) && reserve(ledger, &whole, &fault));
  later(HOUR);
  expect_after_restart(&ledger, 30, 201, 202);
  ledger_close(&ledger);
}

static void test_a_void_request_is_forgotten(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending whole = whole_of(ledger, &one, 201);
  whole.request.is_strangers = true;
  must(reserve(ledger, &whole, &fault));
  end(ledger, &whole, LEDGER_VOID, 0, false);
  expect(ledger, &one, 0, 0, 0);
  ledger_close(&ledger);
}

/* Two daemons on one file: what one has bought the other knows, and a late settlement replaces a
 * booking. */
static void test_the_memory_is_in_the_file(void **state) {
  (void)state;
  const struct ledger_options shared = {.is_shared = true};
  struct ledger *first = open_ledger(&shared), *second = open_ledger(&shared);
  pay(first, slice_of(first, &one, 30), 12, false);
  expect(second, &one, 12, 0, 0);
  struct spending late = whole_of(first, &one, 201);
  must(reserve(first, &late, &fault));
  expect(second, &one, 12, 201, 202);
  ledger_close(&second);
  later(HOUR); /* the lease is over */
  second = open_ledger(&shared);
  expect(second, &one, 12, 201, 202);
  end(first, &late, LEDGER_SETTLED, 80, true);
  expect(second, &one, 12, 80, 0);
  ledger_close(&first);
  ledger_close(&second);
}

static void test_each_leaves_when_it_is_old(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  later(HOUR);
  pay(ledger, whole_of(ledger, &one, 201), 201, false);
  later(HOUR);
  pay(ledger, slice_of(ledger, &one, 30), 20, false);
  later(DAY - 2 * HOUR);
  expect(ledger, &one, 30, 201, 202);
  later(1);
  expect(ledger, &one, 20, 201, 202);
  later(HOUR);
  expect(ledger, &one, 20, 0, 0);
  later(HOUR);
  expect(ledger, &one, 0, 0, 0);
  ledger_close(&ledger);
}

/* It counts from when it was made, however late its cost is known. */
static void test_the_moment_is_that_of_the_request(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending slice = slice_of(ledger, &one, 30);
  must(reserve(ledger, &slice, &fault));
  later(DAY);
  end(ledger, &slice, LEDGER_SETTLED, 20, false);
  expect(ledger, &one, 20, 0, 0);
  later(1);
  expect(ledger, &one, 0, 0, 0);
  ledger_close(&ledger);
}

/* A clock that was ten years ahead: nothing of it counts, today or in ten years' time. */
static void test_a_clock_that_was_ahead(void **state) {
  (void)state;
  fake_clock_set(NOON + 3650 * DAY);
  struct ledger *ledger = open_ledger(NULL);
  pay(ledger, slice_of(ledger, &one, 30), 20, false);
  fake_clock_set(NOON);
  expect(ledger, &one, 0, 0, 0);
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  later(-2000); /* NTP */
  expect(ledger, &one, 10, 0, 0);
  ledger_close(&ledger);
}

static void test_units_are_no_rows(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  struct spending units = slice_of(ledger, &one, 0);
  units.request.most = (struct amount){CURRENCY_UNITS, 700};
  must(reserve(ledger, &units, &fault));
  struct wait wait;
  begin_settle(ledger, &units,
               &(struct ledger_end){.kind = LEDGER_SETTLED, .spent = {CURRENCY_UNITS, 500}}, &wait);
  assert_true(wait_for(&wait));
  expect(ledger, &one, 10, 0, 0);
  struct ledger_slices sum = sum_of(ledger, &one, CURRENCY_UNITS);
  assert_int_equal(sum.slices.currency, CURRENCY_UNITS);
  assert_int_equal(sum.slices.parts, 500);
  assert_int_equal(sum.wholes.parts, 0);
  ledger_close(&ledger);
}

/* A correction is of a token's day: it names no request, and so no subject. */
static void test_a_correction_changes_nothing(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"), NULL, &fault));
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  const struct ledger_correction correction = {.token = VIEW("tool"),
                                               .day = (int32_t)(NOON / DAY),
                                               .spent = {CURRENCY_ROWS, -100},
                                               .reason = VIEW("charged back")};
  must(ledger_correct(ledger, &correction, &fault));
  expect(ledger, &one, 10, 0, 0);
  ledger_close(&ledger);
}

static void test_great_amounts_are_bounded(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending whole = whole_of(ledger, &one, 1);
  whole.request.most.parts = whole.request.offer.parts = INT64_MAX;
  must(reserve(ledger, &whole, &fault));
  struct ledger_slices sum = sum_of(ledger, &one, CURRENCY_ROWS);
  assert_int_equal(sum.wholes.parts, LEDGER_AMOUNT_MOST);
  assert_int_equal(sum.last_offer.parts, LEDGER_AMOUNT_MOST);
  ledger_close(&ledger);
}

/* A client has its own question's answer, even if the whole is not complete. */
static void test_a_budget_holds_for_the_question_beside_a_whole(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("tool"), VIEW("a-token"),
                      &(struct token_budget){WHOLE(100), TOKEN_PER_TOTAL}, &fault));
  struct spending whole = whole_of(ledger, &one, 80), slice = slice_of(ledger, &one, 20);
  whole.request.beside = (struct amount){CURRENCY_ROWS, 201};
  assert_false(reserve(ledger, &whole, &fault));
  assert_int_equal(fault.kind, FAULT_OVER_BUDGET);
  expect(ledger, &one, 0, 0, 0);
  whole.request.beside = WHOLE(20);
  must(reserve(ledger, &whole, &fault));
  expect(ledger, &one, 0, 80, 81);
  must(reserve(ledger, &slice, &fault)); /* nothing of it was reserved yet */
  end(ledger, &whole, LEDGER_SETTLED, 80, false);
  end(ledger, &slice, LEDGER_SETTLED, 20, false);
  ledger_close(&ledger);
}

/* -- Old entries -- */

#define PUT_SLICE                                                                               \
  "INSERT INTO entry(request, at, day, token, source, target, state, estimated, most, results," \
  " spent, settled_at, subject) SELECT hex(randomblob(8)), "
#define OF_MANY                                                                   \
  ", 0, 1, '', '', 1, 0, 1, 1, 1, 1, randomblob(32) FROM (WITH RECURSIVE n(i) AS" \
  " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT i FROM n)"

static void put_slices(int64_t at) {
  char sql[1000];
  snprintf(sql, sizeof sql, PUT_SLICE "%lld" OF_MANY, (long long)at);
  database_change("ledger.db", sql);
}

#define COUNT_SLICES "SELECT count(*) FROM entry WHERE subject IS NOT NULL"
#define COUNT_PLAIN "SELECT count(*) FROM entry WHERE subject IS NULL"

/* Plain entries are kept for an hour, and what slices cost for as long as it counts. */
static void test_what_counts_is_kept(void **state) {
  (void)state;
  struct ledger_options options = {.retention_seconds = 3600, .slices_seconds = 86400};
  struct ledger *ledger = open_ledger(&options);
  pay(ledger, spending_of(ledger, "a-token", "plain", ROWS(201)), 90, false);
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  put_slices(NOON - DAY);
  put_slices(NOON - DAY + 1); /* in batches; these stay */
  later(1);
  pass_until(COUNT_SLICES, 1201);
  later(HOUR);
  pass_until(COUNT_PLAIN, 0);
  expect(ledger, &one, 10, 0, 0);
  later(DAY - HOUR);
  pass_until(COUNT_SLICES, 0);
  ledger_close(&ledger);
}

static void test_how_long_it_counts_changes(void **state) {
  (void)state;
  struct ledger_options options = {.retention_seconds = 3600, .slices_seconds = 86400};
  struct ledger *ledger = open_ledger(&options);
  put_slices(NOON - 2 * HOUR);
  options.slices_seconds = 60; /* no shorter than plain entries */
  ledger_set_options(ledger, &options);
  pass_until(COUNT_SLICES, 0);
  put_slices(NOON - HOUR + 1);
  pay(ledger, spending_of(ledger, "a-token", "plain", ROWS(201)), 90, false);
  assert_int_equal(database_ask("ledger.db", COUNT_SLICES), 1200);
  ledger_close(&ledger);
}

/* -- An older file -- */

static void make_file_before(void) {
  for (int i = 0; i < 5; i++)
    database_change("ledger.db", ledger_schema.migrations[i]);
  database_change(
      "ledger.db",
      "PRAGMA application_id = 0x72636c67; PRAGMA user_version = 5;"
      "INSERT INTO meta(id, secret) VALUES (1, zeroblob(32));"
      "INSERT INTO token(id, fingerprint) VALUES (1, zeroblob(32));"
      "INSERT INTO entry(request, at, day, token, source, target, state, estimated, most,"
      " spent, settled_at) VALUES ('ended', 1, 0, 1, 'b', 'a.com', 1, 0, 70, 30, 6),"
      " ('left', 1795348800000, 20779, 1, 'b', 'a.com', 0, 0, 70, NULL, NULL);");
}

static void test_a_file_from_before(void **state) {
  (void)state;
  struct ledger_found found;
  bool exists;
  make_file_before();
  struct ledger *ledger = open_ledger(NULL);
  expect(ledger, &one, 0, 0, 0);
  must(ledger_find(ledger, "left", &found, &exists, &fault));
  assert_string_equal(found.state, "unknown");
  pay(ledger, slice_of(ledger, &one, 30), 10, false);
  expect(ledger, &one, 10, 0, 0);
  pass_until("SELECT count(*) FROM entry WHERE request = 'ended'", 0);
  ledger_close(&ledger);
}

/* -- Cost -- */

static void test_a_sum_is_read_from_one_index(void **state) {
  (void)state;
  char plan[1024];
  struct ledger *ledger = open_ledger(NULL);
  database_plan("ledger.db", ledger_schema.statements[LEDGER_SQL_SUM_BOUGHT], plan, sizeof plan);
  assert_string_equal(plan, "SEARCH entry USING COVERING INDEX entry_bought"
                            " (subject=? AND currency=? AND at>? AND at<?)\n");
  ledger_close(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, at_noon, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_slices_are_added_up_by_subject),
      TEST(test_wholes_stand_beside_slices),
      TEST(test_a_whole_counts_while_it_is_under_way),
      TEST(test_a_whole_that_cost_nothing_was_tried),
      TEST(test_what_is_unknown_counts_at_its_most),
      TEST(test_what_the_next_start_books_counts),
      TEST(test_a_void_request_is_forgotten),
      TEST(test_the_memory_is_in_the_file),
      TEST(test_each_leaves_when_it_is_old),
      TEST(test_the_moment_is_that_of_the_request),
      TEST(test_a_clock_that_was_ahead),
      TEST(test_units_are_no_rows),
      TEST(test_a_correction_changes_nothing),
      TEST(test_great_amounts_are_bounded),
      TEST(test_a_budget_holds_for_the_question_beside_a_whole),
      TEST(test_what_counts_is_kept),
      TEST(test_how_long_it_counts_changes),
      TEST(test_a_file_from_before),
      TEST(test_a_sum_is_read_from_one_index),
  };
  return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}

/* Two ledgers on one file, as of two daemons: whose reservations may be booked, and what a settlement
 * does that comes after its booking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ledger/correction.h"
#include "ledger/report.h"

#include "fake/clock.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>
#include <unistd.h>

#define LEASE 60000 /* milliseconds, as in daemon/ledger/lease.c */
#define NOON INT64_C(1795348800000)

static int at_noon(void **state) {
  fake_clock_set(NOON);
  return make_directory(state);
}

static struct fault fault;

static void must(bool ok) {
  if (!ok)
    fail_msg("%s", fault.text);
}

static struct ledger *open_shared(void) {
  return open_ledger(&(struct ledger_options){.is_shared = true});
}

/* The time of day alone: no timer wakes, as of a process that is stopped. */
static void jump(int64_t milliseconds) {
  fake_clock_set(clock_milliseconds() + milliseconds);
}

static int64_t ask(const char *sql) {
  return database_ask("ledger.db", sql);
}

static void pass_until(const char *sql, int64_t value) {
  while (ask(sql) != value) {
    fake_clock_pass(1000);
    usleep(1000);
  }
}

static const char *state_of(struct ledger *ledger, const char *request) {
  static struct ledger_found found;
  bool exists;
  must(ledger_find(ledger, request, &found, &exists, &fault));
  return exists ? found.state : "gone";
}

/* In each grouping. Amounts are rows. */
static void expect(struct ledger *ledger, int misses, int results, int spent, int unknown) {
  static const enum report_by all[] = {REPORT_BY_TOKEN, REPORT_BY_TARGET, REPORT_BY_DAY};
  for (size_t i = 0; i < COUNT(all); i++) {
    struct report_row total;
    must(report_run(ledger, &REPORT_FOREVER(all[i]), NULL, NULL, &total, &fault));
    assert_int_equal(total.requests, misses);
    assert_int_equal(total.misses, misses);
    assert_int_equal(total.results, results);
    assert_int_equal(total.money[CURRENCY_ROWS].spent.parts, spent * 10);
    assert_int_equal(total.money[CURRENCY_ROWS].unknown.parts, unknown * 10);
  }
  assert_int_equal(ask("SELECT sum(spent) FROM target_month"),
                   ask("SELECT sum(spent) FROM target_day"));
}

static void test_a_lease_that_is_renewed_holds(void **state) {
  (void)state;
  char sql[100];
  struct ledger *first = open_shared();
  struct spending entry = spending_of(first, "a-token", "one", ROWS(201));
  must(reserve(first, &entry, &fault));
  for (int i = 0; i < 10; i++) {
    jump(LEASE / 2);
    snprintf(sql, sizeof sql, "SELECT lease_until - %lld FROM owner",
             (long long)clock_milliseconds());
    pass_until(sql, LEASE);
  }
  struct ledger *second = open_shared();
  assert_string_equal(state_of(second, "one"), "open");
  must(settle(first, &entry, LEDGER_SETTLED, 5, ROWS(12), &fault));
  expect(second, 1, 5, 12, 0);
  ledger_close(&first);
  ledger_close(&second);
}

static void test_a_lease_that_is_over_is_booked_at_the_start(void **state) {
  (void)state;
  struct ledger *first = open_shared();
  struct spending entry = spending_of(first, "a-token", "one", ROWS(201));
  must(reserve(first, &entry, &fault));
  jump(LEASE + 1);
  struct ledger *second = open_shared();
  assert_string_equal(state_of(second, "one"), "unknown");
  expect(second, 1, 0, 201, 201);
  ledger_close(&second);
  ledger_close(&first);
}

static void test_a_lease_that_is_over_is_booked_by_whoever_lives(void **state) {
  (void)state;
  struct ledger *ledger = open_shared();
  struct spending mine = spending_of(ledger, "a-token", "mine", ROWS(5));
  must(reserve(ledger, &mine, &fault));
  database_change(
      "ledger.db",
      "INSERT INTO owner VALUES (99, '0123456789abcdef0123456789abcdef', 1);"
      "INSERT INTO entry(request, at, day, token, source, target, state, estimated, most,"
      " owner) SELECT 'theirs', at, day, token, source, target, 0, 0, 30, 99 FROM entry");
  pass_until("SELECT state FROM entry WHERE request = 'theirs'", 2);
  assert_string_equal(state_of(ledger, "mine"), "open");
  expect(ledger, 1, 0, 3, 3);
  must(settle(ledger, &mine, LEDGER_SETTLED, 0, ROWS(0), &fault));
  ledger_close(&ledger);
}

static void test_who_is_alone_waits_for_no_lease(void **state) {
  (void)state;
  struct ledger *first = open_shared();
  struct spending entry = spending_of(first, "a-token", "one", ROWS(201));
  must(reserve(first, &entry, &fault));
  ledger_close(&first);
  struct ledger *second = open_ledger(NULL);
  expect(second, 1, 0, 201, 201);
  assert_int_equal(ask("SELECT count(*) FROM owner"), 0);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE owner IS NOT NULL"), 0);
  ledger_close(&second);
}

/* The timer renews and then writes the counts, so the count tells that it has run. */
static void test_who_is_alone_renews_no_lease(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  struct spending entry = spending_of(ledger, "a-token", "one", ROWS(201));
  must(reserve(ledger, &entry, &fault));
  int64_t until = ask("SELECT lease_until FROM owner");
  jump(LEASE / 2);
  ledger_count(ledger, &entry.request.token, VIEW("example.com"), LEDGER_HIT, amount_of_rows(ROWS(1)));
  pass_until("SELECT sum(hits) FROM token_day", 1);
  assert_int_equal(ask("SELECT lease_until FROM owner"), until);
  must(settle(ledger, &entry, LEDGER_SETTLED, 5, ROWS(12), &fault));
  ledger_close(&ledger);
}

/* -- Late settlements -- */

/* A ledger whose request `entry` was booked by `second` when its lease was over. */
struct late {
  struct ledger *first, *second;
  struct spending entry;
};

static void begin_late(struct late *late, bool is_strangers) {
  late->first = open_shared();
  late->entry = spending_of(late->first, "a-token", "one", ROWS(201));
  late->entry.request.is_strangers = is_strangers;
  must(reserve(late->first, &late->entry, &fault));
  jump(LEASE + 1);
  late->second = open_shared();
  expect(late->second, 1, 0, 201, 201);
}

static void end_late(struct late *late) {
  ledger_close(&late->first);
  ledger_close(&late->second);
}

static void test_a_late_settlement_replaces_the_booking(void **state) {
  (void)state;
  struct late late;
  begin_late(&late, false);
  for (int i = 0; i < 2; i++) {
    must(settle(late.first, &late.entry, LEDGER_SETTLED, 5, ROWS(12), &fault));
    expect(late.second, 1, 5, 12, 0);
    assert_string_equal(state_of(late.second, "one"), "settled");
  }
  end_late(&late);
  struct ledger *alone = open_ledger(NULL);
  expect(alone, 1, 5, 12, 0);
  ledger_close(&alone);
}

static void test_a_correction_stands_for_a_late_settlement(void **state) {
  (void)state;
  struct late late;
  begin_late(&late, false);
  must(token_register(late.second, VIEW("tool"), VIEW("a-token"), NULL, &fault));
  struct ledger_correction correction = {.token = VIEW("tool"),
                                         .day = report_day(NOON),
                                         .spent = WHOLE(-180),
                                         .unknown = WHOLE(-201),
                                         .reason = VIEW("the bill says 21")};
  must(ledger_correct(late.second, &correction, &fault));
  must(settle(late.first, &late.entry, LEDGER_SETTLED, 5, ROWS(12), &fault));
  expect(late.second, 1, 0, 21, 0);
  assert_string_equal(state_of(late.second, "one"), "settled");
  end_late(&late);
}

static void test_a_stranger_that_was_refused_late_leaves_nothing(void **state) {
  (void)state;
  struct late late;
  begin_late(&late, true);
  must(settle(late.first, &late.entry, LEDGER_VOID, 0, ROWS(0), &fault));
  expect(late.second, 1, 0, 0, 0);
  assert_string_equal(state_of(late.second, "one"), "gone");
  end_late(&late);
}

static void test_what_a_stranger_spent_is_told_late(void **state) {
  (void)state;
  struct late late;
  begin_late(&late, true);
  must(settle(late.first, &late.entry, LEDGER_SETTLED, 5, ROWS(12), &fault));
  expect(late.second, 1, 5, 12, 0);
  assert_int_equal(ask("SELECT spent FROM token_day JOIN token ON token.id = token"
                       " WHERE fingerprint <> zeroblob(32)"),
                   120);
  end_late(&late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, at_noon, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_lease_that_is_renewed_holds),
      TEST(test_a_lease_that_is_over_is_booked_at_the_start),
      TEST(test_a_lease_that_is_over_is_booked_by_whoever_lives),
      TEST(test_who_is_alone_waits_for_no_lease),
      TEST(test_who_is_alone_renews_no_lease),
      TEST(test_a_late_settlement_replaces_the_booking),
      TEST(test_a_correction_stands_for_a_late_settlement),
      TEST(test_a_stranger_that_was_refused_late_leaves_nothing),
      TEST(test_what_a_stranger_spent_is_told_late),
  };
  return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}

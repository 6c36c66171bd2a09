/* Tokens, on real files: what makes, names, revokes and rotates them, and who obeys. */
#include "ledger/report.h"
#include "ledger/token.h"
#include "unit/fixture/books.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define AHREFS "s3cr3t-t0ken-that-must-not-be-stored"

/* -- Shorthands -- */

/* The fault of the last call. */
static struct fault fault;

static void must(bool ok) {
  if (!ok)
    fail_msg("%s", fault.text);
}

#define refused(call, part)                                 \
  do {                                                      \
    fault = (struct fault){0};                              \
    assert_false(call);                                     \
    assert_int_equal(fault.kind, FAULT_MALFORMED);          \
    if (!strstr(fault.text, part))                          \
      fail_msg("'%s' does not say '%s'", fault.text, part); \
  } while (0)

static struct token_facts look(struct ledger *ledger, const char *token) {
  struct token_facts facts;
  struct digest fingerprint = ledger_fingerprint(ledger, view_of(token));
  token_recall(ledger, &fingerprint, &facts);
  return facts;
}

static void spend(struct ledger *ledger, const char *token, const char *request) {
  struct spending entry = spending_of(ledger, token, request, ROWS(10));
  must(reserve(ledger, &entry, &fault));
  must(settle(ledger, &entry, LEDGER_SETTLED, 1, ROWS(3), &fault));
}

/* In all, whether it has a budget or not. */
static struct amount spent_by(const struct token_row *row) {
  char sql[200];
  snprintf(sql, sizeof sql,
           "SELECT ifnull(sum(spent), 0) FROM token_day JOIN token ON token.id = token"
           " WHERE hex(substr(fingerprint, 1, 4)) = upper('%s')",
           row->digits);
  return (struct amount){CURRENCY_ROWS, database_ask("ledger.db", sql)};
}

static void print_token(void *context, const struct token_row *row) {
  char *text = context;
  size_t length = strlen(text);
  const struct token_account *account = &row->account;
  snprintf(
      text + length, 4096 - length, "%s %s%s%s %s %s %s\n", row->label, token_kind_words[row->kind],
      row->revoked_at ? " revoked" : "", row->no_cache ? "" : " denied",
      account->has_budget ? AMOUNT_TEXT(account->budget.most) : "none",
      account->has_budget ? token_per_words[account->budget.per] : "-", AMOUNT_TEXT(spent_by(row)));
}

static void expect_list(struct ledger *ledger, const char *expected) {
  char text[4096] = "";
  must(token_list(ledger, print_token, text, &fault));
  assert_string_equal(text, expected);
}

/* -- Adding -- */

static void test_add(void **state) {
  (void)state;
  char token[TOKEN_SIZE], other[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  must(token_add(ledger, VIEW("seo.team-2"), &(struct token_budget){WHOLE(1000), TOKEN_PER_MONTH},
                 other, &fault));
  assert_int_equal(strlen(token), 40);
  assert_int_equal(strspn(token, "0123456789abcdef"), 40);
  assert_string_not_equal(token, other);
  struct token_facts facts = look(ledger, token);
  assert_true(facts.known && !facts.revoked && facts.no_cache && facts.kind == TOKEN_ISSUED);
  assert_string_equal(facts.label, "reporting");
  facts = look(ledger, "never seen");
  assert_true(!facts.known && !facts.revoked && facts.no_cache && facts.kind == TOKEN_SEEN);
  assert_int_equal(strlen(facts.label), 8);
  expect_list(ledger, "reporting issued none - 0.0\nseo.team-2 issued 1000.0 month 0.0\n");
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  assert_string_equal(look(ledger, other).label, "seo.team-2");
  ledger_close(&ledger);
}

static void test_names(void **state) {
  (void)state;
  char token[TOKEN_SIZE], longest[66];
  struct ledger *ledger = open_ledger(NULL);
  memset(longest, 'n', 65);
  const struct view wrong[] = {
      VIEW(""),         VIEW("two words"),    VIEW("a\nb"),
      VIEW("a\0b"),     VIEW("t\xc3\xb6ken"), VIEW("a/b"),
      VIEW("deadbeef"), VIEW("DEADBEEF"),     VIEW("0123456789abcdef0123456789abcdef01234567"),
      {longest, 65}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    refused(token_add(ledger, wrong[i], NULL, token, &fault), "cannot be a token's name");
    refused(token_register(ledger, wrong[i], VIEW(AHREFS), NULL, &fault), "token's name");
  }
  const struct view reserved[] = {VIEW("other"), VIEW("-")};
  must(token_add(ledger, VIEW("mine"), NULL, token, &fault));
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    refused(token_add(ledger, reserved[i], NULL, token, &fault), "cannot be a token's name");
    refused(token_register(ledger, reserved[i], VIEW(AHREFS), NULL, &fault), "token's name");
    refused(token_rename(ledger, VIEW("mine"), reserved[i], &fault), "token's name");
  }
  const struct view right[] = {
      VIEW("a"), VIEW("deadbeef1"), VIEW("dead"), VIEW("A.b_c-9"), {longest, 64}};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++)
    must(token_add(ledger, right[i], NULL, token, &fault));
  refused(token_add(ledger, VIEW("dead"), NULL, token, &fault), "'dead' already");
  assert_string_equal(token, ""); /* no token that is not in the ledger comes out */
  refused(token_add(ledger, VIEW("b"), &(struct token_budget){.most = {CURRENCY_ROWS, -1}}, token,
                    &fault),
          "below zero");
  ledger_close(&ledger);
}

/* -- Registering -- */

static void test_register(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  assert_int_equal(look(ledger, AHREFS).kind, TOKEN_REGISTERED);
  refused(token_register(ledger, VIEW("again"), VIEW(AHREFS), NULL, &fault), "as 'agency'");
  refused(token_register(ledger, VIEW("agency"), VIEW("other"), NULL, &fault), "'agency' already");
  assert_false(look(ledger, "other").known);
  static const struct view wrong[] = {VIEW(""), VIEW("a b"), VIEW("a\n"), VIEW("\xff"), VIEW("\0")};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    refused(token_register(ledger, VIEW("x"), wrong[i], NULL, &fault), "cannot be a token");
  must(token_add(ledger, VIEW("ours"), NULL, token, &fault));
  refused(token_register(ledger, VIEW("theirs"), view_of(token), NULL, &fault), "issued here");
  assert_null(strstr(fault.text, token));
  ledger_close(&ledger);
}

/* White space at the ends, and the case of 40 hex digits, mean nothing. */
static void test_spellings_of_a_token_are_one(void **state) {
  (void)state;
  static const char *const spellings[] = {"0123456789abcdef0123456789abcdef01234567",
                                          "0123456789ABCDEF0123456789abcdef01234567",
                                          " 0123456789abcdef0123456789abcdef01234567",
                                          "\t0123456789ABCDEF0123456789ABCDEF01234567\r\n"};
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("agency"), view_of(spellings[1]),
                      &(struct token_budget){WHOLE(7), TOKEN_PER_DAY}, &fault));
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
    assert_string_equal(look(ledger, spellings[i]).label, "agency");
    assert_true(look(ledger, spellings[i]).has_budget);
  }
  refused(token_register(ledger, VIEW("again"), view_of(spellings[0]), NULL, &fault),
          "as 'agency'");
  must(token_register(ledger, VIEW("word"), VIEW("Secret"), NULL, &fault));
  assert_true(look(ledger, " Secret").known && !look(ledger, "secret").known);
  must(token_revoke(ledger, VIEW("agency"), &fault));
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
    assert_true(look(ledger, spellings[i]).revoked);
  ledger_close(&ledger);
}

/* Also of a token that has no name, and as soon as it is set or lifted. */
static void test_a_budget_is_known(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  const struct token_budget some = {WHOLE(0), TOKEN_PER_MONTH};
  must(token_add(ledger, VIEW("alice"), NULL, token, &fault));
  assert_false(look(ledger, token).has_budget);
  must(token_budget_set(ledger, VIEW("alice"), &some, &fault));
  assert_true(look(ledger, token).has_budget);
  must(token_budget_set(ledger, VIEW("alice"), NULL, &fault));
  assert_false(look(ledger, token).has_budget);
  spend(ledger, AHREFS, "one");
  must(token_budget_set(ledger, view_of(look(ledger, AHREFS).label), &some, &fault));
  assert_true(look(ledger, AHREFS).has_budget && look(ledger, AHREFS).kind == TOKEN_SEEN);
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  assert_true(look(ledger, AHREFS).has_budget);
  ledger_close(&ledger);
}

static void test_registering_takes_history_over(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  spend(ledger, AHREFS, "one");
  struct token_facts seen = look(ledger, AHREFS);
  assert_false(seen.known);
  char expected[256];
  snprintf(expected, sizeof expected, "%s seen none - 3.0\n", seen.label);
  expect_list(ledger, expected);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS),
                      &(struct token_budget){WHOLE(5), TOKEN_PER_TOTAL}, &fault));
  spend(ledger, "another", "two");
  snprintf(expected, sizeof expected, "agency registered 5.0 total 3.0\n%s seen none - 3.0\n",
           look(ledger, "another").label);
  expect_list(ledger, expected);
  struct spending entry = spending_of(ledger, AHREFS, "three", ROWS(10));
  assert_false(reserve(ledger, &entry, &fault)); /* what it spent as a stranger counts */
  assert_int_equal(fault.kind, FAULT_OVER_BUDGET);
  ledger_close(&ledger);
}

/* -- Changing -- */

static void test_rename(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("one"), NULL, token, &fault));
  must(token_register(ledger, VIEW("two"), VIEW(AHREFS), NULL, &fault));
  refused(token_rename(ledger, VIEW("one"), VIEW("two"), &fault), "'two' already");
  refused(token_rename(ledger, VIEW("nobody"), VIEW("three"), &fault), "no token 'nobody'");
  refused(token_rename(ledger, VIEW("one"), VIEW("deadbeef"), &fault), "name");
  must(token_rename(ledger, VIEW("one"), VIEW("one"), &fault));
  must(token_rename(ledger, VIEW("one"), VIEW("three"), &fault));
  assert_string_equal(look(ledger, token).label, "three");
  must(token_rename(ledger, VIEW("two"), VIEW("one"), &fault));
  expect_list(ledger, "three issued none - 0.0\none registered none - 0.0\n");
  ledger_close(&ledger);
}

/* A token that was only seen has no name, but can be called by its digits. */
static void test_digits_are_a_label(void **state) {
  (void)state;
  struct ledger *ledger = open_ledger(NULL);
  spend(ledger, "stranger", "one");
  char label[LEDGER_LABEL_SIZE], expected[128];
  struct digest fingerprint = ledger_fingerprint(ledger, VIEW("stranger"));
  ledger_label(ledger, &fingerprint, label);
  must(token_allow(ledger, view_of(label), false, &fault));
  must(token_revoke(ledger, view_of(label), &fault));
  struct token_facts facts = look(ledger, "stranger");
  assert_true(facts.known && facts.revoked && !facts.no_cache && facts.kind == TOKEN_SEEN);
  assert_string_equal(facts.label, label);
  snprintf(expected, sizeof expected, "%s seen revoked denied none - 3.0\n", label);
  expect_list(ledger, expected);
  struct spending entry = spending_of(ledger, "stranger", "two", ROWS(10));
  assert_false(reserve(ledger, &entry, &fault));
  assert_int_equal(fault.kind, FAULT_BAD_TOKEN);
  must(token_register(ledger, VIEW("guest"), VIEW("stranger"), NULL, &fault)); /* taken in again */
  must(reserve(ledger, &entry, &fault));
  must(token_budget_set(ledger, view_of(label), &(struct token_budget){WHOLE(99), TOKEN_PER_DAY},
                        &fault)); /* also where it has a name */
  expect_list(ledger, "guest registered denied 99.0 day 3.0\n");
  refused(token_revoke(ledger, VIEW("00000000"), &fault), "no token '00000000'");
  refused(token_revoke(ledger, VIEW(AHREFS AHREFS), &fault), "neither");
  ledger_close(&ledger);
}

static void test_revoke(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  struct spending before = spending_of(ledger, token, "before", ROWS(10));
  struct spending after = spending_of(ledger, token, "after", ROWS(10));
  must(reserve(ledger, &before, &fault));
  must(token_revoke(ledger, VIEW("reporting"), &fault));
  must(token_revoke(ledger, VIEW("reporting"), &fault));
  assert_true(look(ledger, token).revoked);
  assert_false(reserve(ledger, &after, &fault));
  assert_int_equal(fault.kind, FAULT_BAD_TOKEN);
  assert_string_equal(fault.text, "token 'reporting' is revoked");
  assert_false(ledger_is_broken(ledger));
  must(settle(ledger, &before, LEDGER_SETTLED, 1, ROWS(3), &fault)); /* what was sent is booked */
  refused(token_rotate(ledger, VIEW("reporting"), token, &fault), "is revoked");
  assert_string_equal(token, "");
  expect_list(ledger, "reporting issued revoked none - 3.0\n");
  ledger_close(&ledger);
}

static void test_rotate(void **state) {
  (void)state;
  char token[TOKEN_SIZE], fresh[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("reporting"), &(struct token_budget){WHOLE(20), TOKEN_PER_TOTAL},
                 token, &fault));
  spend(ledger, token, "one");
  struct spending under_way = spending_of(ledger, token, "under-way", ROWS(10));
  struct spending late = spending_of(ledger, token, "late", ROWS(10));
  must(reserve(ledger, &under_way, &fault));
  must(token_rotate(ledger, VIEW("reporting"), fresh, &fault));
  assert_string_not_equal(token, fresh);
  assert_true(look(ledger, token).revoked && look(ledger, token).known);
  assert_false(look(ledger, fresh).revoked);
  assert_string_equal(look(ledger, token).label, "reporting");
  /* Accepted before, but reserved after: it may not go on as a stranger without a budget. */
  assert_false(reserve(ledger, &late, &fault));
  assert_int_equal(fault.kind, FAULT_BAD_TOKEN);
  must(settle(ledger, &under_way, LEDGER_SETTLED, 1, ROWS(3), &fault));
  struct digest old = ledger_fingerprint(ledger, view_of(token));
  ledger_count(ledger, &old, VIEW("example.com"), LEDGER_HIT, WHOLE(1));
  expect_list(ledger, "reporting issued 20.0 total 6.0\n");
  refused(token_register(ledger, VIEW("old"), view_of(token), NULL, &fault), "issued here");
  must(token_rotate(ledger, VIEW("reporting"), token, &fault));
  assert_true(look(ledger, fresh).revoked && !look(ledger, token).revoked);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  refused(token_rotate(ledger, VIEW("agency"), fresh, &fault), "not issued here");
  ledger_close(&ledger);
  ledger = open_ledger(NULL);
  assert_true(look(ledger, token).kind == TOKEN_ISSUED && !look(ledger, token).revoked);
  ledger_close(&ledger);
}

static void test_budget_and_rights(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  must(token_budget_set(ledger, VIEW("reporting"), &(struct token_budget){WHOLE(9), TOKEN_PER_DAY},
                        &fault));
  must(token_allow(ledger, VIEW("reporting"), false, &fault));
  assert_false(look(ledger, token).no_cache);
  expect_list(ledger, "reporting issued denied 9.0 day 0.0\n");
  struct spending entry = spending_of(ledger, token, "one", ROWS(10));
  assert_false(reserve(ledger, &entry, &fault));
  must(token_budget_set(ledger, VIEW("reporting"), NULL, &fault));
  must(token_allow(ledger, VIEW("reporting"), true, &fault));
  assert_true(look(ledger, token).no_cache);
  must(reserve(ledger, &entry, &fault)); /* at once */
  refused(token_budget_set(ledger, VIEW("nobody"), NULL, &fault), "no token");
  refused(token_allow(ledger, VIEW("nobody"), true, &fault), "no token");
  expect_list(ledger, "reporting issued none - 0.0\n");
  ledger_close(&ledger);
}

static void keep_row(void *context, const struct token_row *row) {
  *(struct token_row *)context = *row;
}

static void test_list_tells_when(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct token_row row;
  struct ledger *ledger = open_ledger(NULL);
  must(token_add(ledger, VIEW("reporting"), &(struct token_budget){WHOLE(99), TOKEN_PER_DAY}, token,
                 &fault));
  must(token_list(ledger, keep_row, &row, &fault));
  assert_true(row.created_at > 0 && row.revoked_at == 0 && row.last_day == -1);
  struct digest fingerprint = ledger_fingerprint(ledger, view_of(token));
  ledger_count(ledger, &fingerprint, VIEW("example.com"), LEDGER_HIT, WHOLE(1));
  struct spending entry = spending_of(ledger, token, "one", ROWS(10));
  must(reserve(ledger, &entry, &fault));
  must(token_list(ledger, keep_row, &row, &fault));
  assert_int_equal(row.last_day, report_day(row.created_at));
  assert_int_equal(row.account.reserved.parts, 100);
  must(token_revoke(ledger, VIEW("reporting"), &fault));
  struct ledger *reader;
  must(
      ledger_open_readonly(directory, &LEDGER_DEFAULTS, &reader, &fault)); /* while a daemon runs */
  must(token_list(reader, keep_row, &row, &fault));
  assert_true(row.revoked_at > 0);
  assert_true(look(reader, token).revoked);
  ledger_close(&reader);
  ledger_close(&ledger);
}

/* -- Side by side -- */

static atomic_bool stop;

static void *look_on(void *argument) {
  struct ledger *ledger = argument;
  while (!atomic_load(&stop)) {
    struct token_facts facts = look(ledger, AHREFS);
    assert_true(!facts.known || strcmp(facts.label, "agency") == 0 ||
                strcmp(facts.label, "another") == 0);
  }
  return NULL;
}

static void test_looks_while_it_changes(void **state) {
  (void)state;
  pthread_t threads[4];
  struct ledger *ledger = open_ledger(NULL);
  atomic_store(&stop, false);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, look_on, ledger), 0);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  for (int i = 0; i < 20; i++) {
    must(token_rename(ledger, VIEW("agency"), VIEW("another"), &fault));
    must(token_rename(ledger, VIEW("another"), VIEW("agency"), &fault));
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  ledger_close(&ledger);
}

/* -- What is in the files -- */

static void test_the_generation_rises_with_each_change(void **state) {
  (void)state;
  char token[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  uint64_t before = token_generation(ledger);
#define RISES(change)                               \
  do {                                              \
    must(change);                                   \
    assert_true(token_generation(ledger) > before); \
    before = token_generation(ledger);              \
  } while (0)
  RISES(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  RISES(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  RISES(token_rename(ledger, VIEW("agency"), VIEW("another"), &fault));
  RISES(token_budget_set(ledger, VIEW("another"), NULL, &fault));
  RISES(token_allow(ledger, VIEW("reporting"), false, &fault));
  RISES(token_rotate(ledger, VIEW("reporting"), token, &fault));
  RISES(token_revoke(ledger, VIEW("reporting"), &fault));
#undef RISES
  spend(ledger, AHREFS, "one");
  look(ledger, AHREFS);
  assert_true(token_generation(ledger) == before);
  ledger_close(&ledger);
}

static atomic_int phase; /* odd: the token was denied a right, and it is not given back yet */

/* Keeps the facts on a token as a listener's thread does. Returns its argument if it has obeyed. */
static void *keep_facts(void *argument) {
  struct ledger *ledger = argument;
  struct digest fingerprint = ledger_fingerprint(ledger, VIEW(AHREFS));
  struct token_facts facts = {0};
  uint64_t kept = UINT64_MAX;
  bool obeyed = true;
  while (!atomic_load(&stop)) {
    int before = atomic_load(&phase);
    uint64_t now = token_generation(ledger);
    if (now != kept)
      token_recall(ledger, &fingerprint, &facts);
    kept = now;
    bool is_denied = before % 2 == 1 && before == atomic_load(&phase);
    obeyed &= !is_denied || !facts.no_cache;
  }
  return obeyed ? argument : NULL;
}

static void test_kept_facts_obey_a_change_that_has_returned(void **state) {
  (void)state;
  pthread_t threads[3];
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  atomic_store(&stop, false);
  for (size_t i = 0; i < COUNT(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, keep_facts, ledger), 0);
  for (int i = 0; i < 20; i++) {
    must(token_allow(ledger, VIEW("agency"), false, &fault));
    atomic_fetch_add(&phase, 1);
    for (int j = 0; j < 1000; j++) /* a moment for the threads */
      look(ledger, AHREFS);
    atomic_fetch_add(&phase, 1);
    must(token_allow(ledger, VIEW("agency"), true, &fault));
  }
  atomic_store(&stop, true);
  for (size_t i = 0; i < COUNT(threads); i++) {
    void *obeyed;
    pthread_join(threads[i], &obeyed);
    assert_non_null(obeyed);
  }
  ledger_close(&ledger);
}

static void test_no_token_is_stored(void **state) {
  (void)state;
  char token[TOKEN_SIZE], fresh[TOKEN_SIZE];
  struct ledger *ledger = open_ledger(NULL);
  must(token_register(ledger, VIEW("agency"), VIEW(AHREFS), NULL, &fault));
  must(token_add(ledger, VIEW("reporting"), NULL, token, &fault));
  must(token_rotate(ledger, VIEW("reporting"), fresh, &fault));
  spend(ledger, AHREFS, "one");
  spend(ledger, fresh, "two");
  const char *const tokens[] = {AHREFS, token, fresh};
  for (size_t i = 0; i < 3; i++)
    expect_no_file_shows(tokens[i]); /* the write-ahead log among them */
  ledger_close(&ledger);
  for (size_t i = 0; i < 3; i++)
    expect_no_file_shows(tokens[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_add),
      TEST(test_names),
      TEST(test_register),
      TEST(test_spellings_of_a_token_are_one),
      TEST(test_a_budget_is_known),
      TEST(test_registering_takes_history_over),
      TEST(test_rename),
      TEST(test_digits_are_a_label),
      TEST(test_revoke),
      TEST(test_rotate),
      TEST(test_budget_and_rights),
      TEST(test_list_tells_when),
      TEST(test_looks_while_it_changes),
      TEST(test_the_generation_rises_with_each_change),
      TEST(test_kept_facts_obey_a_change_that_has_returned),
      TEST(test_no_token_is_stored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

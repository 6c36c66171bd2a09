/* Knowledge of tokens: verdicts for a while, and the texts of those that were let in. */
#include "access/access.h"
#include "access/texts.h"
#include "base/clock.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

static struct digest fingerprint_of(int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  return digest_sha256(view_of(text));
}

static void verdicts_are_kept_for_a_while(void **state) {
  (void)state;
  struct access *access = access_create();
  struct digest one = fingerprint_of(1), two = fingerprint_of(2);
  assert_int_equal(access_find(access, &one), ACCESS_UNKNOWN);
  access_learn(access, &one, ACCESS_YES, 60);
  access_learn(access, &two, ACCESS_NO, 60);
  assert_int_equal(access_find(access, &one), ACCESS_YES);
  assert_int_equal(access_find(access, &two), ACCESS_NO);
  access_learn(access, &one, ACCESS_NO, 60);
  assert_int_equal(access_find(access, &one), ACCESS_NO);
  access_learn(access, &one, ACCESS_YES, 0);
  assert_int_equal(access_find(access, &one), ACCESS_UNKNOWN);
  access_release(&access);
  assert_null(access);
}

/* Made-up tokens must not make good ones unknown. */
static void what_was_refused_pushes_out_nothing_that_was_accepted(void **state) {
  (void)state;
  struct access *access = access_create();
  struct digest good = fingerprint_of(-1);
  access_learn(access, &good, ACCESS_YES, 60);
  for (int number = 0; number < ACCESS_REMEMBERED + 5; number++) {
    struct digest fingerprint = fingerprint_of(number);
    access_learn(access, &fingerprint, ACCESS_NO, 60);
  }
  struct digest oldest = fingerprint_of(4), youngest = fingerprint_of(5);
  assert_int_equal(access_find(access, &good), ACCESS_YES);
  assert_int_equal(access_find(access, &oldest), ACCESS_UNKNOWN);
  assert_int_equal(access_find(access, &youngest), ACCESS_NO);
  access_release(&access);
}

static bool begin(struct access *access, int number, bool has_spent, int64_t inflight,
                  int64_t per_minute, enum access_lane *lane) {
  struct digest fingerprint = fingerprint_of(number);
  struct access_bounds bounds = {inflight, per_minute};
  struct fault fault = {0};
  bool ok = access_begin_check(access, &fingerprint, has_spent, &bounds, lane, &fault);
  if (!ok) {
    assert_int_equal(fault.kind, FAULT_TOO_MANY);
    assert_in_range(fault.retry_after, 1, 60);
  }
  return ok;
}

static void checks_under_way_are_bounded(void **state) {
  (void)state;
  struct access *access = access_create();
  enum access_lane lane, again;
  assert_true(begin(access, 1, false, 2, 100, &lane));
  assert_true(begin(access, 2, false, 2, 100, &lane));
  assert_int_equal(lane, ACCESS_STRANGERS);
  assert_false(begin(access, 3, false, 2, 100, &again));
  assert_true(begin(access, 3, false, 3, 100, &again));
  access_end_check(access, lane, ACCESS_NO);
  access_end_check(access, lane, ACCESS_UNKNOWN);
  assert_true(begin(access, 4, false, 2, 100, &lane));
  access_end_check(access, lane, ACCESS_YES);
  int64_t counts[ACCESS_RESULTS];
  access_count(access, counts);
  for (int result = 0; result < ACCESS_RESULTS; result++)
    assert_int_equal(counts[result], 1);
  access_release(&access);
}

static void checks_in_a_minute_are_bounded(void **state) {
  (void)state;
  struct access *access = access_create();
  enum access_lane lane;
  for (int number = 0; number < 3; number++) {
    assert_true(begin(access, number, false, 100, 3, &lane));
    access_end_check(access, lane, ACCESS_NO);
  }
  assert_false(begin(access, 3, false, 100, 3, &lane));
  assert_true(begin(access, 3, false, 100, 4, &lane));
  access_release(&access);
}

/* Also when what was learnt of them is over: seconds = 0. */
static void strangers_do_not_use_up_the_checks_of_tokens_that_were_accepted(void **state) {
  (void)state;
  struct access *access = access_create();
  struct digest good = fingerprint_of(1), refused = fingerprint_of(2);
  enum access_lane lane;
  access_learn(access, &good, ACCESS_YES, 0);
  access_learn(access, &refused, ACCESS_YES, 0);
  access_learn(access, &refused, ACCESS_NO, 0);
  assert_true(begin(access, 9, false, 1, 1, &lane));
  assert_false(begin(access, 10, false, 1, 1, &lane));
  assert_false(begin(access, 2, false, 1, 1, &lane));
  assert_true(begin(access, 1, false, 1, 1, &lane));
  assert_int_equal(lane, ACCESS_RETURNING);
  assert_false(begin(access, 3, true, 1, 1, &lane)); /* they have bounds, too */
  assert_true(begin(access, 3, true, 2, 2, &lane));
  access_release(&access);
}

struct list {
  int count;
  char last[16];
};

static void note(void *context, const struct digest *fingerprint, struct view token) {
  struct list *list = context;
  struct digest expected = digest_sha256(token);
  assert_true(digest_equal(fingerprint, &expected));
  list->count++;
  snprintf(list->last, sizeof list->last, "%.*s", VIEW_ARGS(token));
}

static void keep(struct texts *texts, int number) {
  char text[16];
  struct digest fingerprint = fingerprint_of(number);
  int length = snprintf(text, sizeof text, "%d", number);
  texts_keep(texts, &fingerprint, (struct view){text, (size_t)length});
}

static void tokens_are_kept_once(void **state) {
  (void)state;
  struct texts *texts = texts_create();
  struct list list = {0};
  keep(texts, 1);
  keep(texts, 2);
  keep(texts, 1);
  texts_list(texts, note, &list);
  assert_int_equal(list.count, 2);
  assert_string_equal(list.last, "2");
  texts_release(&texts);
  assert_null(texts);
}

static void no_more_are_kept_than_there_may_be(void **state) {
  (void)state;
  struct texts *texts = texts_create();
  struct list list = {0};
  for (int number = 0; number < TEXTS_MOST + 5; number++)
    keep(texts, number);
  texts_list(texts, note, &list);
  assert_int_equal(list.count, TEXTS_MOST);
  texts_release(&texts);
}

static void no_more_are_accepted_than_there_may_be(void **state) {
  (void)state;
  struct access *access = access_create();
  for (int number = 0; number < ACCESS_REMEMBERED + 5; number++) {
    struct digest fingerprint = fingerprint_of(number);
    access_learn(access, &fingerprint, ACCESS_YES, 60);
  }
  struct digest oldest = fingerprint_of(4), youngest = fingerprint_of(5);
  assert_int_equal(access_find(access, &oldest), ACCESS_UNKNOWN);
  assert_int_equal(access_find(access, &youngest), ACCESS_YES);
  access_release(&access);
}

static void a_verdict_tells_its_end(void **state) {
  (void)state;
  struct access *access = access_create();
  struct digest good = fingerprint_of(1), bad = fingerprint_of(2), unknown = fingerprint_of(3);
  int64_t from = clock_monotonic(), good_until, bad_until;
  access_learn(access, &good, ACCESS_YES, 60);
  access_learn(access, &bad, ACCESS_NO, 5);
  int64_t to = clock_monotonic();
  assert_int_equal(access_find_until(access, &good, &good_until), ACCESS_YES);
  assert_int_equal(access_find_until(access, &bad, &bad_until), ACCESS_NO);
  assert_in_range(good_until, from + 60 * CLOCK_SECOND, to + 60 * CLOCK_SECOND);
  assert_in_range(bad_until, from + 5 * CLOCK_SECOND, to + 5 * CLOCK_SECOND);
  assert_int_equal(access_find_until(access, &unknown, &bad_until), ACCESS_UNKNOWN);
  access_release(&access);
}

static void the_generation_rises_when_a_yes_may_no_longer_hold(void **state) {
  (void)state;
  static const struct {
    enum access_verdict verdict;
    int64_t seconds;
    bool rises;
  } cases[] = {
      {ACCESS_YES, 60, false}, /* the first */
      {ACCESS_YES, 60, false}, /* for longer */
      {ACCESS_YES, 10, true},  /* not for as long */
      {ACCESS_NO, 60, true},
      {ACCESS_NO, 10, true},  /* an accepted one may have been forgotten to make room */
      {ACCESS_YES, 0, false}, /* there was none */
  };
  struct access *access = access_create();
  struct digest token = fingerprint_of(1);
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint64_t before = access_generation(access);
    access_learn(access, &token, cases[i].verdict, cases[i].seconds);
    assert_int_equal(access_generation(access) > before, cases[i].rises);
  }
  access_release(&access);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verdicts_are_kept_for_a_while),
      cmocka_unit_test(what_was_refused_pushes_out_nothing_that_was_accepted),
      cmocka_unit_test(checks_under_way_are_bounded),
      cmocka_unit_test(checks_in_a_minute_are_bounded),
      cmocka_unit_test(strangers_do_not_use_up_the_checks_of_tokens_that_were_accepted),
      cmocka_unit_test(tokens_are_kept_once),
      cmocka_unit_test(no_more_are_kept_than_there_may_be),
      cmocka_unit_test(no_more_are_accepted_than_there_may_be),
      cmocka_unit_test(a_verdict_tells_its_end),
      cmocka_unit_test(the_generation_rises_when_a_yes_may_no_longer_hold),
  };
  return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}

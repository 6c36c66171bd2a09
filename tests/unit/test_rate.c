/* How many requests of a token fit in a second. */
#include "unit/fixture/unit.h"

#include "access/rate.h"

#include <stdio.h>

#define MILLISECOND INT64_C(1000000)
#define BEGIN (3600 * 1000 * MILLISECOND)

static struct digest fingerprint_of(int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  return digest_sha256(view_of(text));
}

static bool takes(struct rates *rates, int token, int64_t per_second, int64_t at,
                  int64_t *retry_after) {
  struct digest fingerprint = fingerprint_of(token);
  return rate_take(rates, &fingerprint, per_second, BEGIN + at * MILLISECOND, retry_after);
}

static const struct scene {
  int64_t per_second;
  struct try {
    int64_t at; /* milliseconds */
    int taken;  /* so many fit, and one more does not; -1: the end */
  }
  tries[6];
} scenes[] = {
    {1, {{0, 1}, {999, 0}, {1000, 1}, {5000, 1}, {0, -1}}},
    {10, {{0, 10}, {99, 0}, {100, 1}, {350, 2}, {400, 1}, {0, -1}}},
    {10, {{0, 10}, {1000, 10}, {9000, 10}, {0, -1}}},
    {1000, {{0, 1000}, {500, 500}, {0, -1}}},
    {3, {{0, 3}, {333, 0}, {334, 1}, {0, -1}}},
    {RATE_MOST, {{0, RATE_MOST}, {1, RATE_MOST / 1000}, {0, -1}}},
};

static void a_second_has_room_for_so_many(void **state) {
  (void)state;
  int64_t wait = 0;
  for (size_t i = 0; i < COUNT(scenes); i++) {
    struct rates *rates = rates_create();
    for (const struct try *try = scenes[i].tries; try->taken >= 0; try++) {
      for (int n = 0; n < try->taken; n++)
        assert_true(takes(rates, 0, scenes[i].per_second, try->at, &wait));
      assert_false(takes(rates, 0, scenes[i].per_second, try->at, &wait));
      assert_int_equal(wait, 1);
    }
    rates_release(&rates);
    assert_null(rates);
  }
}

static void each_token_has_its_own(void **state) {
  (void)state;
  struct rates *rates = rates_create();
  int64_t wait;
  for (int token = 0; token < 1000; token++)
    assert_true(takes(rates, token, 1, 0, &wait));
  for (int token = 0; token < 1000; token++)
    assert_false(takes(rates, token, 1, 500, &wait));
  rates_release(&rates);
  rates_release(&rates);
}

/* Nobody waits longer than a second after the limit was changed by a reload. */
static void the_limit_may_change(void **state) {
  (void)state;
  struct rates *rates = rates_create();
  int64_t wait;
  for (int n = 0; n < 100; n++)
    assert_true(takes(rates, 0, 100, 0, &wait));
  assert_false(takes(rates, 0, 1, 0, &wait));
  assert_int_equal(wait, 1);
  assert_true(takes(rates, 0, 1, 1000, &wait));
  assert_false(takes(rates, 0, 100, 1000, &wait));
  assert_true(takes(rates, 0, 100, 1010, &wait));
  rates_release(&rates);
}

/* Tokens beyond what is remembered begin anew. A token that was just refused is kept. */
static void more_tokens_than_are_remembered_refuse_nobody(void **state) {
  (void)state;
  struct rates *rates = rates_create();
  int64_t wait;
  for (int n = 0; n < 10; n++)
    assert_true(takes(rates, -1, 10, 0, &wait));
  for (int token = 0; token < 50000; token++)
    assert_true(takes(rates, token, 10, 0, &wait));
  assert_false(takes(rates, -1, 10, 0, &wait));
  rates_release(&rates);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_second_has_room_for_so_many),
      cmocka_unit_test(each_token_has_its_own),
      cmocka_unit_test(the_limit_may_change),
      cmocka_unit_test(more_tokens_than_are_remembered_refuse_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

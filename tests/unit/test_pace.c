/* Not more than so many times in any minute. */
#include "base/pace.h"

#include "unit/fixture/unit.h"

#define SECOND INT64_C(1000000000)
#define BOOT (7 * SECOND) /* a clock that has not run for a minute yet */

static void what_is_allowed_may_begin_at_once(void **state) {
  (void)state;
  struct pace pace = {0};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pace_wait(&pace, 3, BOOT), 0);
    pace_begin(&pace, BOOT);
  }
  assert_int_equal(pace_wait(&pace, 3, BOOT), 60);
}

static void no_minute_has_more(void **state) {
  (void)state;
  struct pace pace = {0};
  pace_begin(&pace, 0);
  pace_begin(&pace, 50 * SECOND);
  assert_int_equal(pace_wait(&pace, 2, 59 * SECOND), 1);
  assert_int_equal(pace_wait(&pace, 2, 60 * SECOND - 1), 1);
  assert_int_equal(pace_wait(&pace, 2, 60 * SECOND), 0);
  pace_begin(&pace, 60 * SECOND);
  assert_int_equal(pace_wait(&pace, 2, 60 * SECOND), 50);
  assert_int_equal(pace_wait(&pace, 2, 110 * SECOND), 0);
}

static void another_bound_holds_at_once(void **state) {
  (void)state;
  struct pace pace = {0};
  for (int i = 0; i < 5; i++)
    pace_begin(&pace, i * SECOND);
  assert_int_equal(pace_wait(&pace, 5, 10 * SECOND), 50);
  assert_int_equal(pace_wait(&pace, 1, 10 * SECOND), 54);
  assert_int_equal(pace_wait(&pace, 6, 10 * SECOND), 0);
}

static void the_greatest_bound_is_held(void **state) {
  (void)state;
  struct pace pace = {0};
  for (int64_t i = 0; i < 3 * PACE_MOST; i++) {
    int64_t now = i / PACE_MOST * 60 * SECOND;
    assert_int_equal(pace_wait(&pace, PACE_MOST, now), 0);
    pace_begin(&pace, now);
    if (i % PACE_MOST == PACE_MOST - 1)
      assert_int_equal(pace_wait(&pace, PACE_MOST, now), 60);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_allowed_may_begin_at_once),
      cmocka_unit_test(no_minute_has_more),
      cmocka_unit_test(another_bound_holds_at_once),
      cmocka_unit_test(the_greatest_bound_is_held),
  };
  return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}

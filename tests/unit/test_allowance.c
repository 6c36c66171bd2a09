#include "http/allowance.h"

#include "unit/fixture/unit.h"

#include <pthread.h>

static void up_to_the_limit(void **state) {
  (void)state;
  struct allowance allowance = {0};
  assert_true(allowance_take(&allowance, 0, 0));
  assert_false(allowance_take(&allowance, 1, 0));
  assert_true(allowance_take(&allowance, 10, 10));
  assert_false(allowance_take(&allowance, 1, 10));
  assert_false(allowance_take(&allowance, SIZE_MAX, 10));
  assert_true(allowance_take(&allowance, 0, 10));
  assert_false(allowance_take(&allowance, 0, 9)); /* the limit was lowered meanwhile */
  assert_true(allowance_take(&allowance, SIZE_MAX - 10, SIZE_MAX));
  assert_false(allowance_take(&allowance, 1, SIZE_MAX));
  allowance_give(&allowance, SIZE_MAX - 10);
  allowance_give(&allowance, 4);
  assert_true(allowance_take(&allowance, 4, 10));
  assert_false(allowance_take(&allowance, 1, 10));
}

static struct allowance shared;
static atomic_size_t most;

static void *take_and_give(void *unused) {
  for (int i = 0; i < 100000; i++) {
    if (!allowance_take(&shared, 3, 8))
      continue;
    size_t seen = atomic_load(&shared.taken);
    if (seen > atomic_load(&most))
      atomic_store(&most, seen);
    allowance_give(&shared, 3);
  }
  return unused;
}

static void side_by_side(void **state) {
  (void)state;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  assert_true(atomic_load(&most) <= 6);
  assert_int_equal(atomic_load(&shared.taken), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(up_to_the_limit),
      cmocka_unit_test(side_by_side),
  };
  return cmocka_run_group_tests_name("allowance", tests, NULL, NULL);
}

/* How often something is logged that may happen at any rate. */
#include "unit/fixture/unit.h"

#include "base/rarely.h"

#define SECOND INT64_C(1000000000)

static void all_are_told_of_but_once_a_minute(void **state) {
  (void)state;
  struct rarely rarely = {0};
  int64_t begin = 7 * SECOND;
  assert_int_equal(rarely_count(&rarely, begin), 1);
  for (int i = 0; i < 100; i++)
    assert_int_equal(rarely_count(&rarely, begin + 60 * SECOND - 1), 0);
  assert_int_equal(rarely_count(&rarely, begin + 60 * SECOND), 101);
  assert_int_equal(rarely_count(&rarely, begin + 61 * SECOND), 0);
  assert_int_equal(rarely_count(&rarely, begin + 1000 * SECOND), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_told_of_but_once_a_minute)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

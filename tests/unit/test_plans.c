/* Which plan gives how many rows at once? */
#include "query/plans.h"

#include "unit/fixture/unit.h"

static const struct {
  const char *subscription;
  int64_t cap;
} names[] = {
    {"Lite", 100},
    {"Standard, billed monthly", 250},
    {"ADVANCED, billed yearly", 500},
    {" Enterprise ", 0},
    /* not in the table */
    {"Standard Plus", -1},
    {"Starter", -1},
    {", billed monthly", -1},
    {"", -1},
};

static void a_name_tells_the_cap(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(plans_cap(view_of(names[i].subscription)), names[i].cap);
}

static void caps_of_some_plan(void **state) {
  (void)state;
  assert_true(plans_have_cap(25));
  assert_true(plans_have_cap(100));
  assert_true(plans_have_cap(250));
  assert_true(plans_have_cap(500));
  assert_false(plans_have_cap(99));
  assert_false(plans_have_cap(1000));
}

/* Of a plan without a cap no number of rows is it. */
static void nothing_is_no_cap(void **state) {
  (void)state;
  assert_false(plans_have_cap(0));
  assert_false(plans_have_cap(-1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_tells_the_cap),
      cmocka_unit_test(caps_of_some_plan),
      cmocka_unit_test(nothing_is_no_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka needs those above. */
#include <cmocka.h>

#define COUNT(table) (sizeof table / sizeof *table)
#define T(number) ((struct rows){number})

static void parsed(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t tenths;
  } cases[] = {
      {"0", 0},
      {"0.0", 0},
      {"0.2", 2},
      {"5", 50},
      {"201", 2010},
      {"201.0", 2010},
      {"922337203685477580.7", INT64_MAX},
      {"922337203685477580", INT64_MAX - 7},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct rows rows = {-1};
    if (!rows_parse(view_of(cases[i].text), &rows) || rows.tenths != cases[i].tenths)
      fail_msg("'%s': %jd", cases[i].text, (intmax_t)rows.tenths);
  }
}

static void refused(void **state) {
  (void)state;
  static const char *const cases[] = {
      "",
      "-1",
      "+1",
      ".5",
      "5.",
      ".",
      "0.25",
      "1,5",
      "1.-",
      "1.x",
      "1 ",
      " 1",
      "1..5",
      "1e1",
      "1.5.5",
      "922337203685477580.8",
      "922337203685477581",
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct rows rows;
    if (rows_parse(view_of(cases[i]), &rows))
      fail_msg("'%s': %jd", cases[i], (intmax_t)rows.tenths);
  }
}

static void signs(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t tenths;
  } cases[] = {{"5", 50}, {"+0.2", 2}, {"-189.0", -1890}, {"-0", 0}};
  static const char *const wrong[] = {"", "-", "+", "--1", "+-1", "- 1", "1-", "-x"};
  struct rows rows;
  for (size_t i = 0; i < COUNT(cases); i++)
    if (!rows_parse_signed(view_of(cases[i].text), &rows) || rows.tenths != cases[i].tenths)
      fail_msg("'%s': %jd", cases[i].text, (intmax_t)rows.tenths);
  for (size_t i = 0; i < COUNT(wrong); i++)
    if (rows_parse_signed(view_of(wrong[i]), &rows))
      fail_msg("'%s': %jd", wrong[i], (intmax_t)rows.tenths);
}

static void printed(void **state) {
  (void)state;
  static const struct {
    int64_t tenths;
    const char *text;
  } cases[] = {
      {0, "0.0"},
      {2, "0.2"},
      {2010, "201.0"},
      {-2, "-0.2"},
      {-2015, "-201.5"},
      {INT64_MAX, "922337203685477580.7"},
      {INT64_MIN, "-922337203685477580.8"},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_string_equal(ROWS_TEXT(T(cases[i].tenths)), cases[i].text);
}

enum operation { ADD, SUBTRACT, TIMES };

static struct rows apply(enum operation operation, int64_t a, int64_t b) {
  switch (operation) {
  case ADD:
    return rows_add(T(a), T(b));
  case SUBTRACT:
    return rows_subtract(T(a), T(b));
  default:
    return rows_times(T(a), b);
  }
}

static void sums(void **state) {
  (void)state;
  static const struct {
    enum operation operation;
    int64_t a, b, result;
  } cases[] = {
      {ADD, 1, 2, 3},
      {ADD, 5, -7, -2},
      {ADD, INT64_MAX, 1, INT64_MAX},
      {ADD, INT64_MAX, INT64_MAX, INT64_MAX},
      {ADD, INT64_MIN, -1, INT64_MIN},
      {ADD, INT64_MAX, INT64_MIN, -1},
      {SUBTRACT, 5, 7, -2},
      {SUBTRACT, INT64_MIN, 1, INT64_MIN},
      {SUBTRACT, INT64_MAX, -1, INT64_MAX},
      {SUBTRACT, 0, INT64_MIN, INT64_MAX},
      {SUBTRACT, -1, INT64_MIN, INT64_MAX},
      {TIMES, 2, 1000, 2000},
      {TIMES, 2, 0, 0},
      {TIMES, INT64_MAX, 1, INT64_MAX},
      {TIMES, INT64_MAX, 2, INT64_MAX},
      {TIMES, -3, 2, -6},
      {TIMES, INT64_MIN, 2, INT64_MIN},
      {TIMES, 0, INT64_MAX, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct rows result = apply(cases[i].operation, cases[i].a, cases[i].b);
    if (result.tenths != cases[i].result)
      fail_msg("case %zu: %jd", i, (intmax_t)result.tenths);
  }
}

static void order(void **state) {
  (void)state;
  assert_int_equal(rows_order(T(1), T(2)), -1);
  assert_int_equal(rows_order(T(2), T(2)), 0);
  assert_int_equal(rows_order(T(INT64_MAX), T(INT64_MIN)), 1);
  assert_true(rows_is_zero(ROWS(0)));
  assert_false(rows_is_zero(T(1)));
  assert_int_equal(ROWS(201).tenths, 2010);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parsed),  cmocka_unit_test(refused), cmocka_unit_test(signs),
      cmocka_unit_test(printed), cmocka_unit_test(sums),    cmocka_unit_test(order),
  };
  return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}

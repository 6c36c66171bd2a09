#include "base/money.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

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
  struct amount amount;
  for (size_t i = 0; i < COUNT(cases); i++)
    if (!amount_parse_signed(view_of(cases[i].text), CURRENCY_ROWS, &amount) ||
        amount.parts != cases[i].tenths)
      fail_msg("'%s': %jd", cases[i].text, (intmax_t)amount.parts);
  for (size_t i = 0; i < COUNT(wrong); i++)
    if (amount_parse_signed(view_of(wrong[i]), CURRENCY_ROWS, &amount))
      fail_msg("'%s': %jd", wrong[i], (intmax_t)amount.parts);
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
    assert_string_equal(AMOUNT_TEXT(amount_of_rows(T(cases[i].tenths))), cases[i].text);
}

enum operation { ADD, SUBTRACT, TIMES };

static struct rows apply(enum operation operation, int64_t a, int64_t b) {
  switch (operation) {
  case ADD:
    return rows_add(T(a), T(b));
  case SUBTRACT:
    return amount_rows(amount_subtract(amount_of_rows(T(a)), amount_of_rows(T(b))));
  default:
    return amount_rows(amount_times(amount_of_rows(T(a)), b));
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

/* -- Amounts -- */

/* Evaluates the expression in a child, which a CHECK must end. */
#define expect_check_failure(expression)                             \
  do {                                                               \
    pid_t child = fork();                                            \
    if (child == 0) {                                                \
      fclose(stderr);                                                \
      (void)(expression);                                            \
      _exit(0);                                                      \
    }                                                                \
    int status;                                                      \
    assert_int_equal(waitpid(child, &status, 0), child);             \
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT); \
  } while (0)

static const struct amount three_rows = {CURRENCY_ROWS, 30}, three_units = {CURRENCY_UNITS, 3};

static void amounts_are_read_by_currency(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum currency currency;
    int64_t parts; /* INT64_MIN: it is refused */
  } cases[] = {
      {"3", CURRENCY_ROWS, 30},
      {"3", CURRENCY_UNITS, 3},
      {"0.2", CURRENCY_ROWS, 2},
      {"0.2", CURRENCY_UNITS, INT64_MIN},
      {"+3", CURRENCY_UNITS, 3},
      {"-3", CURRENCY_UNITS, -3},
      {"-3", CURRENCY_ROWS, -30},
      {"--3", CURRENCY_UNITS, INT64_MIN},
      {"", CURRENCY_UNITS, INT64_MIN},
      {"9223372036854775807", CURRENCY_UNITS, INT64_MAX},
      {"9223372036854775807", CURRENCY_ROWS, INT64_MIN},
      {"9223372036854775808", CURRENCY_UNITS, INT64_MIN},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct amount amount = {CURRENCY_ROWS, -1};
    bool ok = amount_parse_signed(view_of(cases[i].text), cases[i].currency, &amount);
    if (ok != (cases[i].parts != INT64_MIN) ||
        (ok && (amount.parts != cases[i].parts || amount.currency != cases[i].currency)))
      fail_msg("'%s' %s: %jd", cases[i].text, currency_words[cases[i].currency],
               (intmax_t)amount.parts);
  }
  struct amount amount;
  assert_false(amount_parse(VIEW("-3"), CURRENCY_UNITS, &amount));
}

static void amounts_are_written_by_currency(void **state) {
  (void)state;
  assert_string_equal(AMOUNT_TEXT(three_rows), "3.0");
  assert_string_equal(AMOUNT_TEXT(three_units), "3");
  assert_string_equal(AMOUNT_TEXT(amount_zero(CURRENCY_ROWS)), "0.0");
  assert_string_equal(AMOUNT_TEXT(amount_zero(CURRENCY_UNITS)), "0");
  assert_string_equal(AMOUNT_TEXT(((struct amount){CURRENCY_UNITS, INT64_MIN})),
                      "-9223372036854775808");
  assert_string_equal(currency_mark(CURRENCY_ROWS), "");
  assert_string_equal(currency_mark(CURRENCY_UNITS), " currency=units");
}

static void amounts_are_cut_to_whole_ones(void **state) {
  (void)state;
  assert_int_equal(amount_whole((struct amount){CURRENCY_ROWS, 2019}), 201);
  assert_int_equal(amount_whole((struct amount){CURRENCY_ROWS, 9}), 0);
  assert_int_equal(amount_whole((struct amount){CURRENCY_UNITS, 2019}), 2019);
}

static void amounts_are_converted_by_name(void **state) {
  (void)state;
  assert_int_equal(amount_rows(amount_of_rows(ROWS(3))).tenths, 30);
  assert_int_equal(amount_units(amount_of_units(UNITS(3))).whole, 3);
  expect_check_failure(amount_rows(three_units));
  expect_check_failure(amount_units(three_rows));
  expect_check_failure(amount_rows(amount_zero(CURRENCY_UNITS))); /* zero has a currency */
}

static void amounts_of_one_currency_add_up(void **state) {
  (void)state;
  struct amount great = {CURRENCY_UNITS, INT64_MAX};
  assert_int_equal(amount_add(three_units, three_units).parts, 6);
  assert_int_equal(amount_subtract(three_units, great).parts, 3 - INT64_MAX);
  assert_int_equal(amount_times(three_units, 4).parts, 12);
  assert_true(amount_add(great, great).parts == INT64_MAX);
  assert_int_equal(amount_add(three_units, three_units).currency, CURRENCY_UNITS);
  assert_int_equal(amount_subtract(three_units, great).currency, CURRENCY_UNITS);
  assert_int_equal(amount_times(three_units, 4).currency, CURRENCY_UNITS);
  assert_int_equal(amount_order(three_units, great), -1);
  assert_int_equal(amount_order(three_units, three_units), 0);
  assert_true(amount_is_zero(amount_zero(CURRENCY_UNITS)));
  assert_false(amount_is_zero(three_rows));
  assert_true(amount_is_negative(amount_subtract(amount_zero(CURRENCY_ROWS), three_rows)));
  assert_false(amount_is_negative(three_rows));
}

static void amounts_of_two_currencies_do_not(void **state) {
  (void)state;
  struct amount zero = amount_zero(CURRENCY_UNITS);
  expect_check_failure(amount_add(three_rows, three_units));
  expect_check_failure(amount_add(three_rows, zero));
  expect_check_failure(amount_subtract(three_rows, three_units));
  expect_check_failure(amount_order(three_rows, three_units));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parsed),
      cmocka_unit_test(refused),
      cmocka_unit_test(signs),
      cmocka_unit_test(printed),
      cmocka_unit_test(sums),
      cmocka_unit_test(order),
      cmocka_unit_test(amounts_are_read_by_currency),
      cmocka_unit_test(amounts_are_written_by_currency),
      cmocka_unit_test(amounts_are_cut_to_whole_ones),
      cmocka_unit_test(amounts_are_converted_by_name),
      cmocka_unit_test(amounts_of_one_currency_add_up),
      cmocka_unit_test(amounts_of_two_currencies_do_not),
  };
  return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}

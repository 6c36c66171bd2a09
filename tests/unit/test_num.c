#include "base/num.h"

#include <stdio.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

#define BAD INT64_MIN

struct number {
  const char *text;
  int64_t value; /* BAD: refused */
};

static void check(const struct number *cases, size_t count,
                  bool (*read)(struct view text, int64_t *value)) {
  for (size_t i = 0; i < count; i++) {
    int64_t value = BAD;
    bool ok = read(view_of(cases[i].text), &value);
    if (ok != (cases[i].value != BAD) || (ok && value != cases[i].value))
      fail_msg("'%s': %s, %jd", cases[i].text, ok ? "taken" : "refused", (intmax_t)value);
  }
}

static void integers(void **state) {
  (void)state;
  static const struct number cases[] = {
      {"0", 0},
      {"7", 7},
      {"007", 7},
      {"9223372036854775807", INT64_MAX},
      {"9223372036854775808", BAD},
      {"92233720368547758070", BAD},
      {"", BAD},
      {"+1", BAD},
      {"-1", BAD},
      {" 1", BAD},
      {"1 ", BAD},
      {"0x10", BAD},
      {"1e3", BAD},
      {"1.0", BAD},
      {"\xd9\xa1", BAD}, /* an Arabic digit */
  };
  check(cases, COUNT(cases), num_integer);
}

static void integer_is_no_c_string(void **state) {
  (void)state;
  int64_t value;
  assert_true(num_integer((struct view){"123456", 3}, &value));
  assert_int_equal(value, 123);
  assert_false(num_integer((struct view){"1\0002", 3}, &value));
}

static void durations(void **state) {
  (void)state;
  static const struct number cases[] = {
      {"0", 0},
      {"0s", 0},
      {"30s", 30},
      {"15m", 900},
      {"24h", 86400},
      {"7d", 604800},
      {"3650d", INT64_C(315360000)},
      {"9223372036854775807s", INT64_MAX},
      {"9223372036854775807m", BAD},
      {"106751991167300d", INT64_C(106751991167300) * 86400},
      {"106751991167301d", BAD},
      {"", BAD},
      {"s", BAD},
      {"1", BAD},
      {"24 h", BAD},
      {"24H", BAD},
      {"24hours", BAD},
      {"1h30m", BAD},
      {"1.5h", BAD},
      {"-1s", BAD},
      {"1w", BAD},
  };
  check(cases, COUNT(cases), num_duration);
}

static void sizes(void **state) {
  (void)state;
  static const struct number cases[] = {
      {"0", 0},
      {"512", 512},
      {"512B", 512},
      {"64KiB", 65536},
      {"64MiB", 64 << 20},
      {"2GiB", INT64_C(2) << 30},
      {"1TiB", INT64_C(1) << 40},
      {"8388607TiB", INT64_C(8388607) << 40},
      {"8388608TiB", BAD},
      {"", BAD},
      {"KiB", BAD},
      {"1kB", BAD},
      {"1KB", BAD},
      {"1kib", BAD},
      {"1 MiB", BAD},
      {"1M", BAD},
      {"1PiB", BAD},
      {"1.5GiB", BAD},
  };
  check(cases, COUNT(cases), num_size);
}

static const struct number dates[] = {
    {"1970-01-01", 0},       {"1970-01-02", 1},       {"1969-12-31", -1},
    {"2000-02-29", 11016},   {"2000-03-01", 11017},   {"2024-02-29", 19782},
    {"2026-11-23", 20780},   {"9999-12-31", 2932896}, {"0001-01-01", -719162},
    {"0000-03-01", -719468}, {"0000-01-01", -719528},
};

static bool date_as_number(struct view text, int64_t *value) {
  int32_t day;
  if (!num_date(text, &day))
    return false;
  *value = day;
  return true;
}

static void dates_read(void **state) {
  (void)state;
  check(dates, COUNT(dates), date_as_number);
}

static void dates_printed(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(dates); i++) {
    char text[NUM_DATE_SIZE];
    num_print_date((int32_t)dates[i].value, text);
    assert_string_equal(text, dates[i].text);
  }
}

static void dates_refused(void **state) {
  (void)state;
  static const struct number cases[] = {
      {"", BAD},           {"2026-02-29", BAD}, {"1900-02-29", BAD}, {"2026-04-31", BAD},
      {"2026-13-01", BAD}, {"2026-00-01", BAD}, {"2026-01-00", BAD}, {"2026-01-32", BAD},
      {"2026-1-01", BAD},  {"26-01-01", BAD},   {"2026/01/01", BAD}, {"2026-01-01 ", BAD},
      {"-026-01-01", BAD}, {"2026-+1-01", BAD}, {"20260101", BAD},   {"2026-01-01T00:00:00Z", BAD},
  };
  check(cases, COUNT(cases), date_as_number);
}

/* Every day of 800 years, there and back. */
static void dates_go_round(void **state) {
  (void)state;
  for (int32_t day = -146097; day < 146097; day++) {
    char text[NUM_DATE_SIZE];
    int32_t again;
    num_print_date(day, text);
    assert_true(num_date(view_of(text), &again));
    assert_int_equal(again, day);
  }
}

static void words(void **state) {
  (void)state;
  assert_true(num_same_word(VIEW("Cache-Control"), VIEW("cache-CONTROL")));
  assert_true(num_same_word(VIEW(""), VIEW("")));
  assert_false(num_same_word(VIEW("a"), VIEW("ab")));
  assert_false(num_same_word(VIEW("a"), VIEW("b")));
  assert_false(num_same_word(VIEW("@["), VIEW("`{"))); /* beside the letters */
  assert_false(num_same_word(VIEW("\xc4"), VIEW("\xe4")));
}

static void hex_digits(void **state) {
  (void)state;
  for (int c = -128; c < 256; c++) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c > 0 && c < 128 ? strchr(digits, c) : NULL;
    assert_int_equal(num_hex_digit((char)c), at ? (at - digits) % 16 : -1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers),      cmocka_unit_test(integer_is_no_c_string),
      cmocka_unit_test(durations),     cmocka_unit_test(sizes),
      cmocka_unit_test(dates_read),    cmocka_unit_test(dates_printed),
      cmocka_unit_test(dates_refused), cmocka_unit_test(dates_go_round),
      cmocka_unit_test(words),         cmocka_unit_test(hex_digits),
  };
  return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}

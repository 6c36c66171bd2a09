/* Fuzz target: a number, as each kind of number. */
#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_digits(struct view text) {
  size_t digits = 0;
  while (digits < text.length && num_is_digit(text.at[digits]))
    digits++;
  return digits;
}

/* The value prints as the text does, but for zeros in front. */
static void check_integer(struct view text) {
  int64_t value;
  if (!num_integer(text, &value))
    return;
  char printed[24];
  snprintf(printed, sizeof printed, "%" PRId64, value);
  while (text.length > 1 && text.at[0] == '0')
    text = view_from(text, 1);
  CHECK(view_is(text, printed));
}

static struct view unit_of(struct view text, int64_t *number) {
  size_t digits = count_digits(text);
  CHECK(num_integer(view_first(text, digits), number));
  return view_from(text, digits);
}

/* Divided by its unit, a value is the number in front of it. */
static void check_unit(struct view text, int64_t value, const char *const *units,
                       const int64_t *factors, size_t count) {
  int64_t number;
  struct view unit = unit_of(text, &number);
  for (size_t i = 0; i < count; i++)
    if (view_is(unit, units[i])) {
      CHECK(value % factors[i] == 0 && value / factors[i] == number);
      return;
    }
  CHECK(unit.length == 0 && value == 0);
}

static void check_units(struct view text) {
  static const char *const times[] = {"s", "m", "h", "d"};
  static const int64_t seconds[] = {1, 60, 60 * 60, 24 * 60 * 60};
  static const char *const sizes[] = {"", "B", "KiB", "MiB", "GiB", "TiB"};
  static const int64_t bytes[] = {
      1, 1, INT64_C(1) << 10, INT64_C(1) << 20, INT64_C(1) << 30, INT64_C(1) << 40};
  int64_t value;
  if (num_duration(text, &value))
    check_unit(text, value, times, seconds, 4);
  if (num_size(text, &value))
    check_unit(text, value, sizes, bytes, 6);
}

/* A date prints as it was written. */
static void check_date(struct view text) {
  int32_t day;
  char printed[NUM_DATE_SIZE];
  if (!num_date(text, &day))
    return;
  CHECK(day >= NUM_FIRST_DAY && day <= NUM_LAST_DAY);
  num_print_date(day, printed);
  CHECK(view_is(text, printed));
}

/* A day that has a date is the day that its date names. */
static void check_day(struct view bytes) {
  int32_t day, again;
  char printed[NUM_DATE_SIZE];
  if (bytes.length < sizeof day)
    return;
  memcpy(&day, bytes.at, sizeof day);
  num_print_date(day, printed);
  CHECK(num_date(view_of(printed), &again));
  CHECK(again == day || day < NUM_FIRST_DAY || day > NUM_LAST_DAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view text = {size ? (const char *)data : "", size};
  check_integer(text);
  check_units(text);
  check_date(text);
  check_day(text);
  return 0;
}

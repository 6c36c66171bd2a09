#include "base/num.h"

#include <stdio.h>

bool num_same_word(struct view a, struct view b) {
  if (a.length != b.length)
    return false;
  for (size_t i = 0; i < a.length; i++)
    if (num_lower(a.at[i]) != num_lower(b.at[i]))
      return false;
  return true;
}

bool num_integer(struct view text, int64_t *value) {
  if (text.length == 0)
    return false;
  int64_t sum = 0;
  for (size_t i = 0; i < text.length; i++) {
    if (!num_is_digit(text.at[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
        __builtin_add_overflow(sum, text.at[i] - '0', &sum))
      return false;
  }
  *value = sum;
  return true;
}

struct unit {
  struct view name;
  int64_t factor;
};

/* A whole number followed by one of `count` units. */
static bool with_unit(struct view text, const struct unit *units, size_t count, int64_t *value) {
  size_t digits = 0;
  while (digits < text.length && num_is_digit(text.at[digits]))
    digits++;
  int64_t number;
  if (!num_integer(view_first(text, digits), &number))
    return false;
  struct view name = view_from(text, digits);
  for (size_t i = 0; i < count; i++)
    if (view_equal(name, units[i].name))
      return !__builtin_mul_overflow(number, units[i].factor, value);
  *value = 0;
  return name.length == 0 && number == 0;
}

bool num_duration(struct view text, int64_t *seconds) {
  static const struct unit units[] = {
      {VIEW("s"), 1}, {VIEW("m"), 60}, {VIEW("h"), 3600}, {VIEW("d"), 86400}};
  return with_unit(text, units, sizeof units / sizeof *units, seconds);
}

bool num_size(struct view text, int64_t *bytes) {
  static const struct unit units[] = {
      {VIEW(""), 1},          {VIEW("B"), 1},         {VIEW("KiB"), INT64_C(1) << 10},
      {VIEW("MiB"), 1 << 20}, {VIEW("GiB"), 1 << 30}, {VIEW("TiB"), INT64_C(1) << 40}};
  return with_unit(text, units, sizeof units / sizeof *units, bytes);
}

/* Days from civil and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int32_t days_from_civil(int year, int month, int day) {
  year -= month <= 2;
  int era = (year >= 0 ? year : year - 399) / 400;
  int year_of_era = year - era * 400;
  int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

void num_print_date(int32_t days, char out[NUM_DATE_SIZE]) {
  if (days > NUM_LAST_DAY)
    days = NUM_LAST_DAY;
  if (days < NUM_FIRST_DAY)
    days = NUM_FIRST_DAY;
  int z = days + 719468;
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int day_of_era = z - era * 146097;
  int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int month_shifted = (5 * day_of_year + 2) / 153;
  int day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
  int month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
  int year = year_of_era + era * 400 + (month <= 2);
  snprintf(out, NUM_DATE_SIZE, "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
}

static int month_length(int64_t year, int64_t month) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return lengths[month - 1] + (month == 2 && is_leap);
}

/* Not by printing it again: sorting reads two dates for each comparison. */
bool num_date(struct view text, int32_t *day) {
  if (text.length != 10 || text.at[4] != '-' || text.at[7] != '-')
    return false;
  int64_t year, month, of_month;
  if (!num_integer(view_first(text, 4), &year) ||
      !num_integer((struct view){text.at + 5, 2}, &month) ||
      !num_integer((struct view){text.at + 8, 2}, &of_month) || month < 1 || month > 12 ||
      of_month < 1 || of_month > month_length(year, month))
    return false;
  int32_t result = days_from_civil((int)year, (int)month, (int)of_month);
  if (result < NUM_FIRST_DAY || result > NUM_LAST_DAY)
    return false;
  *day = result;
  return true;
}

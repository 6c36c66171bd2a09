#include "translate/scalar.h"

#include "base/num.h"

#include <inttypes.h>

#define INT_DIGITS 18 /* no overflow */
#define FLOAT_DIGITS 12
#define DECIMALS 6

/* --- numbers --- */

static size_t take_digits(struct view *rest, size_t most, int64_t *number) {
  size_t count = 0;
  for (; count < rest->length && num_is_digit(rest->at[count]); count++)
    if (count < most)
      *number = *number * 10 + (rest->at[count] - '0');
  *rest = view_from(*rest, count);
  return count;
}

/* The digits behind a point, as millionths; what is smaller is cut off. */
static bool take_decimals(struct view *rest, int64_t *millionths) {
  int64_t number = 0;
  *millionths = 0;
  if (!view_starts(*rest, VIEW(".")))
    return true;
  *rest = view_from(*rest, 1);
  size_t count = take_digits(rest, DECIMALS, &number);
  for (size_t i = count; i < DECIMALS; i++)
    number *= 10;
  *millionths = number;
  return count > 0;
}

/* Takes a sign and at most `most` digits. */
static bool take_whole(struct view *rest, size_t most, bool *is_negative, int64_t *whole) {
  *whole = 0;
  *is_negative = view_starts(*rest, VIEW("-"));
  *rest = view_from(*rest, *is_negative);
  size_t digits = take_digits(rest, most, whole);
  return digits > 0 && digits <= most;
}

static bool read_int(struct view text, int64_t *scalar) {
  bool is_negative;
  if (!take_whole(&text, INT_DIGITS, &is_negative, scalar) || text.length)
    return false;
  if (is_negative)
    *scalar = -*scalar;
  return true;
}

static bool read_float(struct view text, int64_t *scalar) {
  bool is_negative;
  int64_t whole, millionths;
  if (!take_whole(&text, FLOAT_DIGITS, &is_negative, &whole) ||
      !take_decimals(&text, &millionths) || text.length)
    return false;
  *scalar = whole * SCALAR_ONE + millionths;
  if (is_negative)
    *scalar = -*scalar;
  return true;
}

int64_t scalar_floor(int64_t scalar, int64_t unit) {
  return scalar / unit - (scalar % unit < 0);
}

static void write_float(int64_t scalar, struct text *out) {
  int64_t size = scalar < 0 ? -scalar : scalar;
  if (scalar < 0)
    text_add_char(out, '-');
  text_printf(out, "%" PRId64, size / SCALAR_ONE);
  int64_t rest = size % SCALAR_ONE;
  if (rest)
    text_add_char(out, '.');
  for (int64_t unit = SCALAR_ONE / 10; rest; rest %= unit, unit /= 10)
    text_add_char(out, (char)('0' + rest / unit));
}

/* --- times: 2026-04-08T00:05:47Z, perhaps with a fraction --- */

/* Two digits behind `before`. */
static bool take_part(struct view *rest, char before, int64_t beyond, int64_t *part) {
  if (rest->length < 3 || rest->at[0] != before ||
      !num_integer(view_first(view_from(*rest, 1), 2), part) || *part >= beyond)
    return false;
  *rest = view_from(*rest, 3);
  return true;
}

static bool read_time(struct view text, int64_t *scalar) {
  int32_t day;
  int64_t hours, minutes, seconds, millionths;
  if (!num_date(view_first(text, 10), &day))
    return false;
  struct view rest = view_from(text, 10);
  if (!take_part(&rest, 'T', 24, &hours) || !take_part(&rest, ':', 60, &minutes) ||
      !take_part(&rest, ':', 60, &seconds) || !take_decimals(&rest, &millionths) ||
      !view_is(rest, "Z"))
    return false;
  *scalar = day * SCALAR_DAY + ((hours * 60 + minutes) * 60 + seconds) * SCALAR_ONE + millionths;
  return true;
}

static void write_time(int64_t scalar, bool up, struct text *out) {
  int64_t seconds = scalar_floor(scalar, SCALAR_ONE);
  seconds += up && seconds * SCALAR_ONE < scalar;
  int64_t day = scalar_floor(seconds, NUM_DAY), rest = seconds - day * NUM_DAY;
  char date[NUM_DATE_SIZE];
  num_print_date((int32_t)day, date);
  text_printf(out, "\"%sT%02d:%02d:%02dZ\"", date, (int)(rest / 3600), (int)(rest / 60 % 60),
              (int)(rest % 60));
}

/* --- all --- */

bool scalar_read(enum endpoint_type type, const struct value *value, int64_t *scalar) {
  switch (type) {
  case ENDPOINT_INT:
    return value->kind == VALUE_NUMBER && read_int(value->text, scalar);
  case ENDPOINT_FLOAT:
    return value->kind == VALUE_NUMBER && read_float(value->text, scalar);
  case ENDPOINT_TIME:
    return value->kind == VALUE_STRING && read_time(value->text, scalar);
  case ENDPOINT_BOOLEAN:
    *scalar = value->kind == VALUE_TRUE;
    return value->kind == VALUE_TRUE || value->kind == VALUE_FALSE;
  case ENDPOINT_DATE:
  case ENDPOINT_STRING:
  case ENDPOINT_ARRAY:
    break;
  }
  return false;
}

void scalar_write(enum endpoint_type type, int64_t scalar, bool up, struct text *out) {
  if (type == ENDPOINT_TIME)
    write_time(scalar, up, out);
  else if (type == ENDPOINT_FLOAT)
    write_float(scalar, out);
  else
    text_printf(out, "%" PRId64, scalar);
}

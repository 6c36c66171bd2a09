#include "base/money.h"

#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>

const char *const currency_words[CURRENCIES] = {"rows", "units"};

/* -- Saturating arithmetic -- */

static int64_t add(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    sum = a < 0 ? INT64_MIN : INT64_MAX;
  return sum;
}

static int64_t subtract(int64_t a, int64_t b) {
  int64_t difference;
  if (__builtin_sub_overflow(a, b, &difference))
    difference = a < 0 ? INT64_MIN : INT64_MAX;
  return difference;
}

static int64_t times(int64_t each, int64_t count) {
  CHECK(count >= 0);
  int64_t product;
  if (__builtin_mul_overflow(each, count, &product))
    product = each < 0 ? INT64_MIN : INT64_MAX;
  return product;
}

/* -- Rows -- */

struct rows rows_add(struct rows a, struct rows b) {
  return (struct rows){add(a.tenths, b.tenths)};
}

bool rows_parse(struct view text, struct rows *out) {
  int64_t whole, tenth = 0;
  struct view before = text;
  if (text.length >= 2 && text.at[text.length - 2] == '.') {
    before = view_first(text, text.length - 2);
    if (!num_integer(view_from(text, text.length - 1), &tenth))
      return false;
  }
  if (!num_integer(before, &whole) || __builtin_mul_overflow(whole, 10, &whole))
    return false;
  return !__builtin_add_overflow(whole, tenth, &out->tenths);
}

/* -- Amounts -- */

struct amount amount_add(struct amount a, struct amount b) {
  CHECK(a.currency == b.currency);
  return (struct amount){a.currency, add(a.parts, b.parts)};
}

struct amount amount_subtract(struct amount a, struct amount b) {
  CHECK(a.currency == b.currency);
  return (struct amount){a.currency, subtract(a.parts, b.parts)};
}

struct amount amount_times(struct amount each, int64_t count) {
  return (struct amount){each.currency, times(each.parts, count)};
}

int64_t amount_whole(struct amount amount) {
  return amount.currency == CURRENCY_ROWS ? amount.parts / ROWS(1).tenths : amount.parts;
}

bool amount_parse(struct view text, enum currency currency, struct amount *out) {
  struct rows rows = {0};
  *out = amount_zero(currency);
  if (currency == CURRENCY_UNITS)
    return num_integer(text, &out->parts);
  bool ok = rows_parse(text, &rows);
  *out = amount_of_rows(rows);
  return ok;
}

bool amount_parse_signed(struct view text, enum currency currency, struct amount *out) {
  bool negative = view_starts(text, VIEW("-"));
  bool has_sign = negative || view_starts(text, VIEW("+"));
  bool ok = amount_parse(view_from(text, has_sign), currency, out);
  if (negative)
    out->parts = -out->parts;
  return ok;
}

static void print_tenths(int64_t tenths, char out[AMOUNT_TEXT_SIZE]) {
  uint64_t size = tenths < 0 ? 0 - (uint64_t)tenths : (uint64_t)tenths;
  snprintf(out, AMOUNT_TEXT_SIZE, "%s%" PRIu64 ".%" PRIu64, tenths < 0 ? "-" : "", size / 10,
           size % 10);
}

const char *amount_print(struct amount amount, char out[AMOUNT_TEXT_SIZE]) {
  if (amount.currency == CURRENCY_ROWS)
    print_tenths(amount.parts, out);
  else
    snprintf(out, AMOUNT_TEXT_SIZE, "%" PRId64, amount.parts);
  return out;
}

const char *currency_mark(enum currency currency) {
  return currency == CURRENCY_UNITS ? " currency=units" : "";
}

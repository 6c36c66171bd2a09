#include "base/money.h"

#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>

struct rows rows_add(struct rows a, struct rows b) {
  int64_t sum;
  if (__builtin_add_overflow(a.tenths, b.tenths, &sum))
    sum = a.tenths < 0 ? INT64_MIN : INT64_MAX;
  return (struct rows){sum};
}

struct rows rows_subtract(struct rows a, struct rows b) {
  int64_t difference;
  if (__builtin_sub_overflow(a.tenths, b.tenths, &difference))
    difference = a.tenths < 0 ? INT64_MIN : INT64_MAX;
  return (struct rows){difference};
}

struct rows rows_times(struct rows each, int64_t count) {
  CHECK(count >= 0);
  int64_t product;
  if (__builtin_mul_overflow(each.tenths, count, &product))
    product = each.tenths < 0 ? INT64_MIN : INT64_MAX;
  return (struct rows){product};
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

bool rows_parse_signed(struct view text, struct rows *out) {
  bool negative = view_starts(text, VIEW("-"));
  bool has_sign = negative || view_starts(text, VIEW("+"));
  if (!rows_parse(view_from(text, has_sign), out))
    return false;
  if (negative)
    out->tenths = -out->tenths;
  return true;
}

const char *rows_print(struct rows rows, char out[ROWS_TEXT_SIZE]) {
  uint64_t size = rows.tenths < 0 ? 0 - (uint64_t)rows.tenths : (uint64_t)rows.tenths;
  snprintf(out, ROWS_TEXT_SIZE, "%s%" PRIu64 ".%" PRIu64, rows.tenths < 0 ? "-" : "", size / 10,
           size % 10);
  return out;
}

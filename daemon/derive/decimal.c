#include "derive/decimal.h"

#include "base/num.h"

#define WHOLE_MOST 9999

/* In hundredths. False: it is no such number. */
static bool read(struct view text, int64_t *hundredths) {
  static const int64_t units[] = {100, 10, 1};
  struct view fraction = text, whole;
  int64_t high, low = 0;
  if (!view_split(&fraction, '.', &whole) || !num_integer(whole, &high) || high > WHOLE_MOST)
    return false;
  bool has_zeros = whole.length > 1 && whole.at[0] == '0';
  if (has_zeros || fraction.length > 2 || (fraction.at && !num_integer(fraction, &low)))
    return false;
  *hundredths = high * 100 + low * units[fraction.length];
  return true;
}

bool decimal_is(struct view text) {
  int64_t hundredths;
  return read(text, &hundredths);
}

enum order decimal_order(struct view a, struct view b) {
  int64_t left, right;
  if (!read(a, &left) || !read(b, &right) || (left == right && left % 25 != 0))
    return ORDER_UNKNOWN;
  return order_of((left > right) - (left < right));
}

#include "derive/whole.h"

#include "base/num.h"

static bool is_negative(struct view text) {
  return view_starts(text, VIEW("-"));
}

bool whole_is(struct view text) {
  bool negative = is_negative(text);
  struct view digits = view_from(text, negative);
  for (size_t i = 0; i < digits.length; i++)
    if (!num_is_digit(digits.at[i]))
      return false;
  if (digits.length == 0)
    return false;
  return digits.at[0] != '0' || (digits.length == 1 && !negative);
}

static int digits_order(struct view a, struct view b) {
  return a.length != b.length ? (a.length > b.length) - (a.length < b.length) : view_order(a, b);
}

int whole_order(struct view a, struct view b) {
  if (is_negative(a) != is_negative(b))
    return is_negative(a) ? -1 : 1;
  return is_negative(a) ? digits_order(view_from(b, 1), view_from(a, 1)) : digits_order(a, b);
}

#include "derive/day.h"

#include "base/num.h"

#define DATE_LENGTH 10 /* 2013-11-24 */
#define TIME_LENGTH 9  /* T08:08:13 */

static bool take_digits(struct view text, size_t at, int64_t least_beyond) {
  int64_t number;
  return num_integer((struct view){text.at + at, 2}, &number) && number < least_beyond;
}

/* `text` begins with T08:08:13, or with a space for the T. */
static bool begins_with_time(struct view text) {
  return text.length >= TIME_LENGTH && (text.at[0] == 'T' || text.at[0] == ' ') &&
         take_digits(text, 1, 24) && text.at[3] == ':' && take_digits(text, 4, 60) &&
         text.at[6] == ':' && take_digits(text, 7, 60);
}

/* `zone` is Z, or a fraction and Z. */
static bool is_utc(struct view zone) {
  size_t at = 0;
  if (view_starts(zone, VIEW(".")) && zone.length > 2)
    for (at = 1; at < zone.length && num_is_digit(zone.at[at]);)
      at++;
  return view_is(view_from(zone, at), "Z");
}

struct day day_read(struct view text) {
  struct day result = {DAY_NONE, 0};
  struct view time = view_from(text, DATE_LENGTH);
  if (!num_date(view_first(text, DATE_LENGTH), &result.day))
    return result;
  if (time.length == 0)
    result.form = DAY_ALONE;
  else if (begins_with_time(time))
    result.form = time.at[0] == 'T' && is_utc(view_from(time, TIME_LENGTH)) ? DAY_UTC : DAY_OTHER;
  return result;
}

/* No two places are more than 26 hours apart (UTC-12 to UTC+14), so that times on days with another
 * day between them keep their order whatever their zones. */
static enum order between_days(int32_t a, int32_t b, int32_t least) {
  int64_t distance = (int64_t)a - b;
  if (distance <= -least)
    return ORDER_LESS;
  return distance >= least ? ORDER_GREATER : ORDER_UNKNOWN;
}

static int32_t least_distance(enum day_form form) {
  return form == DAY_OTHER ? 3 : 1;
}

enum order day_against(struct day row, int32_t bound) {
  if (row.form == DAY_NONE)
    return ORDER_UNKNOWN;
  if (row.form == DAY_ALONE && row.day == bound)
    return ORDER_EQUAL;
  return between_days(row.day, bound, least_distance(row.form));
}

/* A day begins 12 hours later, or 14 hours earlier, than that of UTC at most. */
enum order day_against_anywhere(struct day row, int32_t bound) {
  if (row.form == DAY_NONE)
    return ORDER_UNKNOWN;
  return between_days(row.day, bound, least_distance(row.form) + 1);
}

static int32_t greater(int32_t a, int32_t b) {
  return a > b ? a : b;
}

/* Two times of UTC on one day: by their seconds; fractions are only comparable where both have the
 * same number of digits. */
static enum order times_order(struct view a, struct view b) {
  size_t seconds = DATE_LENGTH + TIME_LENGTH;
  int order = view_order(view_first(a, seconds), view_first(b, seconds));
  return order || a.length == b.length ? order_of(order ? order : view_order(a, b)) : ORDER_UNKNOWN;
}

enum order day_order(struct view a, struct view b) {
  struct day left = day_read(a), right = day_read(b);
  if (view_equal(a, b))
    return ORDER_EQUAL;
  if (left.form == DAY_NONE || right.form == DAY_NONE)
    return ORDER_UNKNOWN;
  if (left.form == DAY_UTC && right.form == DAY_UTC && left.day == right.day)
    return times_order(a, b);
  return between_days(left.day, right.day,
                      greater(least_distance(left.form), least_distance(right.form)));
}

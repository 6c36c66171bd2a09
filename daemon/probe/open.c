/* The points that Ahrefs does not document. */
#include "probe/judge.h"

#include <inttypes.h>

#define MIDNIGHT_NEAR "T01:00:00Z" /* the earliest link of a sample is before that in its day, */
#define MIDNIGHT_NEXT "T23:00:00Z" /* and the latest behind that; otherwise zones cannot be told */
#define FEW_PAIRS 5                /* rows beside each other that may be in order by chance */

static bool is_found(const struct verdict_facts *facts, enum ask ask) {
  return reading_count(&facts->readings[ask]) > 0;
}

struct verdict judge_EMPTY(const struct verdict_facts *facts) {
  const struct reading *empty = &facts->readings[ASK_EMPTY];
  if (reading_count(empty) != 0 || empty->costs.total < 0)
    return verdict_say(VERDICT_UNCLEAR, "the answer has rows, or no list price");
  return verdict_say(empty->costs.total ? VERDICT_YES : VERDICT_NO,
                     "%" PRId64 " units by upstream's list", empty->costs.total);
}

/* True if a sample reaches near to both ends of a day. */
static bool spans_day(const struct reading *sample, const char *column) {
  const char *early = reading_string(sample, ask_earliest(sample, column, false), column);
  const char *late = reading_string(sample, ask_latest(sample, column), column);
  return early && late && strcmp(early + READING_DAY, MIDNIGHT_NEAR) < 0 &&
         strcmp(late + READING_DAY, MIDNIGHT_NEXT) > 0;
}

struct verdict judge_SINCE(const struct verdict_facts *facts) {
  bool early = is_found(facts, ASK_SINCE_EARLY), late = is_found(facts, ASK_SINCE_LATE);
  if (!is_found(facts, ASK_SINCE_CONTROL))
    return verdict_say(VERDICT_UNCLEAR, "a link cannot be asked for by its last_seen");
  if (is_found(facts, ASK_SINCE_NEXT))
    return verdict_say(VERDICT_UNCLEAR,
                       "its days begin before midnight UTC: since:D includes a part of "
                       "the day before D");
  if (!early && late)
    return verdict_say(VERDICT_UNCLEAR,
                       "it includes only a later part of D: its days do not begin at "
                       "midnight UTC");
  if (!spans_day(&facts->readings[ASK_LOST], "last_seen"))
    return verdict_say(VERDICT_UNCLEAR, "the sample has no links that were lost near to midnight");
  return verdict_yes_if(early, "from midnight UTC on, to the hour",
                        "what was lost on D, by UTC, is left out");
}

struct verdict judge_DAY(const struct verdict_facts *facts) {
  if (!is_found(facts, ASK_DAY_CONTROL))
    return verdict_say(VERDICT_UNCLEAR, "a link cannot be asked for by its first_seen_link");
  if (is_found(facts, ASK_DAY_BEFORE))
    return verdict_say(VERDICT_NO, "gte D begins before midnight UTC");
  if (!is_found(facts, ASK_DAY_FROM))
    return verdict_say(VERDICT_NO, "gte D begins after midnight UTC");
  if (is_found(facts, ASK_DAY_TO))
    return verdict_say(VERDICT_NO, "gte D begins at midnight UTC, but lte D reaches into the day");
  if (!spans_day(&facts->readings[ASK_SAMPLE], "first_seen_link"))
    return verdict_say(VERDICT_UNCLEAR, "the sample has no links that were found near to midnight");
  return verdict_say(VERDICT_YES, "for gte and lte, to the hour");
}

static bool begins_with_null(const struct reading *reading) {
  yajl_val value = reading_value(reading, 0, "last_seen");
  return value && YAJL_IS_NULL(value);
}

static bool has_null(const struct reading *sample) {
  for (int64_t i = 0; i < reading_count(sample); i++) {
    yajl_val value = reading_value(sample, i, "last_seen");
    if (value && YAJL_IS_NULL(value))
      return true;
  }
  return false;
}

struct verdict judge_NULLS(const struct verdict_facts *facts) {
  const struct reading *up = &facts->readings[ASK_NULLS_UP];
  const struct reading *down = &facts->readings[ASK_NULLS_DOWN];
  bool can_tell = has_null(&facts->readings[ASK_SAMPLE]) && is_found(facts, ASK_LOST);
  if (!can_tell || !is_found(facts, ASK_NULLS_UP) || !is_found(facts, ASK_NULLS_DOWN))
    return verdict_say(VERDICT_UNCLEAR, "the sample has no nulls in last_seen, or nothing else");
  bool first_up = begins_with_null(up), first_down = begins_with_null(down);
  if (first_up && first_down)
    return verdict_say(VERDICT_NO, "they stand first, whatever the direction");
  if (first_up || first_down)
    return verdict_say(VERDICT_NO, "they sort as the %s value", first_up ? "least" : "greatest");
  return verdict_say(VERDICT_YES, "in both directions");
}

static bool is_same_key(const struct reading *reading, int64_t row) {
  yajl_val before = reading_value(reading, row - 1, "is_nofollow");
  yajl_val value = reading_value(reading, row, "is_nofollow");
  return before && value && before->type == value->type;
}

/* Adds the rows whose first key equals that of the row before, and whose second key differs; and
 * those of them that are in order (`sign` -1: downwards). */
static void count_pairs(const struct reading *reading, int sign, int64_t *pairs, int64_t *ordered) {
  for (int64_t row = 1; row < reading_count(reading); row++) {
    const char *before = reading_string(reading, row - 1, "first_seen_link");
    const char *time = reading_string(reading, row, "first_seen_link");
    int order = before && time && is_same_key(reading, row) ? strcmp(before, time) : 0;
    *pairs += order != 0;
    *ordered += sign * order < 0;
  }
}

struct verdict judge_SECOND(const struct verdict_facts *facts) {
  int64_t up = 0, down = 0, ordered_up = 0, ordered_down = 0;
  count_pairs(&facts->readings[ASK_SECOND_UP], 1, &up, &ordered_up);
  count_pairs(&facts->readings[ASK_SECOND_DOWN], -1, &down, &ordered_down);
  if (up < FEW_PAIRS || down < FEW_PAIRS)
    return verdict_say(VERDICT_UNCLEAR, "the answers have too few rows with equal keys");
  return verdict_say(up == ordered_up && down == ordered_down ? VERDICT_YES : VERDICT_NO,
                     "of rows with equal first keys, %" PRId64 " of %" PRId64
                     " are in order upwards, "
                     "%" PRId64 " of %" PRId64 " downwards",
                     ordered_up, up, ordered_down, down);
}

static bool is_same_row(const struct reading *one, const struct reading *other, int64_t row) {
  const char *left = reading_string(one, row, "url_from");
  const char *right = reading_string(other, row, "url_from");
  return left && right && strcmp(left, right) == 0;
}

struct verdict judge_TIES(const struct verdict_facts *facts) {
  const struct reading *one = &facts->readings[ASK_TIES], *other = &facts->readings[ASK_TIES_AGAIN];
  int64_t rows = reading_count(one), same = 0;
  if (rows < FEW_PAIRS || reading_count(other) != rows)
    return verdict_say(VERDICT_UNCLEAR, "the answers have too few rows, or differ in number");
  for (int64_t row = 0; row < rows; row++)
    same += is_same_row(one, other, row);
  return verdict_say(same == rows ? VERDICT_YES : VERDICT_NO,
                     "%" PRId64 " of %" PRId64 " rows stand at the same place in two answers", same,
                     rows);
}

/* --- the case of letters --- */

/* True if the link that was asked for came; another one of the same page may come, too. */
static bool did_come(const struct verdict_facts *facts, enum ask ask) {
  const struct reading *sample = &facts->readings[ASK_SAMPLE], *reading = &facts->readings[ask];
  const char *anchor = reading_string(sample, ask_lettered(sample), "anchor");
  for (int64_t row = 0; row < reading_count(reading); row++) {
    const char *other = reading_string(reading, row, "anchor");
    if (anchor && other && strcmp(anchor, other) == 0)
      return true;
  }
  return false;
}

static struct verdict judge_case(const struct verdict_facts *facts, enum ask control, enum ask ask,
                                 bool is_minded) {
  if (!did_come(facts, control))
    return verdict_say(VERDICT_UNCLEAR,
                       "the link cannot be found in the case of its letters either");
  bool minds = !did_come(facts, ask);
  return verdict_say(minds == is_minded ? VERDICT_YES : VERDICT_NO,
                     "a link is %s by its anchor in the "
                     "other case",
                     minds ? "not found" : "found");
}

struct verdict judge_EQ(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_EQ, true);
}

struct verdict judge_SUBSTRING(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_SUBSTRING, true);
}

struct verdict judge_ISUBSTRING(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_ISUBSTRING, false);
}

struct verdict judge_PHRASE(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_PHRASE_CONTROL, ASK_PHRASE, true);
}

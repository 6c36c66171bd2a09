#include "probe/verdict.h"

#include "base/num.h"
#include "query/endpoint.h"
#include "translate/translate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const struct probe_row probe_rows[PROBES] = {
#define PROBE(name, word, api, need, statement) {word, statement, PROBE_##api, PROBE_##need},
#include "tables/probes.def"
#undef PROBE
};

#define MIDNIGHT_NEAR "T01:00:00Z" /* the earliest link of a sample is before that in its day, */
#define MIDNIGHT_NEXT "T23:00:00Z" /* and the latest behind that; otherwise zones cannot be told */
#define FEW_PAIRS 5                /* rows beside each other that may be in order by chance */

PRINTF_LIKE(2, 3)
static struct verdict say(enum verdict_kind kind, const char *format, ...) {
  struct verdict verdict = {.kind = kind};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(verdict.words, sizeof verdict.words, format, arguments);
  va_end(arguments);
  return verdict;
}

static struct verdict yes_if(bool is_so, const char *yes, const char *no) {
  return say(is_so ? VERDICT_YES : VERDICT_NO, "%s", is_so ? yes : no);
}

/* --- the account --- */

static struct verdict judge_REACHED(const struct verdict_facts *facts) {
  const struct reading *account = &facts->readings[ASK_ACCOUNT];
  if (account->state == READING_FAILED)
    return say(VERDICT_NO, "%s", account->fault.text);
  if (facts->is_exposed)
    return say(VERDICT_NO, "it answers, but tokens cross the network in the clear: use https in "
                           "upstream.url");
  return say(VERDICT_YES, "%s",
             facts->is_tls ? "over TLS, with a certificate that is trusted"
                           : "without TLS, but on this machine");
}

static struct verdict judge_IN_SERVICE(const struct verdict_facts *facts) {
  return yes_if(!facts->is_discontinued, "nothing says so",
                "it says that the API is discontinued: set upstream.api = v3, and a key of v3");
}

static struct verdict judge_KEY(const struct verdict_facts *facts) {
  const struct reading *account = &facts->readings[ASK_ACCOUNT];
  if (account->state == READING_FAILED)
    return say(VERDICT_UNCLEAR, "there was no answer");
  if (facts->standing == DIALECT_TOKEN_UNJUDGED)
    return say(VERDICT_UNCLEAR, "the answer, with status %u, does not tell: %s", account->status,
               account->fault.text);
  return yes_if(facts->standing == DIALECT_TOKEN_ACCEPTED, "accepted", "it is not accepted");
}

static void add_day(struct verdict *verdict, const struct reading *account, const char *member,
                    const char *words) {
  const char *day = reading_account(account, member);
  size_t length = strlen(verdict->words);
  if (day)
    snprintf(verdict->words + length, sizeof verdict->words - length, "%s%.10s", words, day);
}

static struct verdict judge_PLAN(const struct verdict_facts *facts) {
  const struct dialect_subscription *account = &facts->account;
  const struct reading *reading = &facts->readings[ASK_ACCOUNT];
  const char *what = account->left.currency == CURRENCY_UNITS ? "units" : "rows";
  struct verdict verdict;
  if (!facts->has_account)
    return say(VERDICT_UNCLEAR, "the answer does not tell");
  if (!account->has_left)
    verdict = say(VERDICT_YES, "%s, without a limit of %s", account->plan, what);
  else
    verdict = say(amount_is_zero(account->left) || amount_is_negative(account->left) ? VERDICT_NO
                                                                                     : VERDICT_YES,
                  "%s%s%s of %s %s left", account->plan, *account->plan ? ": " : "",
                  AMOUNT_TEXT(account->left), AMOUNT_TEXT(account->limit), what);
  add_day(&verdict, reading, "usage_reset_date", ", new ones on ");
  add_day(&verdict, reading, "api_key_expiration_date", "; the key ends on ");
  return verdict;
}

bool verdict_is_free_plan(const struct verdict_facts *facts) {
  struct view plan = view_of(facts->account.plan), word;
  while (view_split(&plan, ' ', &word)) {
    struct view bare = word;
    while (bare.length && !num_is_alpha(bare.at[bare.length - 1]))
      bare.length--;
    if (num_same_word(bare, VIEW("Free")))
      return facts->has_account;
  }
  return false;
}

/* --- the mapping --- */

static struct verdict judge_FREE(const struct verdict_facts *facts) {
  if (verdict_is_free_plan(facts))
    return say(VERDICT_NO, "they are not with a plan that is not paid for");
  for (enum ask ask = ASK_CANARY; ask < ASKS; ask++) {
    const struct reading *reading = &facts->readings[ask];
    if (reading->state == READING_SOUND && reading->costs.actual > 0)
      return say(VERDICT_NO, "one cost %" PRId64 " units", reading->costs.actual);
    if (reading->state == READING_SOUND && reading->costs.actual < 0)
      return say(VERDICT_UNCLEAR, "an answer does not say what it cost");
  }
  if (facts->readings[ASK_CANARY].costs.is_kept)
    return say(VERDICT_UNCLEAR, "the answer came out of upstream's own cache");
  return say(VERDICT_YES, "the answers say so");
}

static struct verdict judge_COLUMNS(const struct verdict_facts *facts) {
  const struct reading *list = &facts->readings[ASK_COLUMNS];
  struct verdict verdict = say(VERDICT_NO, "it lacks ");
  size_t count = 0, lacking = 0;
  if (list->state != READING_REFUSED || !reading_names(list, VIEW("url_from")))
    return say(VERDICT_UNCLEAR, "the answer, with status %u, lists no columns", list->status);
  for (; ask_mapping[count]; count++) {
    if (ask_has_column(facts->readings, ask_mapping[count]))
      continue;
    size_t length = strlen(verdict.words);
    snprintf(verdict.words + length, sizeof verdict.words - length, "%s%s", lacking ? ", " : "",
             ask_mapping[count]);
    lacking++;
  }
  return lacking ? verdict : say(VERDICT_YES, "all %zu", count);
}

static struct verdict judge_PRICE(const struct verdict_facts *facts) {
  const struct reading *sample = &facts->readings[ASK_SAMPLE];
  int64_t rows = reading_count(sample);
  if (rows < 0 || sample->costs.total < 0)
    return say(VERDICT_UNCLEAR, "the answer does not tell its list price");
  struct amount ours = tariff_cost(&sample->tariff, rows);
  struct amount theirs = amount_of_units(UNITS(sample->costs.total));
  bool is_same = amount_order(ours, theirs) == 0;
  return say(is_same ? VERDICT_YES : VERDICT_NO,
             "%" PRId64 " rows: %s units by upstream's list, %s by rowcache's", rows,
             AMOUNT_TEXT(theirs), AMOUNT_TEXT(ours));
}

static bool is_date(const char *text) {
  int32_t day;
  return num_date(view_of(text), &day);
}

static bool fits(const struct endpoint_column *column, yajl_val value) {
  if (YAJL_IS_NULL(value))
    return column->nullable;
  switch (column->type) {
  case ENDPOINT_INT:
    return YAJL_IS_INTEGER(value);
  case ENDPOINT_FLOAT:
    return YAJL_IS_NUMBER(value);
  case ENDPOINT_BOOLEAN:
    return YAJL_IS_TRUE(value) || YAJL_IS_FALSE(value);
  case ENDPOINT_TIME:
    return YAJL_IS_STRING(value) && reading_is_time(YAJL_GET_STRING(value));
  case ENDPOINT_DATE:
    return YAJL_IS_STRING(value) && is_date(YAJL_GET_STRING(value));
  case ENDPOINT_STRING:
    return YAJL_IS_STRING(value);
  case ENDPOINT_ARRAY:
    return YAJL_IS_ARRAY(value);
  }
  return false;
}

/* The first column of a row that does not fit; NULL: all do. */
static const char *misfit(const struct verdict_facts *facts, const struct endpoint *endpoint,
                          int64_t row) {
  const struct reading *sample = &facts->readings[ASK_SAMPLE];
  for (size_t i = 0; ask_mapping[i]; i++) {
    const struct endpoint_column *column = endpoint_column(endpoint, view_of(ask_mapping[i]));
    yajl_val value = reading_value(sample, row, ask_mapping[i]);
    if (ask_has_column(facts->readings, ask_mapping[i]) && (!value || !fits(column, value)))
      return ask_mapping[i];
  }
  return NULL;
}

static struct verdict judge_TYPES(const struct verdict_facts *facts) {
  const struct endpoint *endpoint = endpoint_find(VIEW(ASK_ENDPOINT));
  int64_t rows = reading_count(&facts->readings[ASK_SAMPLE]);
  for (int64_t row = 0; row < rows; row++) {
    const char *column = misfit(facts, endpoint, row);
    if (column)
      return say(VERDICT_NO, "%s is missing, or of another type, in row %" PRId64, column, row + 1);
  }
  return rows > 0 ? say(VERDICT_YES, "in all %" PRId64 " rows", rows)
                  : say(VERDICT_UNCLEAR, "the answer has no rows");
}

static struct verdict judge_CAP(const struct verdict_facts *facts) {
  int64_t rows = reading_count(&facts->readings[ASK_SAMPLE]);
  int64_t cap = facts->max_rows ? facts->max_rows : facts->account.cap;
  int64_t expected = cap > 0 && cap < ASK_ROWS ? cap : ASK_ROWS;
  const char *source = facts->max_rows ? "upstream.max_rows" : "the plan's name";
  if (rows < 0)
    return say(VERDICT_UNCLEAR, "the answer has no rows");
  if (rows != expected)
    return say(VERDICT_NO,
               "%" PRId64 " rows came, not the %" PRId64 " of %s: is upstream.max_rows = %" PRId64
               " right?",
               rows, expected, source, rows);
  if (cap < 0)
    return say(VERDICT_UNCLEAR,
               "the plan's name is not known: set upstream.max_rows to the rows that it gives at "
               "once");
  if (cap == 0)
    return say(VERDICT_YES, "the plan has no cap");
  return say(VERDICT_YES, "%" PRId64 " by %s; up to %d can be tried free of charge", cap, source,
             ASK_ROWS);
}

/* Reads a page as a translation does. */
static bool read_page(const struct verdict_facts *facts, struct fault *fault) {
  struct view body = view_of(facts->readings[ASK_PAGE].body);
  struct ask_translation made;
  bool ok = ask_translate(facts->today, &made) && translate_feed(made.translation, body, fault) &&
            translate_end_page(made.translation, fault);
  ask_end_translation(&made);
  return ok;
}

static struct verdict judge_TRANSLATION(const struct verdict_facts *facts) {
  struct fault fault = {.text = "there is no memory for it"};
  if (!read_page(facts, &fault))
    return say(VERDICT_NO, "%s", fault.text);
  return say(VERDICT_YES, "a first page of %" PRId64 " rows",
             reading_count(&facts->readings[ASK_PAGE]));
}

/* --- what Ahrefs does not document --- */

static bool is_found(const struct verdict_facts *facts, enum ask ask) {
  return reading_count(&facts->readings[ask]) > 0;
}

static struct verdict judge_EMPTY(const struct verdict_facts *facts) {
  const struct reading *empty = &facts->readings[ASK_EMPTY];
  if (reading_count(empty) != 0 || empty->costs.total < 0)
    return say(VERDICT_UNCLEAR, "the answer has rows, or no list price");
  return say(empty->costs.total ? VERDICT_YES : VERDICT_NO, "%" PRId64 " units by upstream's list",
             empty->costs.total);
}

/* True if a sample reaches near to both ends of a day. */
static bool spans_day(const struct reading *sample, const char *column) {
  const char *early = reading_string(sample, ask_earliest(sample, column, false), column);
  const char *late = reading_string(sample, ask_latest(sample, column), column);
  return early && late && strcmp(early + READING_DAY, MIDNIGHT_NEAR) < 0 &&
         strcmp(late + READING_DAY, MIDNIGHT_NEXT) > 0;
}

static struct verdict judge_SINCE(const struct verdict_facts *facts) {
  bool early = is_found(facts, ASK_SINCE_EARLY), late = is_found(facts, ASK_SINCE_LATE);
  if (!is_found(facts, ASK_SINCE_CONTROL))
    return say(VERDICT_UNCLEAR, "a link cannot be asked for by its last_seen");
  if (is_found(facts, ASK_SINCE_NEXT))
    return say(VERDICT_UNCLEAR, "its days begin before midnight UTC: since:D includes a part of "
                                "the day before D");
  if (!early && late)
    return say(VERDICT_UNCLEAR, "it includes only a later part of D: its days do not begin at "
                                "midnight UTC");
  if (!spans_day(&facts->readings[ASK_LOST], "last_seen"))
    return say(VERDICT_UNCLEAR, "the sample has no links that were lost near to midnight");
  return yes_if(early, "from midnight UTC on, to the hour",
                "what was lost on D, by UTC, is left out");
}

static struct verdict judge_DAY(const struct verdict_facts *facts) {
  if (!is_found(facts, ASK_DAY_CONTROL))
    return say(VERDICT_UNCLEAR, "a link cannot be asked for by its first_seen_link");
  if (is_found(facts, ASK_DAY_BEFORE))
    return say(VERDICT_NO, "gte D begins before midnight UTC");
  if (!is_found(facts, ASK_DAY_FROM))
    return say(VERDICT_NO, "gte D begins after midnight UTC");
  if (is_found(facts, ASK_DAY_TO))
    return say(VERDICT_NO, "gte D begins at midnight UTC, but lte D reaches into the day");
  if (!spans_day(&facts->readings[ASK_SAMPLE], "first_seen_link"))
    return say(VERDICT_UNCLEAR, "the sample has no links that were found near to midnight");
  return say(VERDICT_YES, "for gte and lte, to the hour");
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

static struct verdict judge_NULLS(const struct verdict_facts *facts) {
  const struct reading *up = &facts->readings[ASK_NULLS_UP];
  const struct reading *down = &facts->readings[ASK_NULLS_DOWN];
  bool can_tell = has_null(&facts->readings[ASK_SAMPLE]) && is_found(facts, ASK_LOST);
  if (!can_tell || !is_found(facts, ASK_NULLS_UP) || !is_found(facts, ASK_NULLS_DOWN))
    return say(VERDICT_UNCLEAR, "the sample has no nulls in last_seen, or nothing else");
  bool first_up = begins_with_null(up), first_down = begins_with_null(down);
  if (first_up && first_down)
    return say(VERDICT_NO, "they stand first, whatever the direction");
  if (first_up || first_down)
    return say(VERDICT_NO, "they sort as the %s value", first_up ? "least" : "greatest");
  return say(VERDICT_YES, "in both directions");
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

static struct verdict judge_SECOND(const struct verdict_facts *facts) {
  int64_t up = 0, down = 0, ordered_up = 0, ordered_down = 0;
  count_pairs(&facts->readings[ASK_SECOND_UP], 1, &up, &ordered_up);
  count_pairs(&facts->readings[ASK_SECOND_DOWN], -1, &down, &ordered_down);
  if (up < FEW_PAIRS || down < FEW_PAIRS)
    return say(VERDICT_UNCLEAR, "the answers have too few rows with equal keys");
  return say(up == ordered_up && down == ordered_down ? VERDICT_YES : VERDICT_NO,
             "of rows with equal first keys, %" PRId64 " of %" PRId64 " are in order upwards, "
             "%" PRId64 " of %" PRId64 " downwards",
             ordered_up, up, ordered_down, down);
}

static bool is_same_row(const struct reading *one, const struct reading *other, int64_t row) {
  const char *left = reading_string(one, row, "url_from");
  const char *right = reading_string(other, row, "url_from");
  return left && right && strcmp(left, right) == 0;
}

static struct verdict judge_TIES(const struct verdict_facts *facts) {
  const struct reading *one = &facts->readings[ASK_TIES], *other = &facts->readings[ASK_TIES_AGAIN];
  int64_t rows = reading_count(one), same = 0;
  if (rows < FEW_PAIRS || reading_count(other) != rows)
    return say(VERDICT_UNCLEAR, "the answers have too few rows, or differ in number");
  for (int64_t row = 0; row < rows; row++)
    same += is_same_row(one, other, row);
  return say(same == rows ? VERDICT_YES : VERDICT_NO,
             "%" PRId64 " of %" PRId64 " rows stand at the same place in two answers", same, rows);
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
    return say(VERDICT_UNCLEAR, "the link cannot be found in the case of its letters either");
  bool minds = !did_come(facts, ask);
  return say(minds == is_minded ? VERDICT_YES : VERDICT_NO,
             "a link is %s by its anchor in the "
             "other case",
             minds ? "not found" : "found");
}

static struct verdict judge_EQ(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_EQ, true);
}

static struct verdict judge_SUBSTRING(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_SUBSTRING, true);
}

static struct verdict judge_ISUBSTRING(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_CASE_CONTROL, ASK_ISUBSTRING, false);
}

static struct verdict judge_PHRASE(const struct verdict_facts *facts) {
  return judge_case(facts, ASK_PHRASE_CONTROL, ASK_PHRASE, true);
}

/* --- all of them --- */

#define NEEDS(ask) (1u << (ask))
_Static_assert(ASKS <= 32, "a bit for each");

/* The readings that a probe needs sound. Those that it can do without are not listed. */
static const struct {
  struct verdict (*judge)(const struct verdict_facts *facts);
  unsigned needs;
} judges[PROBES] = {
    [PROBE_REACHED] = {judge_REACHED, 0},
    [PROBE_IN_SERVICE] = {judge_IN_SERVICE, 0},
    [PROBE_KEY] = {judge_KEY, 0},
    [PROBE_PLAN] = {judge_PLAN, NEEDS(ASK_ACCOUNT)},
    [PROBE_FREE] = {judge_FREE, NEEDS(ASK_CANARY)},
    [PROBE_COLUMNS] = {judge_COLUMNS, 0},
    [PROBE_PRICE] = {judge_PRICE, NEEDS(ASK_SAMPLE)},
    [PROBE_TYPES] = {judge_TYPES, NEEDS(ASK_SAMPLE)},
    [PROBE_TRANSLATION] = {judge_TRANSLATION, NEEDS(ASK_PAGE)},
    [PROBE_CAP] = {judge_CAP, NEEDS(ASK_SAMPLE)},
    [PROBE_EMPTY] = {judge_EMPTY, NEEDS(ASK_EMPTY)},
    [PROBE_SINCE] = {judge_SINCE, NEEDS(ASK_LOST) | NEEDS(ASK_SINCE_CONTROL) |
                                      NEEDS(ASK_SINCE_EARLY) | NEEDS(ASK_SINCE_LATE) |
                                      NEEDS(ASK_SINCE_NEXT)},
    [PROBE_DAY] = {judge_DAY, NEEDS(ASK_SAMPLE) | NEEDS(ASK_DAY_CONTROL) | NEEDS(ASK_DAY_FROM) |
                                  NEEDS(ASK_DAY_BEFORE) | NEEDS(ASK_DAY_TO)},
    [PROBE_NULLS] = {judge_NULLS, NEEDS(ASK_SAMPLE) | NEEDS(ASK_LOST) | NEEDS(ASK_NULLS_UP) |
                                      NEEDS(ASK_NULLS_DOWN)},
    [PROBE_SECOND] = {judge_SECOND, NEEDS(ASK_SECOND_UP) | NEEDS(ASK_SECOND_DOWN)},
    [PROBE_TIES] = {judge_TIES, NEEDS(ASK_TIES) | NEEDS(ASK_TIES_AGAIN)},
    [PROBE_EQ] = {judge_EQ, NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_EQ)},
    [PROBE_SUBSTRING] = {judge_SUBSTRING,
                         NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_SUBSTRING)},
    [PROBE_ISUBSTRING] = {judge_ISUBSTRING,
                          NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_ISUBSTRING)},
    [PROBE_PHRASE] = {judge_PHRASE,
                      NEEDS(ASK_SAMPLE) | NEEDS(ASK_PHRASE_CONTROL) | NEEDS(ASK_PHRASE)},
};

static struct verdict of_unsound(const struct verdict_facts *facts, const struct reading *reading) {
  switch (reading->state) {
  case READING_UNASKED:
    return say(VERDICT_UNASKED, "%s", facts->why);
  case READING_SKIPPED:
    return say(VERDICT_UNCLEAR, "the sample has no rows that could be asked about");
  case READING_REFUSED:
    return say(VERDICT_UNCLEAR, "upstream answered with status %u: %.300s", reading->status,
               reading->fault.text);
  case READING_FAILED:
  case READING_SOUND:
    break;
  }
  return say(VERDICT_UNCLEAR, "%s", reading->fault.text);
}

/* FREE has its word also where the plan keeps its request from being asked. */
struct verdict verdict_of(enum probe probe, const struct verdict_facts *facts) {
  bool is_decided = probe == PROBE_FREE && verdict_is_free_plan(facts);
  for (enum ask ask = 0; ask < ASKS && !is_decided; ask++) {
    const struct reading *reading = &facts->readings[ask];
    if (judges[probe].needs & NEEDS(ask) && reading->state != READING_SOUND)
      return of_unsound(facts, reading);
  }
  if (probe == PROBE_COLUMNS && facts->readings[ASK_COLUMNS].state == READING_UNASKED)
    return say(VERDICT_UNASKED, "%s", facts->why);
  return judges[probe].judge(facts);
}

/* The points without which rowcache cannot work. */
#include "probe/judge.h"

#include "base/num.h"
#include "query/endpoint.h"
#include "translate/translate.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the account --- */

struct verdict judge_REACHED(const struct verdict_facts *facts) {
  const struct reading *account = &facts->readings[ASK_ACCOUNT];
  if (account->state == READING_FAILED)
    return verdict_say(VERDICT_NO, "%s", account->fault.text);
  if (facts->is_exposed)
    return verdict_say(VERDICT_NO,
                       "it answers, but tokens cross the network in the clear: use https in "
                       "upstream.url");
  return verdict_say(VERDICT_YES, "%s",
                     facts->is_tls ? "over TLS, with a certificate that is trusted"
                                   : "without TLS, but on this machine");
}

struct verdict judge_IN_SERVICE(const struct verdict_facts *facts) {
  return verdict_yes_if(
      !facts->is_discontinued, "nothing says so",
      "it says that the API is discontinued: set upstream.api = v3, and a key of v3");
}

struct verdict judge_KEY(const struct verdict_facts *facts) {
  const struct reading *account = &facts->readings[ASK_ACCOUNT];
  if (account->state == READING_FAILED)
    return verdict_say(VERDICT_UNCLEAR, "there was no answer");
  if (facts->standing == DIALECT_TOKEN_UNJUDGED)
    return verdict_say(VERDICT_UNCLEAR, "the answer, with status %u, does not tell: %s",
                       account->status, account->fault.text);
  return verdict_yes_if(facts->standing == DIALECT_TOKEN_ACCEPTED, "accepted",
                        "it is not accepted");
}

static void add_day(struct verdict *verdict, const struct reading *account, const char *member,
                    const char *words) {
  const char *day = reading_account(account, member);
  size_t length = strlen(verdict->words);
  if (day)
    snprintf(verdict->words + length, sizeof verdict->words - length, "%s%.10s", words, day);
}

struct verdict judge_PLAN(const struct verdict_facts *facts) {
  const struct dialect_subscription *account = &facts->account;
  const struct reading *reading = &facts->readings[ASK_ACCOUNT];
  const char *what = account->left.currency == CURRENCY_UNITS ? "units" : "rows";
  struct verdict verdict;
  if (!facts->has_account)
    return verdict_say(VERDICT_UNCLEAR, "the answer does not tell");
  if (!account->has_left)
    verdict = verdict_say(VERDICT_YES, "%s, without a limit of %s", account->plan, what);
  else
    verdict = verdict_say(amount_is_zero(account->left) || amount_is_negative(account->left)
                              ? VERDICT_NO
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

struct verdict judge_FREE(const struct verdict_facts *facts) {
  if (verdict_is_free_plan(facts))
    return verdict_say(VERDICT_NO, "they are not with a plan that is not paid for");
  for (enum ask ask = ASK_CANARY; ask < ASKS; ask++) {
    const struct reading *reading = &facts->readings[ask];
    if (reading->state == READING_SOUND && reading->costs.actual > 0)
      return verdict_say(VERDICT_NO, "one cost %" PRId64 " units", reading->costs.actual);
    if (reading->state == READING_SOUND && reading->costs.actual < 0)
      return verdict_say(VERDICT_UNCLEAR, "an answer does not say what it cost");
  }
  if (facts->readings[ASK_CANARY].costs.is_kept)
    return verdict_say(VERDICT_UNCLEAR, "the answer came out of upstream's own cache");
  return verdict_say(VERDICT_YES, "the answers say so");
}

struct verdict judge_COLUMNS(const struct verdict_facts *facts) {
  const struct reading *list = &facts->readings[ASK_COLUMNS];
  struct verdict verdict = verdict_say(VERDICT_NO, "it lacks ");
  size_t count = 0, lacking = 0;
  if (list->state != READING_REFUSED || !reading_names(list, VIEW("url_from")))
    return verdict_say(VERDICT_UNCLEAR, "the answer, with status %u, lists no columns",
                       list->status);
  for (; ask_mapping[count]; count++) {
    if (ask_has_column(facts->readings, ask_mapping[count]))
      continue;
    size_t length = strlen(verdict.words);
    snprintf(verdict.words + length, sizeof verdict.words - length, "%s%s", lacking ? ", " : "",
             ask_mapping[count]);
    lacking++;
  }
  return lacking ? verdict : verdict_say(VERDICT_YES, "all %zu", count);
}

struct verdict judge_PRICE(const struct verdict_facts *facts) {
  const struct reading *sample = &facts->readings[ASK_SAMPLE];
  int64_t rows = reading_count(sample);
  if (rows < 0 || sample->costs.total < 0)
    return verdict_say(VERDICT_UNCLEAR, "the answer does not tell its list price");
  struct amount ours = tariff_cost(&sample->tariff, rows);
  struct amount theirs = amount_of_units(UNITS(sample->costs.total));
  bool is_same = amount_order(ours, theirs) == 0;
  return verdict_say(is_same ? VERDICT_YES : VERDICT_NO,
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

struct verdict judge_TYPES(const struct verdict_facts *facts) {
  const struct endpoint *endpoint = endpoint_find(VIEW(ASK_ENDPOINT));
  int64_t rows = reading_count(&facts->readings[ASK_SAMPLE]);
  for (int64_t row = 0; row < rows; row++) {
    const char *column = misfit(facts, endpoint, row);
    if (column)
      return verdict_say(VERDICT_NO, "%s is missing, or of another type, in row %" PRId64, column,
                         row + 1);
  }
  return rows > 0 ? verdict_say(VERDICT_YES, "in all %" PRId64 " rows", rows)
                  : verdict_say(VERDICT_UNCLEAR, "the answer has no rows");
}

struct verdict judge_CAP(const struct verdict_facts *facts) {
  int64_t rows = reading_count(&facts->readings[ASK_SAMPLE]);
  int64_t cap = facts->max_rows ? facts->max_rows : facts->account.cap;
  int64_t expected = cap > 0 && cap < ASK_ROWS ? cap : ASK_ROWS;
  const char *source = facts->max_rows ? "upstream.max_rows" : "the plan's name";
  if (rows < 0)
    return verdict_say(VERDICT_UNCLEAR, "the answer has no rows");
  if (rows != expected)
    return verdict_say(VERDICT_NO,
                       "%" PRId64 " rows came, not the %" PRId64
                       " of %s: is upstream.max_rows = %" PRId64 " right?",
                       rows, expected, source, rows);
  if (cap < 0)
    return verdict_say(
        VERDICT_UNCLEAR,
        "the plan's name is not known: set upstream.max_rows to the rows that it gives at "
        "once");
  if (cap == 0)
    return verdict_say(VERDICT_YES, "the plan has no cap");
  return verdict_say(VERDICT_YES, "%" PRId64 " by %s; up to %d can be tried free of charge", cap,
                     source, ASK_ROWS);
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

struct verdict judge_TRANSLATION(const struct verdict_facts *facts) {
  struct fault fault = {.text = "there is no memory for it"};
  if (!read_page(facts, &fault))
    return verdict_say(VERDICT_NO, "%s", fault.text);
  return verdict_say(VERDICT_YES, "a first page of %" PRId64 " rows",
                     reading_count(&facts->readings[ASK_PAGE]));
}

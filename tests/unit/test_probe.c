/* What the answers to check-upstream's requests say. The plays of check-upstream do the rest. */
#include "probe/verdict.h"

#include "unit/fixture/unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct verdict_facts facts;

static int begin(void **state) {
  (void)state;
  facts = (struct verdict_facts){.why = "", .standing = DIALECT_TOKEN_ACCEPTED};
  return 0;
}

static int end(void **state) {
  (void)state;
  for (enum ask ask = 0; ask < ASKS; ask++)
    reading_free(&facts.readings[ask]);
  return 0;
}

static struct reading *answer(enum ask ask, const char *body) {
  struct reading *reading = &facts.readings[ask];
  reading->status = 200;
  reading_take(reading, true, strdup(body));
  return reading;
}

static void refuse(enum ask ask, unsigned status, const char *body) {
  facts.readings[ask].status = status;
  reading_take(&facts.readings[ask], false, strdup(body));
}

static void is(enum probe probe, enum verdict_kind kind, const char *words) {
  struct verdict verdict = verdict_of(probe, &facts);
  assert_int_equal(verdict.kind, kind);
  assert_non_null(strstr(verdict.words, words));
}

static const char *asked(enum ask ask) {
  static char args[4096];
  scope_text struct text out = {0};
  const struct ask_sources sources = {.readings = facts.readings, .nonce = "abc", .today = 20500};
  if (!ask_write(ask, &sources, &out))
    return NULL;
  snprintf(args, sizeof args, "%s", text_string(&out));
  return args;
}

static void times_are_read_as_v3_writes_them(void **state) {
  (void)state;
  assert_true(reading_is_time("2026-04-08T00:05:47Z"));
  assert_false(reading_is_time("2026-04-08"));
  assert_false(reading_is_time("2026-02-30T00:05:47Z"));
  assert_false(reading_is_time("2026-04-08T00:05:47+"));
  assert_false(reading_is_time("2026-04-08T00:05:47Z "));
  assert_false(reading_is_time(""));
}

static void a_column_is_a_whole_word(void **state) {
  (void)state;
  refuse(ASK_COLUMNS, 400, "{\"error\":\"column 'x' not found: url_from, url_to_plain, anchor\"}");
  assert_true(ask_has_column(facts.readings, "anchor"));
  assert_false(ask_has_column(facts.readings, "url_to"));
  assert_false(ask_has_column(facts.readings, "plain"));
  is(PROBE_COLUMNS, VERDICT_NO, "it lacks first_seen_link, last_seen, ");
  assert_string_equal(asked(ASK_SAMPLE),
                      "target=ahrefs.com&aggregation=all&select=url_from%2Canchor&limit=100");
}

static void an_error_that_lists_nothing_lacks_nothing(void **state) {
  (void)state;
  refuse(ASK_COLUMNS, 400, "{\"error\":\"no\"}");
  assert_true(ask_has_column(facts.readings, "anchor"));
  is(PROBE_COLUMNS, VERDICT_UNCLEAR, "status 400");
}

static void texts_of_upstream_are_asked_for_as_they_are(void **state) {
  (void)state;
  answer(ASK_SAMPLE, "{\"backlinks\":[{\"anchor\":\"\xc3\xa4\",\"url_from\":\"x\"},"
                     "{\"anchor\":\"a\\\"B\\\\\",\"url_from\":\"http://x/?a=b&c\"}]}");
  assert_string_equal(asked(ASK_SUBSTRING),
                      "target=ahrefs.com&aggregation=all&select=anchor%2Curl_from&limit=100&where="
                      "%7B%22and%22%3A%5B%7B%22field%22%3A%22url_from%22%2C%22is%22%3A%5B%22eq%22%"
                      "2C%22http%3A%2F%2Fx%2F%3Fa%3Db%26c%22%5D%7D%2C%7B%22field%22%3A%22anchor%22"
                      "%2C%22is%22%3A%5B%22substring%22%2C%22A%5C%22b%5C%5C%22%5D%7D%5D%7D");
}

static void without_suitable_rows_nothing_is_asked(void **state) {
  (void)state;
  answer(ASK_SAMPLE, "{\"backlinks\":[{\"anchor\":\"123\",\"url_from\":\"x\"}]}");
  answer(ASK_LOST, "{\"backlinks\":[{\"last_seen\":null},{\"last_seen\":\"yesterday\"}]}");
  assert_null(asked(ASK_SUBSTRING));
  assert_null(asked(ASK_SINCE_EARLY));
  assert_null(asked(ASK_DAY_FROM));
}

static void the_day_after_the_last_of_a_month_follows(void **state) {
  (void)state;
  answer(ASK_LOST, "{\"backlinks\":[{\"last_seen\":\"2024-02-29T23:59:59Z\"},"
                   "{\"last_seen\":\"2024-03-05T00:00:01Z\"}]}");
  assert_non_null(strstr(asked(ASK_SINCE_NEXT), "&history=since%3A2024-03-01&"));
  assert_non_null(strstr(asked(ASK_SINCE_LATE), "&history=since%3A2024-02-29&"));
  assert_non_null(strstr(asked(ASK_SINCE_EARLY), "&history=since%3A2024-03-05&"));
}

static void prices_are_compared(void **state) {
  (void)state;
  struct reading *sample = answer(ASK_SAMPLE, "{\"backlinks\":[{},{},{}]}");
  sample->tariff = (struct tariff){.fixed = amount_zero(CURRENCY_UNITS),
                                   .result = amount_of_units(UNITS(21)),
                                   .least = amount_of_units(UNITS(50)),
                                   .limit = 100};
  sample->costs.total = 63;
  is(PROBE_PRICE, VERDICT_YES, "63");
  sample->costs.total = 66;
  is(PROBE_PRICE, VERDICT_NO, "3 rows: 66 units by upstream's list, 63 by rowcache's");
  sample->costs.total = -1;
  is(PROBE_PRICE, VERDICT_UNCLEAR, "does not tell");
}

static void one_answer_with_a_price_is_one_too_many(void **state) {
  (void)state;
  answer(ASK_CANARY, "{\"backlinks\":[{}]}")->costs.actual = 0;
  is(PROBE_FREE, VERDICT_YES, "");
  answer(ASK_TIES, "{\"backlinks\":[{}]}")->costs.actual = 50;
  is(PROBE_FREE, VERDICT_NO, "one cost 50 units");
  facts.readings[ASK_TIES].costs.actual = -1;
  is(PROBE_FREE, VERDICT_UNCLEAR, "does not say");
  facts.readings[ASK_TIES].costs.actual = 0;
  facts.readings[ASK_CANARY].costs.is_kept = true;
  is(PROBE_FREE, VERDICT_UNCLEAR, "own cache");
}

static void plans_that_are_free_are_known_by_their_names(void **state) {
  static const struct {
    const char *plan;
    bool is_free;
  } plans[] = {{"Free", true},
               {"free, billed never", true},
               {"Ahrefs Free", true},
               {"Freedom", false},
               {"Standard", false},
               {"", false},
               {"Standard (free)", false}};
  (void)state;
  facts.has_account = true;
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
    snprintf(facts.account.plan, sizeof facts.account.plan, "%s", plans[i].plan);
    assert_int_equal(verdict_is_free_plan(&facts), plans[i].is_free);
  }
}

static void tokens_that_go_in_the_clear_are_a_fault(void **state) {
  (void)state;
  answer(ASK_ACCOUNT, "{}");
  facts.is_tls = true;
  is(PROBE_REACHED, VERDICT_YES, "over TLS");
  facts.is_tls = false;
  is(PROBE_REACHED, VERDICT_YES, "on this machine");
  facts.is_exposed = true;
  is(PROBE_REACHED, VERDICT_NO, "https");
}

static void what_was_not_asked_is_said_so(void **state) {
  (void)state;
  facts.why = "not asked, for this reason";
  is(PROBE_TIES, VERDICT_UNASKED, "for this reason");
  is(PROBE_COLUMNS, VERDICT_UNASKED, "for this reason");
  facts.readings[ASK_TIES].state = READING_SKIPPED;
  is(PROBE_TIES, VERDICT_UNCLEAR, "no rows");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(times_are_read_as_v3_writes_them, begin, end),
      cmocka_unit_test_setup_teardown(a_column_is_a_whole_word, begin, end),
      cmocka_unit_test_setup_teardown(an_error_that_lists_nothing_lacks_nothing, begin, end),
      cmocka_unit_test_setup_teardown(texts_of_upstream_are_asked_for_as_they_are, begin, end),
      cmocka_unit_test_setup_teardown(without_suitable_rows_nothing_is_asked, begin, end),
      cmocka_unit_test_setup_teardown(the_day_after_the_last_of_a_month_follows, begin, end),
      cmocka_unit_test_setup_teardown(prices_are_compared, begin, end),
      cmocka_unit_test_setup_teardown(one_answer_with_a_price_is_one_too_many, begin, end),
      cmocka_unit_test_setup_teardown(plans_that_are_free_are_known_by_their_names, begin, end),
      cmocka_unit_test_setup_teardown(tokens_that_go_in_the_clear_are_a_fault, begin, end),
      cmocka_unit_test_setup_teardown(what_was_not_asked_is_said_so, begin, end),
  };
  return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}

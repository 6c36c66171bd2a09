/* What is certain of a filter of v3 on a row; a comment with the name of its point in READINGS.md
 * stands above each table. */
#include "derive/filter_judge.h"
#include "rows/reader.h"

#include "unit/fixture/unit.h"

#define YES TRUTH_TRUE
#define NO TRUTH_FALSE
#define OPEN TRUTH_UNKNOWN

static const struct endpoint *endpoint;

struct judging {
  const struct filter *filter;
  enum truth truth;
};

static bool judge_one(void *context, const struct row *row) {
  struct judging *judging = context;
  judging->truth = filter_judge_row(judging->filter, endpoint, row);
  return true;
}

static void ignore(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

/* On a row in JSON. */
static enum truth judge(const struct filter *filter, const char *json) {
  static const struct reader_shape shape = {.rows = VIEW("backlinks")};
  struct judging judging = {filter, TRUTH_UNKNOWN};
  const struct reader_sink sink = {&judging, ignore, judge_one};
  scope_text struct text document = {0};
  struct reader *reader = reader_create_rows(&shape, 8, &sink);
  text_printf(&document, "{\"backlinks\":[%s]}", json);
  assert_true(reader_feed(reader, text_view(&document), NULL) && reader_finish(reader, NULL));
  assert_null(reader_no_rows(reader));
  reader_release(&reader);
  return judging.truth;
}

static struct filter *filter_of(const char *text) {
  struct filter *filter;
  assert_true(filter_parse(view_of(text), &filter, NULL));
  if (!filter)
    fail_msg("no filter: %s", text);
  return filter;
}

/* A test of one column against its value in a row. */
struct test_case {
  const char *field, *test, *value;
  enum truth truth;
};

static void expect(const struct test_case *one) {
  scope_text struct text text = {0}, row = {0};
  bool is_list = one->test[0] == '{';
  text_printf(&text, "{\"field\":\"%s\",\"%s\":%s}", one->field, is_list ? "list_is" : "is",
              one->test);
  text_printf(&row, "{\"%s\":%s}", one->field, one->value);
  struct filter *filter = filter_of(text_string(&text));
  bool is_accepted = filter_judge_accepts(filter, endpoint);
  enum truth truth = is_accepted ? judge(filter, text_string(&row)) : TRUTH_UNKNOWN;
  if (truth != one->truth)
    fail_msg("%s on %s: %d", text_string(&text), one->value, truth);
  filter_release(&filter);
}

#define CASES(name, ...)                            \
  static void name(void **state) {                  \
    (void)state;                                    \
    const struct test_case cases[] = {__VA_ARGS__}; \
    for (size_t i = 0; i < COUNT(cases); i++)       \
      expect(&cases[i]);                            \
  }

/* Numbers */
CASES(numbers, {"http_code", "[\"eq\",200]", "200", YES}, {"http_code", "[\"eq\",200]", "404", NO},
      {"http_code", "[\"neq\",200]", "404", YES}, {"http_code", "[\"gt\",199]", "200", YES},
      {"http_code", "[\"gte\",200]", "200", YES}, {"http_code", "[\"lt\",200]", "200", NO},
      {"http_code", "[\"lte\",200]", "200", YES}, {"http_code", "[\"lte\",200]", "2e2", OPEN},
      {"http_code", "[\"eq\",\"200\"]", "200", OPEN}, {"http_code", "[\"eq\",-1]", "200", OPEN},
      {"http_code", "[\"eq\",1000000000]", "200", OPEN}, {"http_code", "[\"gt\",1.5]", "200", OPEN},
      {"http_code", "[\"eq\",200]", "\"200\"", OPEN}, {"http_code", "[\"eq\",null]", "200", OPEN},
      {"http_code", "[\"substring\",200]", "200", OPEN},
      /* fractions: what is equal, and no binary fraction, may differ by how it is held */
      {"domain_rating_source", "[\"gte\",24.5]", "24.5", YES},
      {"domain_rating_source", "[\"gte\",24.5]", "24.4", NO},
      {"domain_rating_source", "[\"lt\",25]", "24.9", YES},
      {"domain_rating_source", "[\"eq\",18]", "18", YES},
      {"domain_rating_source", "[\"eq\",18.0]", "18", YES},
      {"domain_rating_source", "[\"gte\",4.9]", "4.9", OPEN},
      {"domain_rating_source", "[\"gte\",4.9]", "5", YES},
      {"domain_rating_source", "[\"gt\",1e1]", "18", OPEN},
      {"domain_rating_source", "[\"gt\",0.001]", "18", OPEN},
      {"domain_rating_source", "[\"gt\",0.5]", "18.125", OPEN})

/* Booleans */
CASES(booleans, {"is_dofollow", "[\"eq\",true]", "true", YES},
      {"is_dofollow", "[\"eq\",1]", "true", YES}, {"is_dofollow", "[\"eq\",0]", "true", NO},
      {"is_dofollow", "[\"neq\",false]", "true", YES}, {"is_dofollow", "[\"eq\",2]", "true", OPEN},
      {"is_dofollow", "[\"gt\",0]", "true", OPEN},
      {"is_dofollow", "[\"eq\",\"true\"]", "true", OPEN}, {"is_dofollow", "[\"eq\",1]", "1", OPEN})

/* Days and times */
#define TIME "\"2026-04-08T00:05:47Z\""
CASES(times, {"first_seen", "[\"gte\",\"2026-04-06\"]", TIME, YES},
      {"first_seen", "[\"gte\",\"2026-04-07\"]", TIME, OPEN}, /* a day may begin in another zone */
      {"first_seen", "[\"gte\",\"2026-04-08\"]", TIME, OPEN},
      {"first_seen", "[\"lt\",\"2026-04-09\"]", TIME, OPEN},
      {"first_seen", "[\"lt\",\"2026-04-10\"]", TIME, YES},
      {"first_seen", "[\"eq\",\"2026-04-10\"]", TIME, NO},
      {"first_seen", "[\"eq\",\"2026-04-08\"]", TIME, OPEN},
      {"first_seen", "[\"eq\",\"2026-04-08T00:05:47Z\"]", TIME, YES},
      {"first_seen", "[\"gt\",\"2026-04-08T00:05:47Z\"]", TIME, NO},
      {"first_seen", "[\"gt\",\"2026-04-08T00:05:46Z\"]", TIME, YES},
      {"first_seen", "[\"gt\",\"2026-04-08T00:05:46\"]", TIME, OPEN},
      {"first_seen", "[\"gt\",\"2026-04-08 00:05:46Z\"]", TIME, OPEN},
      {"first_seen", "[\"gt\",\"2026-04-08T00:05:46.5Z\"]", TIME, OPEN},
      {"first_seen", "[\"gt\",\"2026-02-30\"]", TIME, OPEN},
      {"first_seen", "[\"gt\",1775606747]", TIME, OPEN},
      {"first_seen", "[\"gt\",\"2026-04-01\"]", "\"2026-04-08T00:05:47+02:00\"", YES},
      {"source_page_publish_date", "[\"gte\",\"2026-04-08\"]", "\"2026-04-08\"", YES},
      {"source_page_publish_date", "[\"lt\",\"2026-04-08\"]", "\"2026-04-07\"", YES},
      {"source_page_publish_date", "[\"gte\",\"2026-04-08\"]", TIME, OPEN},
      {"source_page_publish_date", "[\"gte\",\"2026-04-08T00:00:00Z\"]", "\"2026-04-08\"", OPEN})

/* Text: case, and what else may be folded */
CASES(texts, {"anchor", "[\"eq\",\"a b\"]", "\"a b\"", YES},
      {"anchor", "[\"eq\",\"a b\"]", "\"A b\"", OPEN},
      {"anchor", "[\"eq\",\"a b\"]", "\"a c\"", NO},
      {"anchor", "[\"neq\",\"a b\"]", "\"a c\"", YES}, {"anchor", "[\"eq\",\"\"]", "\"\"", YES},
      {"anchor", "[\"eq\",\"\"]", "\"x\"", NO},
      {"anchor", "[\"substring\",\"ool\"]", "\"a tool\"", YES},
      {"anchor", "[\"substring\",\"OOL\"]", "\"a tool\"", OPEN},
      {"anchor", "[\"substring\",\"bar\"]", "\"a tool\"", NO},
      {"anchor", "[\"substring\",\"caf\"]", "\"caf\\u00e9\"", YES},
      {"anchor", "[\"substring\",\"cafe\"]", "\"caf\\u00e9\"", OPEN},
      {"anchor", "[\"substring\",\"cafe\"]", "\"cafe\\u0301\"", OPEN},
      {"anchor", "[\"substring\",\"a_b\"]", "\"axb\"", OPEN},
      {"anchor", "[\"substring\",\"\"]", "\"axb\"", OPEN},
      {"anchor", "[\"substring\",\" a\"]", "\"x a\"", OPEN},
      {"anchor", "[\"isubstring\",\"OOL\"]", "\"a tool\"", YES},
      {"anchor", "[\"isubstring\",\"OOL\"]", "\"a t\\u00f6\\u00f6l\"", OPEN},
      {"anchor", "[\"isubstring\",\"caFE\"]", "\"cafe\\u0301\"", OPEN},
      {"anchor", "[\"isubstring\",\"caF\"]", "\"cafe\\u0301\"", YES},
      {"anchor", "[\"isubstring\",\"\\u00d6\"]", "\"\\u00f6\"", OPEN},
      {"anchor", "[\"isubstring\",\"bar\"]", "\"a tool\"", NO},
      {"anchor", "[\"gt\",\"a\"]", "\"b\"", OPEN}, {"anchor", "[\"regex\",\"b\"]", "\"b\"", OPEN},
      {"anchor", "[\"eq\",1]", "\"1\"", OPEN}, {"anchor", "[\"eq\",\"1\"]", "1", OPEN})

CASES(beginnings_and_ends,
      {"url_from", "[\"prefix\",\"https://a\"]", "\"https://a.example/\"", YES},
      {"url_from", "[\"prefix\",\"https://A\"]", "\"https://a.example/\"", OPEN},
      {"url_from", "[\"prefix\",\"http://\"]", "\"https://a.example/\"", NO},
      {"url_from", "[\"prefix\",\"a_c\"]", "\"abc\"", OPEN},
      {"url_from", "[\"prefix\",\"a\"]", "\" a\"", OPEN},
      {"url_from", "[\"prefix\",\"a\"]", "\"a\\u0301\"", OPEN},
      {"url_from", "[\"prefix\",\"a\"]", "\"\"", NO},
      {"url_from", "[\"prefix\",\"\"]", "\"a\"", OPEN},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://a.example/x.pdf\"", YES},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://a.example/x.PDF\"", OPEN},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://a.example/x.pdf \"", OPEN},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://a.example/x.pdf?\"", NO},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://\\u00e9.example/x.pdf\"", YES},
      {"url_from", "[\"suffix\",\".pdf\"]", "\"https://\\u00e9.example/x\"", NO},
      {"url_from", "[\"suffix\",\"e\"]", "\"\\u00e9\"", OPEN})

/* What a word is */
CASES(phrases, {"title", "[\"phrase_match\",\"free tool\"]", "\"a free tool here\"", YES},
      {"title", "[\"phrase_match\",\"free tool\"]", "\"a Free Tool here\"", OPEN},
      {"title", "[\"iphrase_match\",\"free tool\"]", "\"a Free Tool here\"", YES},
      {"title", "[\"phrase_match\",\"free tool\"]", "\"a free tools here\"", NO},
      {"title", "[\"phrase_match\",\"free tool\"]", "\"tool, free\"", OPEN},
      {"title", "[\"phrase_match\",\"free tool\"]", "\"free, tool\"", OPEN},
      {"title", "[\"phrase_match\",\"free tool\"]", "\"free-tool\"", OPEN},
      {"title", "[\"phrase_match\",\"tool\"]", "\"free-tool\"", OPEN},
      {"title", "[\"phrase_match\",\"tool\"]", "\"a toolbox\"", NO},
      {"title", "[\"phrase_match\",\"c++\"]", "\"in c++ or\"", OPEN},
      {"title", "[\"phrase_match\",\"x-ray\"]", "\"an x-ray of\"", YES},
      {"title", "[\"phrase_match\",\"x-ray\"]", "\"an x ray of\"", OPEN},
      {"title", "[\"phrase_match\",\"a x-ray\"]", "\"the x-ray of\"", NO},
      {"title", "[\"phrase_match\",\"caf\\u00e9\"]", "\"a caf\\u00e9 in\"", OPEN},
      {"title", "[\"iphrase_match\",\"TOOL\"]", "\"\\u00e9 tool\"", YES},
      {"title", "[\"iphrase_match\",\"TOOL\"]", "\"\\u00e9tool\"", OPEN})

/* Null, and empty */
CASES(nulls, {"redirect_code", "[\"eq\",301]", "null", NO},
      {"redirect_code", "[\"eq\",0]", "null", OPEN},
      {"redirect_code", "[\"neq\",301]", "null", OPEN},
      {"redirect_code", "[\"lt\",301]", "null", OPEN}, {"alt", "[\"eq\",\"x\"]", "null", NO},
      {"alt", "[\"eq\",\"\"]", "null", OPEN}, {"alt", "[\"substring\",\"x\"]", "null", NO},
      {"alt", "[\"substring\",\"ul\"]", "null", OPEN}, {"alt", "[\"prefix\",\"nu\"]", "null", OPEN},
      {"last_seen", "[\"eq\",\"2026-04-08\"]", "null", NO},
      {"last_seen", "[\"gte\",\"2026-04-08\"]", "null", OPEN}, {"alt", "\"is_null\"", "null", YES},
      {"alt", "\"is_null\"", "\"\"", NO},
      {"anchor", "\"is_null\"", "\"\"", OPEN}, /* never null: may be refused */
      {"alt", "\"empty\"", "null", OPEN}, {"alt", "\"empty\"", "\"\"", YES},
      {"alt", "\"empty\"", "\"x\"", NO}, {"alt", "\"empty\"", "\" \"", OPEN},
      {"languages", "\"empty\"", "[ \n]", YES}, {"languages", "\"empty\"", "[\"en\"]", NO},
      {"languages", "\"empty\"", "null", OPEN}, {"http_code", "\"empty\"", "0", OPEN},
      {"languages", "{\"any\":[\"eq\",\"en\"]}", "[\"en\"]", OPEN},
      {"languages", "[\"eq\",\"en\"]", "[\"en\"]", OPEN})

/* A whole filter on a row: http_code is 200, redirect_code and alt are null. */
#define IS(field, test) "{\"field\":\"" field "\",\"is\":" test "}"
#define HOLDS IS("http_code", "[\"eq\",200]")
#define FAILS IS("http_code", "[\"eq\",404]")
#define FAILS_OR_OPEN IS("redirect_code", "[\"eq\",301]")
#define ANYTHING IS("redirect_code", "[\"neq\",301]")

static void whole_filters(void **state) {
  (void)state;
  static const struct {
    const char *filter;
    enum truth truth;
  } cases[] = {
      {HOLDS, YES},
      {"{\"not\":" HOLDS "}", NO},
      {"{\"not\":" FAILS "}", YES},
      {"{\"and\":[" HOLDS "," FAILS "]}", NO},
      {"{\"and\":[" ANYTHING "," FAILS "]}", NO},
      {"{\"and\":[" HOLDS "," ANYTHING "]}", OPEN},
      {"{\"and\":[" HOLDS "," FAILS_OR_OPEN "]}", NO},
      {"{\"or\":[" HOLDS "," ANYTHING "]}", YES},
      {"{\"or\":[" FAILS "," FAILS_OR_OPEN "]}", NO},
      {"{\"or\":[" FAILS "," ANYTHING "]}", OPEN},
      /* the opposite of a comparison with null may hold, or be open, too */
      {FAILS_OR_OPEN, NO},
      {"{\"not\":" FAILS_OR_OPEN "}", OPEN},
      {"{\"not\":{\"not\":" FAILS_OR_OPEN "}}", NO},
      {"{\"not\":{\"or\":[" HOLDS "," FAILS_OR_OPEN "]}}", NO},
      {"{\"not\":{\"and\":[" HOLDS "," FAILS_OR_OPEN "]}}", OPEN},
      {"{\"not\":{\"and\":[" FAILS "," FAILS_OR_OPEN "]}}", YES},
      {IS("title", "[\"eq\",\"x\"]"), OPEN}, /* the row lacks it */
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct filter *filter = filter_of(cases[i].filter);
    assert_true(filter_judge_accepts(filter, endpoint));
    enum truth truth = judge(filter, "{\"http_code\":200,\"redirect_code\":null,\"alt\":null}");
    if (truth != cases[i].truth)
      fail_msg("%s: %d", cases[i].filter, truth);
    filter_release(&filter);
  }
}

static void one_condition_that_is_not_accepted_is_enough(void **state) {
  (void)state;
  static const char *const filters[] = {
      "{\"or\":[" HOLDS "," IS("anchor", "[\"regex\",\"x\"]") "]}",
      "{\"not\":" IS("no_column", "[\"eq\",1]") "}",
      "{\"and\":[" HOLDS ",{\"not\":" IS("http_code", "\"empty\"") "}]}",
  };
  for (size_t i = 0; i < COUNT(filters); i++) {
    struct filter *filter = filter_of(filters[i]);
    assert_false(filter_judge_accepts(filter, endpoint));
    filter_release(&filter);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers),
      cmocka_unit_test(booleans),
      cmocka_unit_test(times),
      cmocka_unit_test(texts),
      cmocka_unit_test(beginnings_and_ends),
      cmocka_unit_test(phrases),
      cmocka_unit_test(nulls),
      cmocka_unit_test(whole_filters),
      cmocka_unit_test(one_condition_that_is_not_accepted_is_enough),
  };
  endpoint = endpoint_find(VIEW("site-explorer/all-backlinks"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}

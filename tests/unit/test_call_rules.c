/* Can a call be answered from the stored result of another, and by which recipe? And which of its
 * rows, and when does it give up? */
#include "derive/apply.h"
#include "derive/call_rules.h"
#include "derive/ties.h"

#include "base/text.h"
#include "query/call.h"

#include "unit/fixture/calls.h"
#include "unit/fixture/unit.h"
#include "unit/fixture/values.h"

#define ALL "&aggregation=all"
#define SELECT "&select=anchor,http_code,url_from"
#define CODE "{\"field\":\"http_code\",\"is\":[\"eq\",200]}"
#define TOOL "{\"field\":\"anchor\",\"is\":[\"substring\",\"tool\"]}"
#define ALT "{\"field\":\"alt\",\"is\":\"is_null\"}"
#define REGEX "{\"field\":\"anchor\",\"is\":[\"regex\",\"t.*l\"]}"
#define WHERE(filter) "&where=" filter
#define AND(filters) "{\"and\":[" filters "]}"

/* What the recipe does, in letters: = changes nothing, f filters (once for each part), w takes a
 * part, c takes some columns. */
static const struct rules_case {
  const char *wanted, *source;
  int64_t results;
  enum derive_reason reason;
  const char *recipe;
} cases[] = {
    /* the same question: columns and limit */
    {SELECT, SELECT, 7, DERIVE_POSSIBLE, "="},
    {SELECT, SELECT, 1000, DERIVE_POSSIBLE, "="},
    {"&select=url_from", SELECT, 7, DERIVE_POSSIBLE, "c"},
    {"&select=url_from,anchor", SELECT, 7, DERIVE_POSSIBLE, "c"},
    {"&select=url_from,http_code,anchor", SELECT, 7, DERIVE_POSSIBLE, "="},
    {"&select=url_from,title", SELECT, 7, DERIVE_COLUMNS, ""},
    {"&select=url_from", "&select=url_from,sitewide", 7, DERIVE_POSSIBLE, "c"},
    {"&select=sitewide", "&select=url_from,sitewide", 7, DERIVE_COLUMNS, ""},
    {"&select=sitewide", "&select=sitewide", 7, DERIVE_POSSIBLE, "="},
    {"&select=is_non_html", "&select=is_non_html,anchor", 7, DERIVE_COLUMNS, ""},
    {"&select=url from", "&select=url from", 7, DERIVE_POSSIBLE, "="},
    {"&select=url from", SELECT, 7, DERIVE_COLUMNS, ""},
    {"&select=anchor", "&select=anchor, url_from", 7, DERIVE_COLUMNS, ""},
    {"&select=", SELECT, 7, DERIVE_COLUMNS, ""},
    {"", SELECT, 7, DERIVE_COLUMNS, ""},
    {SELECT, "", 7, DERIVE_COLUMNS, ""},
    {"", "", 7, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=5", SELECT, 7, DERIVE_POSSIBLE, "w"},
    {SELECT "&limit=5", SELECT, 1000, DERIVE_POSSIBLE, "w"},
    {SELECT "&limit=7", SELECT, 7, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=8", SELECT, 7, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=5000", SELECT, 7, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=5000", SELECT, 1000, DERIVE_WINDOW, ""},
    {SELECT "&limit=5", SELECT "&limit=4", 4, DERIVE_WINDOW, ""},
    {SELECT "&limit=5", SELECT "&limit=4", 3, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=5", SELECT "&limit=4", 5, DERIVE_LIMIT, ""},
    {SELECT "&limit=0", SELECT, 7, DERIVE_LIMIT, ""},
    {SELECT, SELECT "&limit=0", 0, DERIVE_LIMIT, ""},
    {SELECT "&limit=x", SELECT, 7, DERIVE_LIMIT, ""},
    {SELECT, SELECT, -1, DERIVE_LIMIT, ""},
    {SELECT "&aggregation=1_per_domain&limit=5", SELECT "&aggregation=1_per_domain", 7,
     DERIVE_POSSIBLE, "w"},
    /* completeness of calls: what a plan may have cut */
    {SELECT "&limit=30", SELECT, 25, DERIVE_WINDOW, ""},
    {SELECT "&limit=300", SELECT, 250, DERIVE_WINDOW, ""},
    {SELECT "&limit=250", SELECT, 250, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=200", SELECT, 250, DERIVE_POSSIBLE, "w"},
    {SELECT "&limit=600", SELECT, 500, DERIVE_WINDOW, ""},
    {SELECT "&limit=600", SELECT, 100, DERIVE_WINDOW, ""},
    {SELECT "&limit=600", SELECT, 300, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=6000", SELECT "&limit=5000", 1500, DERIVE_WINDOW, ""},
    {SELECT "&limit=600", SELECT, 333, DERIVE_WINDOW, ""}, /* the cap of this test */
    {SELECT "&limit=600", SELECT, 334, DERIVE_POSSIBLE, "="},
    {SELECT "&limit=2000", SELECT, 0, DERIVE_POSSIBLE, "="},
    {SELECT "&timeout=5&limit=2000", SELECT "&timeout=5", 7, DERIVE_WINDOW, ""},
    {SELECT "&timeout=5&limit=2", SELECT "&timeout=5", 7, DERIVE_POSSIBLE, "w"},
    /* the subject: all other parameters */
    {SELECT "&mode=exact", SELECT, 7, DERIVE_ENDPOINT, ""},
    {SELECT "&mode=subdomains", SELECT, 7, DERIVE_POSSIBLE, "="},
    {SELECT "&history=live", SELECT, 7, DERIVE_ENDPOINT, ""},
    {SELECT ALL, SELECT, 7, DERIVE_ENDPOINT, ""},
    {SELECT "&sitewide=1", SELECT, 7, DERIVE_ENDPOINT, ""},
    {SELECT "&sitewide=1&limit=2", SELECT "&sitewide=1", 7, DERIVE_POSSIBLE, "w"},
    {SELECT "&output=csv", SELECT, 7, DERIVE_ENDPOINT, ""},
    {SELECT "&output=csv&limit=2", SELECT "&output=csv", 7, DERIVE_FORM, ""},
    {SELECT "&output=php", SELECT "&output=php", 7, DERIVE_FORM, ""},
    {SELECT "&output=json", SELECT, 7, DERIVE_POSSIBLE, "="},
    /* order */
    {SELECT "&order_by=http_code:asc&limit=5", SELECT "&order_by=http_code:asc", 7, DERIVE_POSSIBLE,
     "w"},
    {SELECT "&order_by=http_code:asc", SELECT, 7, DERIVE_ORDER, ""},
    {SELECT, SELECT "&order_by=http_code:asc", 7, DERIVE_ORDER, ""},
    {SELECT "&order_by=http_code:asc", SELECT "&order_by=http_code", 7, DERIVE_ORDER, ""},
    {SELECT "&order_by=http_code:asc", SELECT "&order_by=http_code:desc", 7, DERIVE_ORDER, ""},
    /* where: the same */
    {SELECT WHERE(CODE) "&limit=5", SELECT WHERE(CODE), 1000, DERIVE_POSSIBLE, "w"},
    {SELECT WHERE(AND(CODE "," TOOL)), SELECT WHERE(AND(TOOL "," CODE "," TOOL)), 1000,
     DERIVE_POSSIBLE, "="},
    {SELECT WHERE(REGEX) "&limit=5", SELECT WHERE(REGEX), 7, DERIVE_POSSIBLE, "w"},
    {SELECT WHERE("x") "&limit=5", SELECT WHERE("x"), 7, DERIVE_POSSIBLE, "w"},
    /* where: more of it, on a complete result of single links */
    {SELECT ALL WHERE(CODE), SELECT ALL, 7, DERIVE_POSSIBLE, "f"},
    {SELECT ALL WHERE(CODE) "&limit=3", SELECT ALL, 7, DERIVE_POSSIBLE, "fw"},
    {"&select=url_from" ALL WHERE(CODE), SELECT ALL, 7, DERIVE_POSSIBLE, "fc"},
    {SELECT ALL WHERE(AND(CODE "," TOOL)), SELECT ALL, 7, DERIVE_POSSIBLE, "ff"},
    {SELECT ALL WHERE(AND(CODE "," TOOL)), SELECT ALL WHERE(TOOL), 7, DERIVE_POSSIBLE, "f"},
    {SELECT ALL WHERE(AND(CODE "," REGEX)), SELECT ALL WHERE(REGEX), 7, DERIVE_POSSIBLE, "f"},
    {SELECT ALL WHERE(AND(CODE "," REGEX)), SELECT ALL, 7, DERIVE_CONDITION, ""},
    {SELECT ALL WHERE("x"), SELECT ALL, 7, DERIVE_CONDITION, ""},
    {SELECT ALL WHERE(CODE), SELECT ALL WHERE(AND(CODE "," TOOL)), 7, DERIVE_NARROWER, ""},
    {SELECT ALL WHERE(CODE), SELECT ALL WHERE("x"), 7, DERIVE_NARROWER, ""},
    {SELECT ALL, SELECT ALL WHERE(CODE), 7, DERIVE_NARROWER, ""},
    {SELECT ALL WHERE(TOOL), SELECT ALL WHERE("{\"or\":[" TOOL "," CODE "]}"), 7, DERIVE_NARROWER,
     ""},
    {SELECT ALL WHERE(ALT), SELECT ALL, 7, DERIVE_COLUMNS, ""},
    {SELECT ALL WHERE(CODE), SELECT ALL, 1000, DERIVE_INCOMPLETE, ""},
    {SELECT ALL WHERE(CODE), SELECT ALL, 250, DERIVE_INCOMPLETE, ""},
    {SELECT ALL WHERE(CODE), SELECT ALL, 333, DERIVE_INCOMPLETE, ""},
    {SELECT ALL "&timeout=9" WHERE(CODE), SELECT ALL "&timeout=9", 7, DERIVE_INCOMPLETE, ""},
    {SELECT WHERE(CODE), SELECT, 7, DERIVE_GROUPED, ""},
    {SELECT "&aggregation=1_per_domain" WHERE(CODE), SELECT "&aggregation=1_per_domain", 7,
     DERIVE_GROUPED, ""},
    {SELECT ALL WHERE(CODE) "&order_by=http_code:asc", SELECT ALL, 7, DERIVE_ORDER, ""},
    {SELECT ALL WHERE(CODE) "&order_by=http_code:asc", SELECT ALL "&order_by=http_code:asc", 7,
     DERIVE_POSSIBLE, "f"},
};

static void describe(const struct derive_recipe *recipe, int64_t results, char *out) {
  if (recipe->changes_nothing)
    *out++ = '=';
  for (size_t i = 0; i < recipe->part_count; i++)
    *out++ = 'f';
  if (recipe->limit < results)
    *out++ = 'w';
  if (!recipe->all_columns)
    *out++ = 'c';
  *out = '\0';
}

static void check(const struct rules_case *row) {
  struct derive_recipe recipe;
  char done[16] = "";
  struct query *wanted = call_of(CALL_BACKLINKS, row->wanted);
  struct query *source = call_of(CALL_BACKLINKS, row->source);
  struct derive_source facts = {.query = source, .results = row->results, .cap = 333};
  enum derive_reason reason = rules_derive(wanted, &facts, &recipe);
  if (reason == DERIVE_POSSIBLE)
    describe(&recipe, row->results, done);
  if (reason != row->reason || strcmp(done, row->recipe) != 0)
    fail_msg("%s from %s: %s \"%s\"", row->wanted, row->source, reason_word(reason), done);
  query_release(&wanted);
  query_release(&source);
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++)
    check(&cases[i]);
}

static void only_endpoints_in_the_table_and_only_calls(void **state) {
  (void)state;
  struct derive_recipe recipe;
  struct query *other, *wanted = call_of(CALL_BACKLINKS, SELECT);
  struct query *unknown = call_of("site-explorer/refdomains", SELECT);
  assert_true(query_parse(VIEW("from=backlinks_new_lost&target=a.example&mode=domain"), VIEW(""),
                          &other, NULL));
  struct derive_source calls = {.query = unknown, .results = 7};
  struct derive_source rows = {.query = other, .results = 7};
  struct derive_source own = {.query = wanted, .results = 7};
  assert_int_equal(rules_derive(wanted, &calls, &recipe), DERIVE_ENDPOINT);
  assert_int_equal(rules_derive(unknown, &calls, &recipe), DERIVE_ENDPOINT);
  assert_int_equal(rules_derive(wanted, &rows, &recipe), DERIVE_ENDPOINT);
  assert_int_equal(rules_derive(other, &own, &recipe), DERIVE_SUBJECT);
  query_release(&other);
  query_release(&wanted);
  query_release(&unknown);
}

/* Of many conditions on many rows none is judged. */
static void conditions_are_bounded(void **state) {
  (void)state;
  for (int count = QUERY_CONDITIONS_MAX; count <= QUERY_CONDITIONS_MAX + 1; count++) {
    struct derive_recipe recipe;
    scope_text struct text text = {0};
    text_add(&text, VIEW(SELECT ALL "&where={\"or\":["));
    for (int i = 0; i < count; i++)
      text_printf(&text, "%s{\"field\":\"http_code\",\"is\":[\"eq\",%d]}", i ? "," : "", i);
    text_add(&text, VIEW("]}"));
    struct query *wanted = call_of(CALL_BACKLINKS, text_string(&text));
    struct query *source = call_of(CALL_BACKLINKS, SELECT ALL);
    struct derive_source facts = {.query = source, .results = 7};
    assert_int_equal(rules_derive(wanted, &facts, &recipe),
                     count > QUERY_CONDITIONS_MAX ? DERIVE_CONDITION : DERIVE_POSSIBLE);
    query_release(&wanted);
    query_release(&source);
  }
}

static void parts_are_bounded(void **state) {
  (void)state;
  for (int count = DERIVE_PARTS_MOST; count <= DERIVE_PARTS_MOST + 1; count++) {
    struct derive_recipe recipe;
    scope_text struct text text = {0};
    text_add(&text, VIEW(SELECT ALL "&where={\"and\":["));
    for (int i = 0; i < count; i++)
      text_printf(&text, "%s{\"field\":\"http_code\",\"is\":[\"neq\",%d]}", i ? "," : "", i);
    text_add(&text, VIEW("]}"));
    struct query *wanted = call_of(CALL_BACKLINKS, text_string(&text));
    struct query *source = call_of(CALL_BACKLINKS, SELECT ALL);
    struct derive_source facts = {.query = source, .results = 7};
    assert_int_equal(rules_derive(wanted, &facts, &recipe),
                     count > DERIVE_PARTS_MOST ? DERIVE_CONDITION : DERIVE_POSSIBLE);
    query_release(&wanted);
    query_release(&source);
  }
}

/* --- rows --- */

/* Rows are "http_code anchor url_from", with "|" between (unit/fixture/values.h); the answer is
 * their positions. The source is complete, and has all three columns. */
static const struct rows_case {
  const char *wanted, *source;
  const char *rows[6];
  enum derive_reason reason;
  const char *answer;
} rows_cases[] = {
#define SORTED ALL "&order_by=http_code:asc"
    /* the same question: nothing is judged */
    {"&select=anchor", "", {"#1|'b|'x", "#1|'a|'y"}, DERIVE_POSSIBLE, "0 1"},
    {"&select=anchor&limit=1", "", {"#1|'b|'x", "#1|'a|'y"}, DERIVE_POSSIBLE, "0"},
    {"&select=anchor", "", {"#1|'b|'x", "#1|~|'y"}, DERIVE_ROW, ""},
    {"&select=anchor&limit=1", "", {"#1|'b|'x", "#1|~|'y"}, DERIVE_POSSIBLE, "0"},
    {"&select=anchor", "", {"#1|null|'x"}, DERIVE_POSSIBLE, "0"},
    /* a filter on rows in an order that tells them apart */
    {SELECT SORTED WHERE(TOOL),
     SORTED,
     {"#1|'tool|'x", "#2|'y|'y", "#3|'tool|'z"},
     DERIVE_POSSIBLE,
     "0 2"},
    {SELECT SORTED WHERE(TOOL), SORTED, {"#1|'tool|'x", "#2|'Tool|'y"}, DERIVE_ROW, ""},
    {SELECT SORTED WHERE(TOOL), SORTED, {NULL}, DERIVE_POSSIBLE, ""},
    {SELECT SORTED WHERE(TOOL) "&limit=1",
     SORTED,
     {"#1|'tool|'x", "#2|'Tool|'y"},
     DERIVE_POSSIBLE,
     "0"},
    /* ties */
    {SELECT SORTED WHERE(TOOL), SORTED, {"#1|'tool|'x", "#1|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT SORTED WHERE(TOOL),
     SORTED,
     {"#1|'tool|'x", "#1|'y|'y", "#2|'tool|'z"},
     DERIVE_POSSIBLE,
     "0 2"},
    {SELECT SORTED WHERE(TOOL),
     SORTED,
     {"#1|'tool|'x", "#1|'tool|'x", "#2|'tool|'z"},
     DERIVE_POSSIBLE,
     "0 1 2"},
    {"&select=anchor" SORTED WHERE(TOOL),
     SORTED,
     {"#1|'tool|'x", "#1|'tool|'y"},
     DERIVE_POSSIBLE,
     "0 1"},
    {"&select=http_code,anchor" SORTED WHERE(TOOL),
     SORTED,
     {"#1|'a tool|'x", "#1|'tool|'y"},
     DERIVE_TIE,
     ""},
    /* ties at the edge of the limit */
    {SELECT SORTED WHERE(TOOL) "&limit=1", SORTED, {"#1|'tool|'x", "#1|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT SORTED WHERE(TOOL) "&limit=1", SORTED, {"#1|'tool|'x", "#1|'Tool|'y"}, DERIVE_TIE, ""},
    {SELECT SORTED WHERE(TOOL) "&limit=1",
     SORTED,
     {"#1|'tool|'x", "#1|'y|'y", "#1|'tool|'x"},
     DERIVE_POSSIBLE,
     "0"},
    {SELECT SORTED WHERE(TOOL) "&limit=1",
     SORTED,
     {"#1|'tool|'x", "#1|'tool|'x", "#1|'a tool|'x"},
     DERIVE_TIE,
     ""},
    {SELECT SORTED WHERE(TOOL) "&limit=1",
     SORTED,
     {"#1|'tool|'x", "#2|'Tool|'y", "#1|'tool|'z"},
     DERIVE_POSSIBLE,
     "0"},
    /* a second column may not count, and nulls may stand anywhere */
    {SELECT SORTED ",anchor:asc" WHERE(TOOL),
     SORTED ",anchor:asc",
     {"#1|'a tool|'x", "#1|'b tool|'y"},
     DERIVE_TIE,
     ""},
    {SELECT SORTED WHERE(TOOL), SORTED, {"#1|'tool|'x", "null|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT SORTED WHERE(TOOL), SORTED, {"null|'tool|'x", "null|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT SORTED WHERE(TOOL), SORTED, {"#1|'tool|'x", "#1.0|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT ALL "&order_by=anchor:asc" WHERE(CODE),
     ALL "&order_by=anchor:asc",
     {"#200|'a|'x", "#200|'b|'y"},
     DERIVE_POSSIBLE,
     "0 1"},
    {SELECT ALL "&order_by=anchor:asc" WHERE(CODE),
     ALL "&order_by=anchor:asc",
     {"#200|'A|'x", "#200|'a|'y"},
     DERIVE_TIE,
     ""},
    /* without order_by nothing tells rows apart */
    {SELECT ALL WHERE(TOOL), ALL, {"#1|'tool|'x", "#2|'y|'y"}, DERIVE_POSSIBLE, "0"},
    {SELECT ALL WHERE(TOOL), ALL, {"#1|'tool|'x", "#2|'tool|'y"}, DERIVE_TIE, ""},
    {SELECT ALL WHERE(TOOL), ALL, {"#1|'tool|'x", "#1|'tool|'x"}, DERIVE_POSSIBLE, "0 1"},
    {"&select=anchor" ALL WHERE(TOOL), ALL, {"#1|'tool|'x", "#2|'tool|'y"}, DERIVE_POSSIBLE, "0 1"},
};

/* `text` must outlive the row. */
static void make_row(const char *text, int64_t position, struct row *row) {
  static const struct view names[] = {VIEW("http_code"), VIEW("anchor"), VIEW("url_from")};
  struct view rest = view_of(text), part;
  row->position = position;
  row->raw = rest;
  row->count = 0;
  for (size_t i = 0; i < COUNT(names) && view_split(&rest, '|', &part); i++) {
    struct value value = value_of(part);
    if (value.kind != VALUE_ABSENT)
      row->members[row->count++] = (struct row_member){.name = names[i], .value = value};
  }
}

static bool run(struct apply *apply, const struct rows_case *one, struct text *answer) {
  static struct row row;
  enum apply_verdict verdict = APPLY_LEAVE;
  for (int64_t i = 0; one->rows[i] && verdict < APPLY_ENOUGH; i++) {
    make_row(one->rows[i], i, &row);
    verdict = apply_row(apply, &row);
    if (verdict == APPLY_TAKE)
      text_printf(answer, answer->length ? " %d" : "%d", (int)i);
    if (verdict == APPLY_ENOUGH)
      assert_int_equal(apply_row(apply, &row), APPLY_ENOUGH);
  }
  return apply_finish(apply);
}

static void check_rows(const struct rows_case *one) {
  struct derive_recipe recipe;
  scope_text struct text answer = {0}, from = {0};
  text_printf(&from, "%s%s", SELECT, one->source);
  struct query *wanted = call_of(CALL_BACKLINKS, one->wanted);
  struct query *source = call_of(CALL_BACKLINKS, text_string(&from));
  struct derive_source facts = {.query = source, .results = 6};
  assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_POSSIBLE);
  struct apply *apply = apply_create(&recipe, 0);
  bool ok = run(apply, one, &answer);
  if (ok != (one->reason == DERIVE_POSSIBLE) || apply_reason(apply) != one->reason ||
      (ok && strcmp(text_string(&answer), one->answer) != 0))
    fail_msg("%s on %s: %s \"%s\"", one->wanted, one->rows[0], reason_word(apply_reason(apply)),
             text_string(&answer));
  apply_release(&apply);
  query_release(&wanted);
  query_release(&source);
}

static void rows_that_are_certain(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(rows_cases); i++)
    check_rows(&rows_cases[i]);
}

/* Neighbours in an order by one column, as the stored result has them. */
static void neighbours_that_differ_for_certain(void **state) {
  (void)state;
  static const struct {
    const char *column, *last, *value;
    bool differ;
  } pairs[] = {
      {"http_code", "#1", "#2", true},
      {"http_code", "#2", "#2", false},
      {"http_code", "#2", "#2.5", false},
      {"http_code", "'1", "'2", false},
      {"http_code", "null", "#2", false},
      {"http_code", "~", "#2", false},
      {"domain_rating_source", "#4.8", "#4.9", true},
      {"domain_rating_source", "#50", "#50.0", false},
      {"domain_rating_source", "#50.001", "#50.002", false},
      {"is_dofollow", "false", "true", true},
      {"is_dofollow", "true", "true", false},
      {"is_dofollow", "true", "null", false},
      {"first_seen", "'2026-04-08T00:05:47Z", "'2026-04-08T00:05:48Z", true},
      {"first_seen", "'2026-04-08T00:05:47Z", "'2026-04-08T00:05:47Z", false},
      {"first_seen", "'2026-04-08T00:05:47Z", "'2026-04-08T00:05:47.5Z", false},
      {"first_seen", "'2026-04-08T00:05:47Z", "'2026-04-08", false},
      {"source_page_publish_date", "'2026-04-08", "'2026-04-09", true},
      {"source_page_publish_date", "'2026-04-08", "'2026-04-08T00:05:47Z", false},
      {"anchor", "'tool a", "'tool b", true},
      {"anchor", "'tool", "'Tool", false},
      {"anchor", "'a-b", "'ab", false},
      {"languages", "[]", "'x", false},
      {"sitewide", "#1", "#2", false},
  };
  const struct endpoint *endpoint = endpoint_find(VIEW(CALL_BACKLINKS));
  static const struct digest first = {{1}}, second = {{2}};
  for (size_t i = 0; i < COUNT(pairs); i++) {
    static struct row row;
    struct columns_item item = {.name = view_of(pairs[i].column)};
    struct columns by = {.present = true, .parsed = true, .items = &item, .count = 1};
    struct ties *ties = ties_create(&by, endpoint);
    row.count = 1;
    row.members[0] =
        (struct row_member){.name = item.name, .value = value_of(view_of(pairs[i].last))};
    assert_int_equal(ties_find(ties, &row, &first), TIE_NONE);
    assert_true(ties_keep(ties, &row, &first));
    row.members[0].value = value_of(view_of(pairs[i].value));
    if (ties_find(ties, &row, &second) != (pairs[i].differ ? TIE_NONE : TIE_OPEN))
      fail_msg("%s: %s, %s", pairs[i].column, pairs[i].last, pairs[i].value);
    assert_int_equal(ties_find(ties, &row, &first), pairs[i].differ ? TIE_NONE : TIE_SAME);
    ties_release(&ties);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(only_endpoints_in_the_table_and_only_calls),
      cmocka_unit_test(conditions_are_bounded),
      cmocka_unit_test(parts_are_bounded),
      cmocka_unit_test(rows_that_are_certain),
      cmocka_unit_test(neighbours_that_differ_for_certain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

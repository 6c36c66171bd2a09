/* A recipe on rows: which are taken, in which order, and when it gives up. */
#include "derive/apply.h"

#include "base/text.h"
#include "query/query.h"

#include "unit/fixture/unit.h"
#include "unit/fixture/values.h"

#define SUBJECT "from=backlinks_new_lost&target=a.example&mode=domain"
#define MEMORY ((size_t)1 << 20)

/* Rows are "rating type date", with a space between; the answer is the rows' positions. */
static const struct apply_case {
  const char *wanted, *source; /* behind SUBJECT */
  const char *rows[8];
  enum derive_reason reason;
  const char *answer;
} cases[] = {
    /* in the order of the source */
    {"&where=type=\"new\"", "", {"#1 'new ~", "#2 'lost ~", "#3 'new ~"}, DERIVE_POSSIBLE, "0 2"},
    {"&where=type=\"new\"", "", {"#1 'new ~", "#2 'New ~"}, DERIVE_ROW, ""},
    {"&where=type=\"new\"&limit=1", "", {"#1 'new ~", "#2 'New ~"}, DERIVE_POSSIBLE, "0"},
    {"&where=type=\"new\"&limit=1&offset=1", "", {"#1 'new ~", "#2 'new ~"}, DERIVE_POSSIBLE, "1"},
    {"&where=type=\"new\"&limit=1&offset=1", "", {"#1 'new ~", "#2 'New ~"}, DERIVE_ROW, ""},
    {"&where=type=\"new\",domain_rating>5", "", {"#1 'New ~", "#9 'new ~"}, DERIVE_POSSIBLE, "1"},
    {"&where=domain_rating>5,type=\"new\"", "", {"#1 'New ~", "#9 'new ~"}, DERIVE_POSSIBLE, "1"},
    {"&offset=5", "", {"#1 'new ~"}, DERIVE_POSSIBLE, ""},
    {"&where=type=\"new\"", "", {NULL}, DERIVE_POSSIBLE, ""},
    /* a selected column that is not there */
    {"&select=date", "", {"#1 'new '2018-05-31", "#1 'new ~"}, DERIVE_ROW, ""},
    {"&select=date&limit=1", "", {"#1 'new '2018-05-31", "#1 'new ~"}, DERIVE_POSSIBLE, "0"},
    {"&select=date", "", {"#1 'new null"}, DERIVE_POSSIBLE, "0"},
    /* sorted */
    {"&order_by=domain_rating", "", {"#3 'a ~", "#1 'b ~", "#2 'c ~"}, DERIVE_POSSIBLE, "1 2 0"},
    {"&order_by=domain_rating:desc",
     "",
     {"#3 'a ~", "#1 'b ~", "#20 'c ~"},
     DERIVE_POSSIBLE,
     "2 0 1"},
    {"&order_by=domain_rating:desc&limit=1",
     "",
     {"#3 'a ~", "#1 'b ~", "#1 'c ~"},
     DERIVE_POSSIBLE,
     "0"},
    {"&order_by=domain_rating&limit=1&offset=2",
     "",
     {"#3 'a ~", "#1 'b ~", "#1 'c ~"},
     DERIVE_POSSIBLE,
     "0"},
    {"&order_by=domain_rating&limit=1&offset=3",
     "",
     {"#3 'a ~", "#1 'b ~", "#1 'c ~"},
     DERIVE_POSSIBLE,
     ""},
    {"&order_by=domain_rating", "", {"#3 'a ~", "#1 'b ~", "#1 'c ~"}, DERIVE_TIE, ""},
    {"&order_by=domain_rating", "", {"#3 'a ~", "#1 'b ~", "#1 'b ~"}, DERIVE_POSSIBLE, "1 2 0"},
    {"&order_by=domain_rating&select=domain_rating",
     "",
     {"#3 'a ~", "#1 'b ~", "#1 'c ~"},
     DERIVE_POSSIBLE,
     "1 2 0"},
    {"&order_by=domain_rating,type",
     "",
     {"#3 'a ~", "#1 'c ~", "#1 'b ~"},
     DERIVE_POSSIBLE,
     "2 1 0"},
    {"&order_by=domain_rating,type", "", {"#3 'a ~", "#1 'C ~", "#1 'b ~"}, DERIVE_COLLATION, ""},
    /* a tie across the edge of the window, before and behind it */
    {"&order_by=domain_rating&limit=2", "", {"#3 'a ~", "#1 'b ~", "#3 'c ~"}, DERIVE_TIE, ""},
    {"&order_by=domain_rating&limit=2",
     "",
     {"#3 'a ~", "#1 'b ~", "#3 'a ~"},
     DERIVE_POSSIBLE,
     "1 0"},
    {"&order_by=domain_rating&offset=1&limit=2",
     "",
     {"#3 'a ~", "#3 'b ~", "#5 'c ~"},
     DERIVE_TIE,
     ""},
    /* a null, whose place is not known */
    {"&order_by=domain_rating&limit=1", "", {"#3 'a ~", "null 'b ~"}, DERIVE_COLLATION, ""},
    {"&order_by=domain_rating", "", {"null 'a ~", "null 'a ~"}, DERIVE_POSSIBLE, "0 1"},
    /* a row that may be in the whole, before and behind the window */
    {"&where=type=\"new\"&order_by=domain_rating&limit=1",
     "",
     {"#3 'new ~", "#5 'New ~"},
     DERIVE_POSSIBLE,
     "0"},
    {"&where=type=\"new\"&order_by=domain_rating&limit=1",
     "",
     {"#3 'new ~", "#1 'New ~"},
     DERIVE_ROW,
     ""},
    {"&where=type=\"new\"&order_by=domain_rating&limit=1",
     "",
     {"#3 'new ~", "#3 'New ~"},
     DERIVE_ROW,
     ""},
    {"&where=type=\"new\"&order_by=domain_rating",
     "",
     {"#3 'new ~", "#1 'lost ~"},
     DERIVE_POSSIBLE,
     "0"},
    /* times */
    {"&order_by=date",
     "",
     {"#1 'a '2018-05-31T08:00:01Z", "#1 'a '2018-05-31T08:00:00Z"},
     DERIVE_POSSIBLE,
     "1 0"},
    {"&order_by=date",
     "",
     {"#1 'a '2018-05-31T08:00:01Z", "#1 'a '2018-05-31"},
     DERIVE_COLLATION,
     ""},
    {"&order_by=date",
     "",
     {"#1 'a '2018-05-31T08:00:00.5Z", "#1 'a '2018-05-31T08:00:00Z"},
     DERIVE_COLLATION,
     ""},
    {"&order_by=date", "", {"#1 'a ~", "#1 'a ~"}, DERIVE_COLLATION, ""},
    /* an order that is not known does not show in one row, or in rows that look alike */
    {"", "&order_by=date", {"#1 'a ~"}, DERIVE_POSSIBLE, "0"},
    {"", "&order_by=date", {"#1 'a ~", "#2 'a ~"}, DERIVE_TIE, ""},
    {"&where=domain_rating>1", "&order_by=date", {"#1 'a ~", "#2 'a ~"}, DERIVE_POSSIBLE, "1"},
    {"&select=type", "&order_by=date", {"#1 'a ~", "#2 'a ~"}, DERIVE_POSSIBLE, "0 1"},
    {"&limit=1", "&order_by=date", {"#1 'a ~", "#2 'a ~"}, DERIVE_TIE, ""},
};

static struct query *parse(const char *rest) {
  scope_text struct text text = {0};
  struct query *query;
  text_printf(&text, SUBJECT "%s", rest);
  assert_true(query_parse(text_view(&text), VIEW(""), &query, NULL));
  return query;
}

static void make_row(const char *text, int64_t position, struct row *row) {
  static const unsigned columns[] = {SCHEMA_domain_rating, SCHEMA_type, SCHEMA_date};
  struct view rest = view_of(text), word;
  *row = (struct row){.raw = rest, .position = position};
  for (size_t i = 0; i < COUNT(columns) && view_split(&rest, ' ', &word); i++)
    row->values[columns[i]] = value_of(word);
}

/* Puts down where the answer's rows stand. */
static bool run(struct apply *apply, const struct apply_case *one, struct text *answer) {
  static struct row row;
  enum apply_verdict verdict = APPLY_HOLD;
  bool held = false;
  for (int64_t i = 0; one->rows[i] && verdict < APPLY_ENOUGH; i++) {
    make_row(one->rows[i], i, &row);
    verdict = apply_row(apply, &row);
    held |= verdict == APPLY_HOLD;
    if (verdict == APPLY_TAKE)
      text_printf(answer, answer->length ? " %d" : "%d", (int)i);
  }
  bool ok = apply_finish(apply);
  for (int64_t i = 0; ok && held && i < apply_results(apply); i++)
    text_printf(answer, i ? " %d" : "%d", (int)apply_places(apply)[i].position);
  return ok;
}

static void check(const struct apply_case *one) {
  static struct derive_recipe recipe;
  scope_text struct text answer = {0};
  struct query *wanted = parse(one->wanted), *source = parse(one->source);
  struct derive_source facts = {.query = source, .results = 8};
  assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_POSSIBLE);
  struct apply *apply = apply_create(&recipe, MEMORY);
  bool ok = run(apply, one, &answer);
  assert_int_equal(ok, apply_reason(apply) == DERIVE_POSSIBLE);
  if (apply_reason(apply) != one->reason || (ok && strcmp(text_string(&answer), one->answer) != 0))
    fail_msg("%s on %s: %s \"%s\"", one->wanted, one->rows[0] ? one->rows[0] : "",
             reason_word(apply_reason(apply)), text_string(&answer));
  apply_release(&apply);
  query_release(&wanted);
  query_release(&source);
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++)
    check(&cases[i]);
}

/* Feeds rows of ROWS / `equal` ratings in a mixed order, no two of one type; true: it never gave up. */
#define ROWS 100003 /* a prime number, like STEP */
#define STEP 7919
static bool feed(struct apply *apply, int equal) {
  static struct row row;
  for (int64_t i = 0; i < ROWS; i++) {
    scope_text struct text text = {0};
    text_printf(&text, "#%d 'a%d ~", (int)(i * STEP % ROWS) / equal, (int)i);
    make_row(text_string(&text), i, &row);
    if (apply_row(apply, &row) == APPLY_GIVE_UP)
      return false;
  }
  return true;
}

/* What becomes of so many rows in little memory. */
static enum derive_reason sort_many(const char *clause, int equal, int64_t *results) {
  static struct derive_recipe recipe;
  struct query *source = parse(""), *wanted = parse(clause);
  struct derive_source facts = {.query = source, .results = 8};
  assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_POSSIBLE);
  struct apply *apply = apply_create(&recipe, MEMORY);
  bool held = feed(apply, equal), ok = apply_finish(apply);
  enum derive_reason reason = apply_reason(apply);
  assert_int_equal(ok, held && reason == DERIVE_POSSIBLE);
  *results = apply_results(apply);
  for (int64_t i = 0; ok && i < *results; i++)
    assert_int_equal(apply_places(apply)[i].position * STEP % ROWS, i);
  apply_release(&apply);
  query_release(&source);
  query_release(&wanted);
  return reason;
}

/* The best of many are found in memory for few, and a tie at the edge is not forgotten. */
static void test_memory(void **state) {
  int64_t results;
  (void)state;
  assert_int_equal(sort_many("&order_by=domain_rating&limit=3", 1, &results), DERIVE_POSSIBLE);
  assert_int_equal(results, 3);
  assert_int_equal(sort_many("&order_by=domain_rating&limit=3", 2, &results), DERIVE_TIE);
  assert_int_equal(sort_many("&order_by=domain_rating&limit=2&offset=1", 3, &results), DERIVE_TIE);
  assert_int_equal(sort_many("&order_by=domain_rating&limit=50000", 1, &results), DERIVE_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Can a query be answered from a stored result, and by which recipe? */
#include "derive/rules.h"

#include "query/query.h"
#include "query/schema.h"

#include "unit/fixture/unit.h"

#define SUBJECT "from=backlinks_new_lost&target=a.example&mode=domain"

/* What the recipe does, in letters: = changes nothing, f filters (once for each condition), s
 * sorts, w takes a part, c takes some columns. */
static const struct rules_case {
  const char *wanted, *source; /* behind SUBJECT */
  int64_t results;
  enum derive_reason reason;
  const char *recipe;
} cases[] = {
    /* the same */
    {"", "", 7, DERIVE_POSSIBLE, "="},
    {"", "", 1000, DERIVE_POSSIBLE, "="},
    {"&limit=5000", "", 7, DERIVE_POSSIBLE, "="},
    {"&limit=5000", "", 1000, DERIVE_WINDOW, ""},
    {"&output=php", "", 7, DERIVE_POSSIBLE, "="},
    /* subject, form, parameters, limit */
    {"&output=xml", "", 7, DERIVE_FORM, ""},
    {"&output=csv", "", 7, DERIVE_FORM, ""},
    {"", "&output=xml", 7, DERIVE_FORM, ""},
    {"&page=2", "", 7, DERIVE_PARAMETERS, ""},
    {"&page=2", "&page=2", 7, DERIVE_PARAMETERS, ""},
    {"", "&page=2", 7, DERIVE_PARAMETERS, ""},
    {"&limit=0", "", 7, DERIVE_LIMIT, ""},
    {"", "&limit=0", 0, DERIVE_LIMIT, ""},
    {"", "&limit=5", 6, DERIVE_LIMIT, ""},
    /* columns */
    {"&select=anchor", "", 7, DERIVE_POSSIBLE, "c"},
    {"&select=anchor", "&select=anchor,date", 7, DERIVE_POSSIBLE, "c"},
    {"&select=date,anchor", "&select=anchor,date", 7, DERIVE_POSSIBLE, "="},
    {"&select=anchor", "&select=date", 7, DERIVE_COLUMNS, ""},
    {"", "&select=date", 7, DERIVE_COLUMNS, ""},
    {"&select=*", "", 7, DERIVE_POSSIBLE, "="},
    {"&select=sitewide", "", 7, DERIVE_COLUMNS, ""},
    {"&select=sitewide", "&select=sitewide", 7, DERIVE_POSSIBLE, "="},
    {"&select=anchor", "&select=sitewide,anchor", 7, DERIVE_POSSIBLE, "c"},
    {"&select=", "", 7, DERIVE_COLUMNS, ""},
    {"&select=anchor&where=type=\"new\"", "&select=anchor,date", 7, DERIVE_COLUMNS, ""},
    {"&select=anchor&where=type=\"new\"", "&select=anchor,type", 7, DERIVE_POSSIBLE, "fc"},
    {"&select=anchor&order_by=date", "&select=anchor", 7, DERIVE_COLUMNS, ""},
    /* conditions */
    {"&where=type=\"new\"", "", 7, DERIVE_POSSIBLE, "f"},
    {"&where=type=\"new\"", "", 1000, DERIVE_INCOMPLETE, ""},
    {"", "&where=type=\"new\"", 7, DERIVE_NARROWER, ""},
    {"&where=type=\"new\"", "&having=type=\"new\"", 1000, DERIVE_POSSIBLE, "="},
    {"&where=domain_rating>=60", "&where=domain_rating>=50", 7, DERIVE_POSSIBLE, "f"},
    {"&where=domain_rating>=50", "&where=domain_rating>=60", 7, DERIVE_NARROWER, ""},
    {"&having=domain_rating=60,nofollow=true", "&where=domain_rating>=50", 7, DERIVE_POSSIBLE,
     "ff"},
    {"&where=domain_rating>=60,domain_rating>=50", "&where=domain_rating>=60", 7, DERIVE_POSSIBLE,
     "f"},
    {"&where=domain_rating>=60", "&where=domain_rating>=60,domain_rating>=50", 7, DERIVE_POSSIBLE,
     ""},
    {"&where=domain_rating>=60", "&where=domain_rating>=60,domain_rating>=50", 1000,
     DERIVE_INCOMPLETE, ""},
    {"&where=nofollow=1", "", 7, DERIVE_CONDITION, ""},
    {"&where=nofollow=1", "&where=nofollow=1", 7, DERIVE_POSSIBLE, "="},
    {"&where=nofollow=1,type=\"new\"", "&where=nofollow=1", 7, DERIVE_POSSIBLE, "f"},
    {"&where=sitewide=1", "", 7, DERIVE_CONDITION, ""},
    {"&where=sitewide=1", "&where=sitewide=1", 7, DERIVE_POSSIBLE, "="},
    {"&where=a or b", "", 7, DERIVE_CONDITION, ""},
    {"", "&where=a or b", 7, DERIVE_NARROWER, ""},
    {"&where=a or b", "&where=a or b", 1000, DERIVE_POSSIBLE, "="},
    {"&where=a or b&having=type=\"new\"", "&where=a or b", 7, DERIVE_POSSIBLE, "f"},
    {"&where=a or b", "&where=a or c", 7, DERIVE_CONDITION, ""},
    {"&where=", "", 7, DERIVE_CONDITION, ""},
    /* window */
    {"&limit=5", "", 1000, DERIVE_POSSIBLE, "w"},
    {"&limit=5&offset=995", "", 1000, DERIVE_POSSIBLE, "w"},
    {"&limit=5&offset=996", "", 1000, DERIVE_WINDOW, ""},
    {"&limit=5&offset=996", "", 999, DERIVE_POSSIBLE, "w"},
    {"&limit=5&offset=20", "&offset=10&limit=15", 15, DERIVE_POSSIBLE, "w"},
    {"&limit=5&offset=21", "&offset=10&limit=15", 15, DERIVE_WINDOW, ""},
    {"&limit=5&offset=21", "&offset=10&limit=15", 14, DERIVE_POSSIBLE, "w"},
    {"&limit=5&offset=9", "&offset=10&limit=15", 14, DERIVE_WINDOW, ""},
    {"&limit=5&offset=10&where=type=\"new\"", "&offset=10&limit=15", 14, DERIVE_INCOMPLETE, ""},
    {"&limit=5&offset=10&where=type=\"new\"", "", 14, DERIVE_POSSIBLE, "fw"},
    {"&limit=5&where=type=\"new\"", "&where=type=\"new\"", 1000, DERIVE_POSSIBLE, "w"},
    /* order */
    {"&order_by=date", "&order_by=date:asc", 1000, DERIVE_POSSIBLE, "="},
    {"&order_by=date", "&order_by=date:desc", 1000, DERIVE_INCOMPLETE, ""},
    {"&order_by=date", "&order_by=date:desc", 7, DERIVE_POSSIBLE, "s"},
    {"&order_by=date", "", 7, DERIVE_POSSIBLE, "s"},
    {"&order_by=date,type", "&order_by=date", 7, DERIVE_POSSIBLE, "s"},
    {"&order_by=date,date:desc", "", 7, DERIVE_ORDER, ""},
    {"", "&order_by=date", 7, DERIVE_POSSIBLE, "s"}, /* whose rows all tie */
    {"", "&order_by=date", 1000, DERIVE_INCOMPLETE, ""},
    {"&order_by=sitewide", "", 7, DERIVE_ORDER, ""},
    {"&order_by=sitewide", "&order_by=sitewide", 7, DERIVE_POSSIBLE, "="},
    {"&order_by=sitewide&where=type=\"new\"", "&order_by=sitewide", 7, DERIVE_POSSIBLE, "f"},
    {"&order_by=", "", 7, DERIVE_ORDER, ""},
    {"&order_by=", "&order_by=", 7, DERIVE_POSSIBLE, "="},
    {"&order_by=date&where=type=\"new\"&select=anchor&limit=3", "", 7, DERIVE_POSSIBLE, "fswc"},
};

static struct query *parse(const char *subject, const char *rest) {
  char text[512];
  struct query *query;
  struct fault fault = {0};
  size_t length = 0;
  for (const char *from = subject; *from; from++)
    text[length++] = *from;
  for (const char *from = rest; *from; from++)
    text[length++] = *from == ' ' ? '+' : *from;
  if (!query_parse((struct view){text, length}, VIEW(""), &query, &fault))
    fail_msg("%s", fault.text);
  return query;
}

static void describe(const struct derive_recipe *recipe, int64_t results, char *out) {
  if (recipe->changes_nothing)
    *out++ = '=';
  for (size_t i = 0; i < recipe->filter_count; i++)
    *out++ = 'f';
  if (recipe->order)
    *out++ = 's';
  if (recipe->offset > 0 || recipe->limit < results)
    *out++ = 'w';
  if (!recipe->all_columns)
    *out++ = 'c';
  *out = '\0';
}

static void check(const struct rules_case *row) {
  static struct derive_recipe recipe;
  char done[16] = "";
  struct query *wanted = parse(SUBJECT, row->wanted), *source = parse(SUBJECT, row->source);
  struct derive_source facts = {.query = source, .results = row->results};
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

static void test_subjects(void **state) {
  static const char *const others[] = {
      "from=backlinks_new_lost&target=b.example&mode=domain",
      "from=backlinks_new_lost&target=a.example&mode=subdomains",
      "from=backlinks_new_lost&target=a.example&mode=other",
      "from=other&target=a.example&mode=domain",
      "from=subscription_info",
  };
  static struct derive_recipe recipe;
  (void)state;
  for (size_t i = 0; i < COUNT(others); i++) {
    struct query *wanted = parse(SUBJECT, ""), *source = parse(others[i], "");
    struct derive_source facts = {.query = source, .results = 0}, own = {.query = wanted};
    assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_SUBJECT);
    assert_int_equal(rules_derive(source, &own, &recipe), DERIVE_SUBJECT);
    facts.query = source;
    assert_int_equal(rules_derive(source, &facts, &recipe),
                     i < 2 ? DERIVE_POSSIBLE : DERIVE_SUBJECT);
    query_release(&wanted);
    query_release(&source);
  }
}

static void test_facts(void **state) {
  static struct derive_recipe recipe;
  (void)state;
  struct query *wanted = parse(SUBJECT, "&where=type=\"new\"&select=anchor&offset=4"),
               *source = parse(SUBJECT, "");
  struct derive_source facts = {.query = source, .results = 7};
  assert_true(rules_is_complete(&facts));
  assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_POSSIBLE);
  assert_int_equal(recipe.columns, UINT32_C(1) << SCHEMA_anchor);
  assert_int_equal(recipe.needed, UINT32_C(1) << SCHEMA_anchor | UINT32_C(1) << SCHEMA_type);
  assert_int_equal(recipe.offset, 4);
  assert_int_equal(recipe.limit, 1000);
  facts.may_be_cut = true;
  assert_false(rules_is_complete(&facts));
  assert_int_equal(rules_derive(wanted, &facts, &recipe), DERIVE_INCOMPLETE);
  assert_true(reason_text(DERIVE_INCOMPLETE)[0]);
  query_release(&wanted);
  query_release(&source);
}

/* A result without a lower bound on `date` that has the last days alone: from 2024-01-01 on. */
static void test_period(void **state) {
  static struct derive_recipe recipe;
  (void)state;
  static const struct {
    const char *wanted, *source;
    enum derive_reason reason;
  } periods[] = {
      {"&limit=5", "", DERIVE_POSSIBLE},
      {"&where=type=\"new\"", "", DERIVE_POSSIBLE},
      {"&where=date<=\"2023-01-01\"", "", DERIVE_POSSIBLE},
      {"&where=date>=\"2024-01-02\"", "", DERIVE_POSSIBLE},
      {"&where=date=\"2024-01-02\"", "", DERIVE_POSSIBLE},
      {"&where=date>\"2024-01-02\"", "", DERIVE_POSSIBLE},
      {"&having=date>=\"2024-01-01\",date>=\"2024-01-09\"", "", DERIVE_POSSIBLE},
      {"&where=date>=\"2024-01-01\"", "", DERIVE_PERIOD},
      {"&where=date>=\"2023-01-01\",date<=\"2024-01-09\"", "", DERIVE_PERIOD},
      {"&where=date=\"2023-01-01\"", "", DERIVE_PERIOD},
      {"&where=date>=\"2023-01-01\"", "&where=date<\"2024-02-01\"", DERIVE_NARROWER},
      {"&where=date>=\"2023-01-01\",date<\"2024-02-01\"", "&where=date<\"2024-02-01\"",
       DERIVE_PERIOD},
      /* the result has a bound of its own */
      {"&where=date>=\"2023-02-01\"", "&where=date>=\"2023-01-01\"", DERIVE_POSSIBLE},
      {"&where=date>=\"2023-01-01\"&limit=5", "&where=date>=\"2023-01-01\"", DERIVE_POSSIBLE},
      {"&where=date>=\"2022-01-01\"", "&where=date>=\"2023-01-01\"", DERIVE_NARROWER},
      {"", "&where=date>=\"2023-01-01\"", DERIVE_NARROWER},
  };
  for (size_t i = 0; i < COUNT(periods); i++) {
    struct query *wanted = parse(SUBJECT, periods[i].wanted);
    struct query *source = parse(SUBJECT, periods[i].source);
    struct derive_source facts = {.query = source, .results = 7, .since = 19723};
    enum derive_reason reason = rules_derive(wanted, &facts, &recipe);
    if (reason != periods[i].reason)
      fail_msg("%s from %s: %s", periods[i].wanted, periods[i].source, reason_word(reason));
    query_release(&wanted);
    query_release(&source);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(test_subjects),
      cmocka_unit_test(test_facts),
      cmocka_unit_test(test_period),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

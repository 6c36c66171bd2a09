/* What is asked in the place of a client's query. */
#include "derive/widen.h"

#include "unit/fixture/unit.h"

#define BASE "from=backlinks_new_lost&mode=domain&target=example.com"

static struct query *parse(const char *args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse(view_of(args), VIEW(""), &query, &fault))
    fail_msg("%s: %s", args, fault.text);
  return query;
}

static const struct {
  const char *args;
  bool all_columns;
  const char *wide; /* NULL: the query itself */
} cases[] = {
    {BASE, true, NULL},
    {BASE "&select=*", true, NULL},
    {BASE "&select=date,type", true, BASE},
    {BASE "&select=date,type", false, NULL},
    {BASE "&select=date&where=type:'lost'&order_by=date:desc&limit=7&offset=3", true,
     BASE "&where=type=\"lost\"&order_by=date:desc&limit=7&offset=3"},
    {BASE "&output=php", true, BASE},
    {BASE "&output=php", false, BASE},
    {BASE "&output=php&select=date", false, BASE "&select=date"},
    {BASE "&output=php&select=date", true, BASE},
    /* whose answer nobody could compute from the wider one */
    {BASE "&select=date,sitewide", true, NULL},
    {BASE "&select=", true, NULL},
    {BASE "&select=date,*", true, NULL},
    {BASE "&select=date&limit=0", true, NULL},
    {BASE "&select=date&x=1", true, NULL},
    {BASE "&select=date&output=xml", true, NULL},
    {BASE "&select=date&output=yaml", true, NULL},
    {"from=backlinks_new_lost&mode=all&target=example.com&select=date", true, NULL},
    {"from=refdomains&mode=domain&target=example.com&select=date&output=php", true, NULL},
    /* an unknown condition or order goes along */
    {BASE "&select=date&where=type+is+lost", true, BASE "&where=type%20is%20lost"},
    {BASE "&select=date&order_by=sitewide", true, BASE "&order_by=sitewide"},
};

static void test_widen(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct query *query = parse(cases[i].args), *wide;
    struct fault fault;
    assert_true(widen_query(query, cases[i].all_columns, &wide, &fault));
    struct view normal = wide ? query_normal(wide) : VIEW("");
    if (!view_is(normal, cases[i].wide ? cases[i].wide : ""))
      fail_msg("%s: %.*s", cases[i].args, (int)normal.length, normal.at);
    query_release(&wide);
    query_release(&query);
  }
}

static void test_recipe(void **state) {
  (void)state;
  struct query *all = parse(BASE "&output=php"), *some = parse(BASE "&select=type,date");
  struct rows_recipe recipe = widen_recipe(all);
  assert_true(rows_recipe_is_empty(&recipe));
  recipe = widen_recipe(some);
  assert_false(recipe.all_columns);
  assert_int_equal(recipe.columns, UINT32_C(1) << SCHEMA_date | UINT32_C(1) << SCHEMA_type);
  assert_int_equal(recipe.limit, -1);
  query_release(&all);
  query_release(&some);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_widen), cmocka_unit_test(test_recipe)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

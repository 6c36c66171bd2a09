#include "base/text.h"
#include "query/condition.h"
#include "query/limits.h"

#include "unit/fixture/unit.h"

/* A set and its items in their one spelling, joined by " & "; NULL: stays text. */
static const struct set_case {
  const char *raw, *items;
} sets[] = {
    {"type=\"lost\"", "type=\"lost\""},
    {" type : 'lost' ", "type=\"lost\""},
    {"type<>\"lost\"", "type<>\"lost\""},
    {"domain_rating>=050 ,nofollow:'true'", "domain_rating>=50 & nofollow=true"},
    {"date<=\"2013-11-24\"", "date<=\"2013-11-24\""},
    {"date<=2013-11-24", "date<=2013-11-24"},
    {"domain_rating<-007", "domain_rating<-7"},
    {"domain_rating>-000", "domain_rating>0"},
    {"domain_rating>'- 7'", "domain_rating>\"- 7\""},
    {"domain_rating>5.0,domain_rating>1e3", "domain_rating>1e3 & domain_rating>5.0"},
    {"nofollow=0,nofollow=\"0\"", "nofollow=\"0\" & nofollow=0"},
    {"title='a\"b\\\\c\\'d'", "title=\"a\\\"b\\\\c'd\""},
    {"title=\"\"", "title=\"\""},
    {"substring( anchor , 'a,b)' )", "substring(anchor,\"a,b)\")"},
    {"word(http_code,\"050\")", "word(http_code,\"050\")"},
    {"subdomain(url_from,'x')", "subdomain(url_from,\"x\")"},
    {"type=\"a\",type='a',type:\"a\"", "type=\"a\""},
    {"type=\"b\",alt=\"c\"", "alt=\"c\" & type=\"b\""},
    {" site_wide = 1 ,type=\"a\"", "site_wide = 1 & type=\"a\""},
    {"word ( foo , 'x' )", "word ( foo , 'x' )"},
    {"substring=\"x\"", "substring=\"x\""}, /* a column, which is not in the schema */
    {"", NULL},
    {" ", NULL},
    {",", NULL},
    {"type", NULL},
    {"type=", NULL},
    {"=\"a\"", NULL},
    {"type=\"a\",", NULL},
    {"type=\"a\" nofollow=true", NULL},
    {"type=\"a", NULL},
    {"type=\"a\\", NULL},
    {"type=\"a\\\"", NULL},
    {"type=\"a\\n\"", NULL},
    {"type=\"a'", NULL},
    {"type=\"a\"\"b\"", NULL},
    {"type==\"a\"", NULL},
    {"type=!\"a\"", NULL},
    {"type\n=\"a\"", NULL},
    {"type=a b", NULL},
    {"type=\xc3\xa9", NULL},
    {"domain_rating>=5(0)", NULL},
    {"domain_rating> =5", NULL},
    {"0rating=5", NULL},
    {"(type=\"a\")", NULL},
    {"type=\"a\" or type=\"b\"", NULL},
    {"word(anchor,x)", NULL},
    {"word(anchor)", NULL},
    {"word(\"x\",anchor)", NULL},
    {"word(anchor,\"x\"", NULL},
    {"word(anchor,\"x\",\"y\")", NULL},
    {"words(anchor,\"x\")", NULL},
    {"WORD(anchor,\"x\")", NULL},
    {"word(word(anchor,\"x\"),\"y\")", NULL},
};

static void check_set(const struct set_case *row) {
  struct conditions set;
  scope_text struct text items = {0};
  assert_true(condition_parse(view_of(row->raw), &set, NULL));
  assert_true(set.present && view_is(set.raw, row->raw));
  for (size_t i = 0; i < set.count; i++) {
    text_add(&items, i ? VIEW(" & ") : VIEW(""));
    text_add(&items, set.items[i].text);
  }
  if (set.parsed != !!row->items || strcmp(text_string(&items), row->items ? row->items : "") != 0)
    fail_msg("\"%s\": \"%s\"", row->raw, set.parsed ? text_string(&items) : "text");
  condition_release(&set);
  assert_false(set.present);
}

static void test_sets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    check_set(&sets[i]);
}

static const struct one_case {
  const char *raw, *column; /* NULL: not in the schema */
  enum condition_op op;
  enum condition_kind kind;
  const char *value;
} ones[] = {
    {"type:'a\\'b'", "type", CONDITION_EQ, CONDITION_STRING, "a'b"},
    {"domain_rating<>\"007\"", "domain_rating", CONDITION_NE, CONDITION_NUMBER, "7"},
    {"domain_rating<-0", "domain_rating", CONDITION_LT, CONDITION_NUMBER, "0"},
    {"domain_rating<=7.0", "domain_rating", CONDITION_LE, CONDITION_BARE, "7.0"},
    {"domain_rating>'7.0'", "domain_rating", CONDITION_GT, CONDITION_STRING, "7.0"},
    {"nofollow>='false'", "nofollow", CONDITION_GE, CONDITION_BOOLEAN, "false"},
    {"nofollow=False", "nofollow", CONDITION_EQ, CONDITION_BARE, "False"},
    {"date=2018", "date", CONDITION_EQ, CONDITION_BARE, "2018"},
    {"substring(redirect,'0301')", "redirect", CONDITION_SUBSTRING, CONDITION_STRING, "0301"},
    {"word(nofollow,'true')", "nofollow", CONDITION_WORD, CONDITION_STRING, "true"},
    {"subdomain(url_to,'a.b')", "url_to", CONDITION_SUBDOMAIN, CONDITION_STRING, "a.b"},
    {"sitewide<true", NULL, CONDITION_LT, CONDITION_STRING, ""},
};

static void test_values(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
    struct conditions set;
    assert_true(condition_parse(view_of(ones[i].raw), &set, NULL));
    assert_int_equal(set.count, 1);
    const struct condition *one = &set.items[0];
    assert_int_equal(one->op, ones[i].op);
    assert_int_equal(one->kind, ones[i].kind);
    assert_true(view_is(one->value, ones[i].value));
    assert_true(ones[i].column ? one->column && view_is(one->column->name, ones[i].column)
                               : !one->column);
    condition_release(&set);
  }
}

static void test_limit(void **state) {
  (void)state;
  scope_text struct text raw = {0};
  struct conditions set;
  for (int i = 0; i < QUERY_CONDITIONS_MAX; i++)
    text_printf(&raw, "%sdomain_rating<>%d", i ? "," : "", i);
  assert_true(condition_parse(text_view(&raw), &set, NULL));
  assert_int_equal(set.count, QUERY_CONDITIONS_MAX);
  condition_release(&set);
  text_add(&raw, VIEW(",type=\"a\""));
  assert_true(condition_parse(text_view(&raw), &set, NULL));
  assert_false(set.parsed);
  condition_release(&set);
}

static void test_any_bytes(void **state) {
  (void)state;
  struct conditions set;
  assert_true(condition_parse(VIEW("title=\"a\0\xff\""), &set, NULL));
  assert_true(set.parsed && view_equal(set.items[0].value, VIEW("a\0\xff")));
  condition_release(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sets),
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_limit),
      cmocka_unit_test(test_any_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

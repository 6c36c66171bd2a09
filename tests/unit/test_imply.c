/* Does one condition imply another, under every reading of upstream (daemon/READINGS.md)? */
#include "derive/imply.h"

#include "unit/fixture/unit.h"
#include "unit/fixture/values.h"

static const struct imply_case {
  const char *narrow, *wide;
  bool implies, implied; /* narrow implies wide; wide implies narrow */
} cases[] = {
    /* the same, whatever it means */
    {"type=\"lost\"", "type : 'lost'", true, true},
    {"sitewide=\"x\"", "sitewide=\"x\"", true, true},
    {"nofollow=1", "nofollow=1", true, true},
    {"nofollow=1", "nofollow=true", false, false},
    {"sitewide>5", "sitewide>4", false, false},
    {"domain_rating>50", "ahrefs_rank>50", false, false},
    /* numbers */
    {"domain_rating>=60", "domain_rating>=50", true, false},
    {"domain_rating>60", "domain_rating>=60", true, false},
    {"domain_rating>60", "domain_rating>50", true, false},
    {"domain_rating>=60", "domain_rating>50", true, false},
    {"domain_rating>=60", "domain_rating>60", false, true},
    {"domain_rating>=51", "domain_rating>50", true, false}, /* not the reverse: 50.5 */
    {"domain_rating<60", "domain_rating<=60", true, false},
    {"domain_rating<60", "domain_rating<100", true, false},
    {"domain_rating<=9", "domain_rating<10", true, false},
    {"domain_rating=60", "domain_rating>=60", true, false},
    {"domain_rating=60", "domain_rating<=60", true, false},
    {"domain_rating=60", "domain_rating>59", true, false},
    {"domain_rating=60", "domain_rating<60", false, false},
    {"domain_rating=60", "domain_rating<>61", true, false},
    {"domain_rating=60", "domain_rating<>60", false, false},
    {"domain_rating>60", "domain_rating<>60", true, false},
    {"domain_rating>=60", "domain_rating<>60", false, false},
    {"domain_rating<>60", "domain_rating<>61", false, false},
    {"domain_rating<=60", "domain_rating<>100", true, false},
    {"domain_rating>60", "domain_rating<100", false, false},
    {"domain_rating>60", "domain_rating>5.5", false, false},
    {"domain_rating>-5", "domain_rating>-6", false, false},
    /* days */
    {"date>=\"2013-11-24\"", "date>=\"2013-11-23\"", true, false},
    {"date>\"2013-11-24\"", "date>=\"2013-11-24\"", true, false},
    {"date>=\"2013-11-25\"", "date>\"2013-11-24\"", true, false},
    {"date<=\"2013-11-24\"", "date<\"2013-11-25\"", true, false},
    {"date=\"2013-11-24\"", "date<=\"2013-11-25\"", true, false},
    {"date=\"2013-11-24\"", "date<=\"2013-11-24\"", false, false}, /* a time on that day */
    {"date=\"2013-11-24\"", "date>=\"2013-11-23\"", true, false},
    {"date=\"2013-11-24\"", "date<>\"2013-11-25\"", true, false},
    {"date>\"2013-11-24\"", "date<>\"2013-11-24\"", false, false},
    {"date>\"2013-11-24\"", "date<>\"2013-11-23\"", true, false},
    {"date>\"2013-11-24T00:00:00Z\"", "date>\"2013-11-23\"", false, false},
    /* booleans */
    {"nofollow=true", "nofollow<>false", true, false}, /* not the reverse: null */
    {"nofollow=true", "nofollow<>true", false, false},
    /* text */
    {"type=\"lost\"", "type<>\"new\"", true, false},
    {"type=\"lost\"", "type<>\"Lost\"", false, false},
    {"type=\"lost\"", "substring(type,\"os\")", false, false}, /* one may fold, and not the other */
    {"type<\"a\"", "type<\"b\"", true, false},
    {"type<\"A\"", "type<\"b\"", false, false},
    {"type>=\"b\"", "type>\"a\"", true, false},
    {"type<\"b\"", "type<=\"b\"", true, false},
    {"type<\"a\"", "type<>\"b\"", false, false},
    {"substring(anchor,\"best tools\")", "substring(anchor,\"tool\")", true, false},
    {"substring(anchor,\"best tools\")", "substring(anchor,\"Tool\")", false, false},
    {"substring(anchor,\"best tools\")", "substring(title,\"tool\")", false, false},
    {"substring(anchor,\"ΟΔΟΣ\")", "substring(anchor,\"ΟΔΟ\")", false, false},
    {"word(anchor,\"tool\")", "substring(anchor,\"tool\")", false, false},
    {"subdomain(url_from,\"a.b.example\")", "subdomain(url_from,\"b.example\")", true, false},
    {"subdomain(url_from,\"www.b.example\")", "subdomain(url_from,\"b.example\")", false, false},
    {"subdomain(url_from,\"ab.example\")", "subdomain(url_from,\"b.example\")", false, false},
};

static void check(const struct imply_case *row, const char *narrow, const char *wide,
                  bool implies) {
  const struct condition *a = condition_of(narrow), *b = condition_of(wide);
  assert_non_null(a);
  assert_non_null(b);
  if (imply_condition(a, b) != implies)
    fail_msg("case %zu: %s, %s", (size_t)(row - cases), narrow, wide);
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    check(&cases[i], cases[i].narrow, cases[i].wide, cases[i].implies);
    check(&cases[i], cases[i].wide, cases[i].narrow, cases[i].implied);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

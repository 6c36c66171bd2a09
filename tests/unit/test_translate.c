/* v2's queries on v3: what is refused, and what it costs. */
#include "translate/translate.h"

#include "query/query.h"
#include "unit/fixture/unit.h"

#include <string.h>

#define BASE "from=backlinks_new_lost&mode=domain&target=example.com"

static struct query *parse(const char *args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse(view_of(args), VIEW(""), &query, &fault))
    fail_msg("%s: %s", args, fault.text);
  return query;
}

/* What the fault says; NULL: it can be asked. */
static const struct {
  const char *args, *says;
} checks[] = {
    {BASE, NULL},
    {BASE "&select=*&output=json&offset=5", NULL},
    {BASE "&select=date,prev_visited,origin", NULL},
    {BASE "&output=php", NULL},
    {"from=refdomains&mode=domain&target=example.com", "table"},
    {"from=backlinks_new_lost&mode=all&target=example.com", "mode"},
    {BASE "&output=xml", "output"},
    {BASE "&limit=0", "limit=0"},
    {BASE "&timeout=5", "'timeout'"},
    {BASE "&select=date,sitewide", "'sitewide'"},
    {BASE "&select=", "select"},
    /* conditions */
    {BASE "&where=", NULL},
    {BASE "&where=type%3D%22lost%22,domain_rating%3E%3D50&having=nofollow%3Dfalse", NULL},
    {BASE "&where=date%3E%3D%222026-04-01%22,date%3C%222026-05-01%22", NULL},
    {BASE "&where=substring(anchor,%22buy%20now%22),word(title,%22home%22)", NULL},
    {BASE "&where=subdomain(url_from,%22example.org%22)", NULL},
    {BASE "&where=first_seen%3E%3D%222026-04-01%22,last_visited%3C%222026-04-01%22", NULL},
    {BASE "&where=type%20is%20lost", "where"},
    {BASE "&where=sitewide%3Dtrue", "no such column"},
    {BASE "&where=origin%3D%22fresh%22", "v3 does not have"},
    {BASE "&having=prev_visited%3E%222026-04-01%22", "v3 does not have"},
    {BASE "&where=type%3D%22LOST%22", "\"new\" or \"lost\""},
    {BASE "&where=domain_rating%3E-1", "not documented"},
    {BASE "&where=title%3E%22m%22", "sorted text"},
    {BASE "&where=first_seen%3C%3D%222026-04-01%22", ">= or <"},
    {BASE "&where=last_visited%3D%222026-04-01%22", ">= or <"},
    /* orders */
    {BASE "&order_by=", NULL},
    {BASE "&order_by=date:desc,type,ahrefs_rank,redirect,nofollow,original,first_seen", NULL},
    {BASE "&order_by=url_from", "sorted text"},
    {BASE "&order_by=date,anchor:desc", "sorted text"},
    {BASE "&order_by=origin", "v3 does not have"},
    {BASE "&order_by=prev_visited", "v3 does not have"},
    {BASE "&order_by=sitewide", "no such column"},
    {BASE "&order_by=date,date:desc", "twice"},
    {BASE "&order_by=date desc", "list of columns"},
};

static void test_check(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(checks); i++) {
    struct query *query = parse(checks[i].args);
    struct fault fault = {0};
    bool ok = translate_check(query, &fault);
    if (ok != !checks[i].says || (!ok && !strstr(fault.text, checks[i].says)))
      fail_msg("%s: %s", checks[i].args, ok ? "can be asked" : fault.text);
    if (!ok)
      assert_int_equal(fault.kind, FAULT_UNTRANSLATABLE);
    query_release(&query);
  }
}

static const struct {
  const char *args;
  int64_t row_cost, rows;
} prices[] = {
    {BASE, 21, 1000},
    {BASE "&select=url_from&limit=10", 3, 10},
    {BASE "&select=url_from&limit=10&offset=90", 3, 100},
    /* what is not asked for is not bought */
    {BASE "&select=url_from,date,type&where=type%3D%22new%22&limit=10", 2, 10},
    {BASE "&select=url_from&where=type%3D%22lost%22&limit=10", 2, 10},
    {BASE "&select=origin&where=type%3D%22lost%22&limit=10", 2, 10},
    {BASE "&select=url_from&where=domain_rating%3E50&order_by=links_external&limit=10", 5, 10},
    /* side by side, and one behind the other */
    {BASE "&select=url_from&order_by=date&limit=10", 2, 20},
    {BASE "&select=url_from&order_by=type&limit=10", 2, 10},
    {BASE "&where=type%3D%22a%22", 0, 0},
};

static void test_price(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(prices); i++) {
    struct query *query = parse(prices[i].args);
    struct translate_price price = translate_price(query);
    if (price.row_cost != prices[i].row_cost || price.rows != prices[i].rows)
      fail_msg("%s: %ld units, %ld rows", prices[i].args, (long)price.row_cost, (long)price.rows);
    query_release(&query);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_check),
      cmocka_unit_test(test_price),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

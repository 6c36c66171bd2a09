/* v2's queries on v3: what is refused, and what it costs. */
#include "translate/translate.h"

#include "base/num.h"
#include "base/text.h"
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
    {BASE "&where=first_seen%3E%3D%222026-04-01%22,last_visited%3C%3E%222026-04-01%22", NULL},
    {BASE "&where=type%20is%20lost", "where"},
    {BASE "&where=sitewide%3Dtrue", "no such column"},
    {BASE "&where=origin%3D%22fresh%22", "v3 does not have"},
    {BASE "&having=prev_visited%3E%222026-04-01%22", "v3 does not have"},
    {BASE "&where=type%3D%22LOST%22", "\"new\" or \"lost\""},
    {BASE "&where=domain_rating%3E-1", "not documented"},
    {BASE "&where=title%3E%22m%22", "sorted text"},
    {BASE "&where=last_visited%3D%222026-04-01%22", "not documented"},
    {BASE
     "&where=last_visited%3D%222026-04-01T12:00:00Z%22,first_seen%3C%222026-04-01T12:00:00Z%22",
     NULL},
    {BASE "&where=first_seen%3C%222026-04-01%2012:00:00%22", "not documented"},
    {BASE "&where=date%3C%222026-04-01T12:00:00Z%22", "not documented"},
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

/* --- one page, word for word --- */

#define TODAY 20000 /* 2024-10-04 */
#define ROW(date, lost)                                                                         \
  "{\"first_seen_link\":\"" date "\",\"last_seen\":" lost                                       \
  ",\"anchor\":\"Buy\",\"redirect_code\":null,\"alt\":null,\"link_type\":\"image\","            \
  "\"url_rating_source\":24.5,\"domain_rating_source\":18,\"discovered_status\":\"pagefound\"," \
  "\"drop_reason\":\"gone\",\"is_nofollow\":false,\"title\":\"\\u00e9\"}"
#define NEW ROW("2024-10-01T10:20:30Z", "null")
#define BOTH ROW("2024-09-01T10:20:30Z", "\"2024-10-02T00:00:00Z\"")
#define OLD ROW("2020-01-01T00:00:00Z", "\"2024-07-01T00:00:00Z\"")

static struct translation *begin(struct query *query, size_t most, struct fault *fault) {
  struct translate_limits limits = {TODAY, most, 0};
  assert_true(translate_check(query, fault));
  return translate_create(query, &limits, fault);
}

/* The first page's normalized query, decoded. */
static const struct {
  const char *args, *asks;
} calls[] = {
    {BASE "&select=date,alt",
     "/v3/site-explorer/"
     "all-backlinks?aggregation=all&history=since:2024-08-03&mode=domain&"
     "order_by=first_seen_link:desc&select=alt,first_seen_link,last_seen&target=example.com&where="
     "{\"or\":[{\"field\":\"first_seen_link\",\"is\":[\"gte\",\"2024-08-05T00:00:00Z\"]},"
     "{\"field\":\"last_seen\",\"is\":[\"gte\",\"2024-08-05T00:00:00Z\"]}]}"},
    {BASE "&select=redirect&where=type%3D%22lost%22,date%3D%222024-09-01%22&limit=7&offset=3",
     "/v3/site-explorer/"
     "all-backlinks?aggregation=all&history=since:2024-08-30&limit=10&mode=domain&"
     "order_by=last_seen:desc&select=last_seen,redirect_code&target=example.com&where="
     "{\"and\":[{\"field\":\"last_seen\",\"is\":[\"gte\",\"2024-09-01T00:00:00Z\"]},"
     "{\"field\":\"last_seen\",\"is\":[\"lt\",\"2024-09-02T00:00:00Z\"]}]}"},
    {BASE "&select=url_from&where=type%3D%22new%22,domain_rating%3D25,redirect%3C400&order_by="
          "ahrefs_rank",
     "/v3/site-explorer/"
     "all-backlinks?aggregation=all&history=since:2024-08-03&mode=domain&"
     "order_by=url_rating_source:asc&select=domain_rating_source,first_seen_link,redirect_code,"
     "url_from,url_rating_source&target=example.com&where="
     "{\"and\":[{\"field\":\"domain_rating_source\",\"is\":[\"gte\",24.5]},"
     "{\"field\":\"domain_rating_source\",\"is\":[\"lt\",25.5]},"
     "{\"field\":\"first_seen_link\",\"is\":[\"gte\",\"2024-08-05T00:00:00Z\"]},"
     "{\"or\":[{\"field\":\"redirect_code\",\"is\":\"is_null\"},"
     "{\"field\":\"redirect_code\",\"is\":[\"lt\",400]}]}]}"},
};

static void decode(struct view text, struct text *out) {
  for (size_t i = 0; i < text.length; i++)
    if (text.at[i] == '%') {
      text_add_char(out,
                    (char)(num_hex_digit(text.at[i + 1]) << 4 | num_hex_digit(text.at[i + 2])));
      i += 2;
    } else {
      text_add_char(out, text.at[i]);
    }
}

static void test_calls(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(calls); i++) {
    struct query *query = parse(calls[i].args), *page;
    struct fault fault;
    scope_text struct text shown = {0};
    struct translation *translation = begin(query, 1 << 20, &fault);
    assert_int_equal(translate_next(translation, 0, -1, &page, &fault), TRANSLATE_ASK);
    decode(query_normal(page), &shown);
    if (!view_is(text_view(&shown), calls[i].asks))
      fail_msg("%s:\n%s", calls[i].args, text_string(&shown));
    query_release(&page);
    translate_release(&translation);
    query_release(&query);
  }
}

/* What becomes of a page. `says`: the answer, or a part of the fault's text. */
static const struct {
  const char *args, *page, *says;
  enum fault_kind kind;
} pages[] = {
    {BASE "&select=date,type", "{\"backlinks\":[" NEW "," BOTH "," OLD "]}",
     "{\"refpages\":[{\"date\":\"2024-10-01\",\"type\":\"new\"},"
     "{\"date\":\"2024-09-01\",\"type\":\"new\"},{\"date\":\"2024-10-02\",\"type\":\"lost\"}]}",
     FAULT_NONE},
    {BASE "&select=redirect,alt,link_type,ahrefs_rank,domain_rating,original,nofollow,prev_visited,"
          "title",
     "{\"backlinks\":[" NEW "]}",
     "{\"refpages\":[{\"ahrefs_rank\":25,\"domain_rating\":18,\"title\":\"\\u00e9\","
     "\"prev_visited\":\"1970-01-01T00:00:00Z\",\"original\":true,\"link_type\":\"href\","
     "\"redirect\":0,\"nofollow\":false,\"alt\":\"\"}]}",
     FAULT_NONE},
    {BASE "&select=origin&order_by=type", "{\"backlinks\":[]}", "{\"refpages\":[]}", FAULT_NONE},
    {BASE "&select=type&where=type%3D%22lost%22", "{\"backlinks\":null}", "{\"refpages\":[]}",
     FAULT_NONE},
    /* whether v2 minds case is not documented */
    {BASE "&select=date&where=anchor%3D%22buy%22", "{\"backlinks\":[" NEW "]}", "\"Buy\"",
     FAULT_UNTRANSLATABLE},
    {BASE "&select=date&where=anchor%3D%22Buy%22", "{\"backlinks\":[" NEW "]}",
     "{\"refpages\":[{\"date\":\"2024-10-01\"}]}", FAULT_NONE},
    {BASE "&select=date&where=anchor%3D%22buy%22,redirect%3E0", "{\"backlinks\":[" NEW "]}",
     "{\"refpages\":[]}", FAULT_NONE},
    /* and whether a day as a bound takes in the times on it */
    {BASE "&select=date&where=first_seen%3E%3D%222024-10-01%22", "{\"backlinks\":[" NEW "]}",
     "2024-10-01T10:20:30Z", FAULT_UNTRANSLATABLE},
    {BASE "&select=date&where=first_seen%3C%222024-10-01%22", "{\"backlinks\":[" NEW "]}",
     "2024-10-01T10:20:30Z", FAULT_UNTRANSLATABLE},
    {BASE "&select=date&where=first_seen%3E%222024-09-30%22", "{\"backlinks\":[" NEW "]}",
     "{\"refpages\":[{\"date\":\"2024-10-01\"}]}", FAULT_NONE},
    {BASE "&select=date&where=first_seen%3E%3D%222024-10-01T10:20:30Z%22",
     "{\"backlinks\":[" NEW "]}", "{\"refpages\":[{\"date\":\"2024-10-01\"}]}", FAULT_NONE},
    {BASE "&select=date&where=first_seen%3E%222024-10-01T10:20:30Z%22", "{\"backlinks\":[" NEW "]}",
     "{\"refpages\":[]}", FAULT_NONE},
    /* broken */
    {BASE "&select=date", "{\"backlinks\":[{}]}", "'first_seen_link'", FAULT_UPSTREAM},
    {BASE "&select=date", "{\"backlinks\":[" ROW("yesterday", "null") "]}", "'first_seen_link'",
     FAULT_UPSTREAM},
    {BASE "&select=date", "{\"backlinks\":[" BOTH "," NEW "]}", "order", FAULT_UPSTREAM},
    {BASE "&select=date", "{\"error\":\"no\"}", "error", FAULT_UPSTREAM},
    {BASE "&select=date", "{\"backlinks\":[1]}", "no object", FAULT_UPSTREAM},
    {BASE "&select=date", "{\"backlinks\":[", "", FAULT_UPSTREAM},
    {BASE "&select=date", "[]", "", FAULT_UPSTREAM},
};

static bool read_page(struct translation *translation, const char *page, struct fault *fault) {
  return translate_feed(translation, view_of(page), fault) &&
         translate_end_page(translation, fault);
}

static void test_pages(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(pages); i++) {
    struct query *query = parse(pages[i].args), *page = NULL;
    struct fault fault = {0};
    struct translation *translation = begin(query, 1 << 20, &fault);
    bool ok = true;
    while (ok && translate_next(translation, 0, -1, &page, &fault) == TRANSLATE_ASK) {
      ok = read_page(translation, pages[i].page, &fault);
      query_release(&page);
    }
    assert_int_equal(fault.kind, pages[i].kind);
    if (ok ? !view_is(translate_answer(translation), pages[i].says)
           : !strstr(fault.text, pages[i].says))
      fail_msg("%s: %s", pages[i].args, ok ? translate_answer(translation).at : fault.text);
    translate_release(&translation);
    query_release(&query);
  }
}

/* More than memory is set aside for. */
static void test_memory(void **state) {
  (void)state;
  struct query *query = parse(BASE "&select=date&limit=1000"), *page;
  struct fault fault = {0};
  assert_null(begin(query, 1000, &fault));
  assert_int_equal(fault.kind, FAULT_UNTRANSLATABLE);
  struct translation *translation = begin(query, 32 * 1000, &fault);
  assert_int_equal(translate_next(translation, 0, -1, &page, &fault), TRANSLATE_ASK);
  query_release(&page);
  bool ok = translate_feed(translation, VIEW("{\"backlinks\":[" NEW), &fault);
  for (int i = 0; ok && i < 1000; i++)
    ok = translate_feed(translation, VIEW("," NEW), &fault);
  assert_false(ok);
  assert_int_equal(fault.kind, FAULT_UNTRANSLATABLE);
  translate_release(&translation);
  query_release(&query);
}

/* A query that nothing can satisfy is answered without a page. */
static void test_nothing(void **state) {
  static const char *const queries[] = {
      BASE "&where=type%3D%22a%22",
      BASE "&where=date%3E%222024-10-01%22,date%3C%222024-10-02%22",
      BASE "&where=date%3C%222024-01-01%22",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(queries); i++) {
    struct query *query = parse(queries[i]), *page;
    struct fault fault = {0};
    struct translation *translation = begin(query, 1 << 20, &fault);
    assert_int_equal(translate_next(translation, 0, -1, &page, &fault), TRANSLATE_DONE);
    assert_true(view_is(translate_answer(translation), "{\"refpages\":[]}"));
    assert_int_equal(translate_results(translation), 0);
    translate_release(&translation);
    query_release(&query);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_check), cmocka_unit_test(test_price),  cmocka_unit_test(test_calls),
      cmocka_unit_test(test_pages), cmocka_unit_test(test_memory), cmocka_unit_test(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

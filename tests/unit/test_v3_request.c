/* The requests of v3: what is sent for a question, and what it can cost. */
#include "base/text.h"
#include "dialect/v3.h"
#include "query/query.h"

#include "unit/fixture/unit.h"

#define BACKLINKS "site-explorer/all-backlinks"
#define KEY "a-key-of-twenty-characters"

static struct query *parse(const char *path, const char *args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse_call(view_of(path), view_of(args), VIEW(KEY), &query, &fault))
    fail_msg("%s?%s: %s", path, args, fault.text);
  return query;
}

static struct dialect_request write_to(const char *upstream, int64_t max_rows,
                                       const struct question *question, const char *key) {
  struct settings settings = {.upstream_url = (char *)upstream, .max_rows = max_rows};
  struct dialect_request request;
  struct fault fault;
  assert_true(dialect_v3.write(question, &settings, view_of(key), &request, &fault));
  return request;
}

static void check_url(const char *path, const char *args, int64_t max_rows, const char *url) {
  struct query *query = parse(path, args);
  const struct question question = question_of(query, NULL);
  struct dialect_request request = write_to("http://up/v3", max_rows, &question, KEY);
  assert_string_equal(request.url, url);
  assert_string_equal(request.authorization, "Bearer " KEY);
  assert_null(request.method);
  assert_null(request.body);
  dialect_request_release(&request);
  query_release(&query);
}

#define URL "http://up/v3/" BACKLINKS

/* The same question is sent in the same letters, so that Ahrefs' own cache can know it. */
static void a_call_has_one_spelling(void **state) {
  (void)state;
  static const struct {
    const char *path, *args;
    int64_t max_rows;
    const char *url;
  } cases[] = {
      {BACKLINKS, "target=a.com&select=anchor", 0, URL "?limit=1000&select=anchor&target=a.com"},
      {BACKLINKS, "select=url_from,anchor&target=a.com&limit=10", 0,
       URL "?limit=10&select=anchor%2Curl_from&target=a.com"},
      {BACKLINKS, "limit=1000&output=json&mode=subdomains&target=a.com&select=alt", 0,
       URL "?limit=1000&select=alt&target=a.com"},
      {BACKLINKS, "target=a.com&select=alt&aggregation=all&zzz=1", 0,
       URL "?aggregation=all&limit=1000&select=alt&target=a.com&zzz=1"},
      {BACKLINKS, "target=a%20b%26c&select=alt", 0, URL "?limit=1000&select=alt&target=a%20b%26c"},
      {BACKLINKS, "", 0, URL "?limit=1000"},
      {BACKLINKS, "a=1&b=2", 0, URL "?a=1&b=2&limit=1000"},
      /* no more can come than was reserved */
      {BACKLINKS, "target=a.com&select=alt", 250, URL "?limit=250&select=alt&target=a.com"},
      {BACKLINKS, "target=a.com&select=alt&limit=100", 250,
       URL "?limit=100&select=alt&target=a.com"},
      /* what is no limit is upstream's to judge */
      {BACKLINKS, "limit=many&target=a.com", 250, URL "?limit=many&target=a.com"},
      {BACKLINKS, "limit=0", 0, URL "?limit=0"},
      /* nothing is known of other endpoints */
      {"keywords-explorer/overview", "select=volume&keywords=a,b&country=us", 250,
       "http://up/v3/keywords-explorer/overview?country=us&keywords=a%2Cb&select=volume"},
      {"keywords-explorer/overview", "limit=7", 5,
       "http://up/v3/keywords-explorer/overview?limit=7"},
      {"keywords-explorer/overview", "", 0, "http://up/v3/keywords-explorer/overview"},
      {"subscription-info/limits-and-usage", "", 0,
       "http://up/v3/subscription-info/limits-and-usage"},
      {"subscription-info/limits-and-usage", "output=json", 0,
       "http://up/v3/subscription-info/limits-and-usage?output=json"},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    check_url(cases[i].path, cases[i].args, cases[i].max_rows, cases[i].url);
}

static void a_url_has_one_slash(void **state) {
  (void)state;
  static const char *const bases[] = {"https://api.ahrefs.com/v3", "https://api.ahrefs.com/v3/"};
  const struct question question = question_of_subscription();
  for (size_t i = 0; i < COUNT(bases); i++) {
    struct dialect_request request = write_to(bases[i], 0, &question, "");
    assert_string_equal(request.url,
                        "https://api.ahrefs.com/v3/subscription-info/limits-and-usage");
    assert_null(request.authorization);
    dialect_request_release(&request);
  }
}

static void another_method_is_passed_on(void **state) {
  (void)state;
  static const struct {
    const char *method, *body, *type;
  } cases[] = {
      {"POST", "{\"targets\":[]}", "application/json"},
      {"DELETE", "", ""},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct query *query = parse("batch-analysis/batch-analysis", "b=1&a=2&limit=7");
    const struct question_body body = {view_of(cases[i].body), view_of(cases[i].type),
                                       view_of(cases[i].method)};
    const struct question question = question_of(query, &body);
    struct dialect_request request = write_to("http://up/v3", 5, &question, KEY);
    assert_string_equal(request.url, "http://up/v3/batch-analysis/batch-analysis?b=1&a=2&limit=7");
    assert_string_equal(request.method, cases[i].method);
    assert_string_equal(request.body, cases[i].body);
    assert_int_equal(request.body_length, strlen(cases[i].body));
    assert_string_equal(request.content_type ? request.content_type : "", cases[i].type);
    dialect_request_release(&request);
    query_release(&query);
  }
}

static void a_query_of_v2_cannot_be_written(void **state) {
  (void)state;
  struct settings settings = {.upstream_url = (char *)"http://up/v3"};
  struct query *query = NULL;
  struct dialect_request request;
  struct fault fault;
  struct view args = VIEW("from=backlinks_new_lost&target=a.com&mode=domain");
  assert_true(query_parse(args, VIEW(""), &query, &fault));
  const struct question question = question_of(query, NULL);
  assert_false(dialect_v3.write(&question, &settings, VIEW(KEY), &request, &fault));
  assert_int_equal(fault.kind, FAULT_INTERNAL);
  dialect_request_release(&request);
  query_release(&query);
}

/* --- the price --- */

#define COLUMN_OF_1 "anchor"
#define COLUMN_OF_5 "class_c"
#define COLUMN_OF_10 "traffic"
#define DEAREST 10
#define WHERE(filter) "&where=" filter
#define IS(name) "{\"field\":\"" name "\",\"is\":[\"eq\",1]}"

static const struct price_case {
  const char *args;
  int64_t row, limit, most;
  bool estimated;
} prices[] = {
    {"select=" COLUMN_OF_1, 1, 1000, 1000, false},
    {"select=" COLUMN_OF_1 "&limit=250", 1, 250, 250, false},
    {"select=" COLUMN_OF_1 "," COLUMN_OF_5 "," COLUMN_OF_10 "&limit=10", 16, 10, 160, false},
    /* a request costs 50 at least */
    {"select=" COLUMN_OF_1 "&limit=10", 1, 10, 50, false},
    {"select=" COLUMN_OF_1 "&limit=50", 1, 50, 50, false},
    {"select=" COLUMN_OF_1 "&limit=51", 1, 51, 51, false},
    /* a column is paid once, wherever it stands */
    {"select=" COLUMN_OF_1 "&order_by=" COLUMN_OF_5 ":desc&limit=100", 6, 100, 600, false},
    {"select=" COLUMN_OF_1 "," COLUMN_OF_1 "&order_by=" COLUMN_OF_1 "&limit=100", 1, 100, 100,
     false},
    {"select=" COLUMN_OF_1 "&limit=100" WHERE(IS(COLUMN_OF_10)), 11, 100, 1100, false},
    {"select=" COLUMN_OF_1 "&limit=100" WHERE("{\"not\":" IS(COLUMN_OF_1) "}"), 1, 100, 100, false},
    {"select=" COLUMN_OF_1
     "&limit=100" WHERE("{\"and\":[" IS(COLUMN_OF_5) "," IS(COLUMN_OF_10) "]}"),
     16, 100, 1600, false},
    {"select=" COLUMN_OF_1 "&limit=100" WHERE(IS("len_url_redirect")), 2, 100, 200, false},
    /* a name that the table lacks may be as dear as any */
    {"select=" COLUMN_OF_1 ",brand_new&limit=100", 1 + DEAREST, 100, 1100, true},
    {"select=" COLUMN_OF_1 "&order_by=brand_new&limit=100", 1 + DEAREST, 100, 1100, true},
    {"select=" COLUMN_OF_1 "&limit=100" WHERE(IS("brand_new")), 1 + DEAREST, 100, 1100, true},
    /* a text that is not understood may name what it has in it, and one that is not known */
    {"select=" COLUMN_OF_1 "&limit=100&where={" COLUMN_OF_10, 1 + 10 + DEAREST, 100, 2100, true},
    {"select=" COLUMN_OF_1 "&limit=100&order_by=" COLUMN_OF_5 "%20desc", 1 + 5 + DEAREST, 100, 1600,
     true},
};

static struct tariff price_of(const char *path, const char *args, int64_t max_rows) {
  struct settings settings = {.max_rows = max_rows, .tariff_other_units = UNITS(5000)};
  struct query *query = parse(path, args);
  const struct question question = question_of(query, NULL);
  struct tariff tariff = dialect_v3.price(&settings, &question);
  query_release(&query);
  return tariff;
}

static void a_call_costs_by_its_columns(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(prices); i++) {
    const struct price_case *one = &prices[i];
    struct tariff tariff = price_of(BACKLINKS, one->args, 0);
    if (tariff.result.parts != one->row || tariff.limit != one->limit ||
        tariff_most(&tariff).parts != one->most || tariff.estimated != one->estimated)
      fail_msg("%s: row %s, limit %lld, most %s, estimated %d", one->args,
               AMOUNT_TEXT(tariff.result), (long long)tariff.limit,
               AMOUNT_TEXT(tariff_most(&tariff)), tariff.estimated);
    assert_int_equal(tariff_cost(&tariff, 0).parts, 50);
    assert_int_equal(tariff_most(&tariff).currency, CURRENCY_UNITS);
  }
}

static void all_columns_are_reserved_if_none_is_named(void **state) {
  (void)state;
  static const char *const args[] = {"limit=10", "select=*&limit=10", "select=anchor%20&limit=10",
                                     "select=&limit=10"};
  struct tariff every = price_of(BACKLINKS, "limit=10", 0);
  assert_in_range(every.result.parts, 100, 200);
  for (size_t i = 0; i < COUNT(args); i++) {
    struct tariff tariff = price_of(BACKLINKS, args[i], 0);
    assert_true(tariff.estimated);
    assert_int_equal(tariff.result.parts, every.result.parts);
  }
  /* a name may be hidden */
  struct tariff escaped = price_of(BACKLINKS, "select=anchor&limit=10&where={\"f\":\"\\u0061\"", 0);
  assert_true(escaped.result.parts > every.result.parts);
}

static void the_plan_caps_the_price(void **state) {
  (void)state;
  assert_int_equal(price_of(BACKLINKS, "select=anchor", 250).limit, 250);
  assert_int_equal(price_of(BACKLINKS, "select=anchor&limit=100", 250).limit, 100);
  assert_int_equal(price_of(BACKLINKS, "select=anchor&limit=many", 250).limit, 250);
  assert_int_equal(price_of(BACKLINKS, "select=anchor&limit=many", 0).limit, QUERY_LIMIT_MAX);
}

static void another_endpoint_has_the_usual_price(void **state) {
  (void)state;
  struct tariff tariff = price_of("keywords-explorer/overview", "select=volume&limit=3", 0);
  assert_int_equal(tariff_most(&tariff).parts, 5000);
  assert_true(tariff.estimated);
  tariff = price_of("subscription-info/limits-and-usage", "", 0);
  assert_int_equal(tariff_most(&tariff).parts, 0);
  assert_false(tariff.estimated);
}

static struct tariff price_of_v2(const char *args) {
  struct settings settings = {.tariff_other_units = UNITS(5000)};
  struct query *query = NULL;
  struct fault fault;
  assert_true(query_parse(view_of(args), VIEW(""), &query, &fault));
  const struct question question = question_of(query, NULL);
  struct tariff tariff = dialect_v3.price(&settings, &question);
  query_release(&query);
  return tariff;
}

/* All 21 columns that a row of v2 needs. */
static void a_query_of_v2_costs_what_its_pages_do(void **state) {
  (void)state;
  struct tariff tariff =
      price_of_v2("from=backlinks_new_lost&target=a.com&mode=domain&limit=100"
                  "&where=date%3E%3D%222024-01-01%22%2Cdate%3C%3D%222024-01-09%22");
  assert_int_equal(tariff.result.parts, 21);
  assert_true(tariff.limit >= 100 && tariff.limit <= 200);
  assert_true(tariff.estimated);
  tariff = price_of_v2("from=backlinks_new_lost&target=a.com&mode=domain&limit=1&select=url_from");
  assert_int_equal(tariff_most(&tariff).parts, 50);
  /* what cannot be translated */
  tariff = price_of_v2("from=backlinks_new_lost&target=a.com&mode=domain&output=xml");
  assert_int_equal(tariff_most(&tariff).parts, 5000);
  tariff = price_of_v2("from=refdomains&target=a.com&mode=domain");
  assert_int_equal(tariff_most(&tariff).parts, 5000);
}

/* --- which dialect --- */

static void upstream_api_decides(void **state) {
  (void)state;
  assert_string_equal(currency_words[dialect_for(&(struct settings){0})->currency], "rows");
  struct settings settings = {.upstream_api = UPSTREAM_API_V3};
  assert_ptr_equal(dialect_for(&settings), &dialect_v3);
  assert_true(dialect_v3.charges_columns && dialect_v3.translates && dialect_v3.paces);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_has_one_spelling),
      cmocka_unit_test(a_url_has_one_slash),
      cmocka_unit_test(another_method_is_passed_on),
      cmocka_unit_test(a_query_of_v2_cannot_be_written),
      cmocka_unit_test(a_call_costs_by_its_columns),
      cmocka_unit_test(all_columns_are_reserved_if_none_is_named),
      cmocka_unit_test(the_plan_caps_the_price),
      cmocka_unit_test(another_endpoint_has_the_usual_price),
      cmocka_unit_test(a_query_of_v2_costs_what_its_pages_do),
      cmocka_unit_test(upstream_api_decides),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

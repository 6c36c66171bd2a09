#include "query/call.h"
#include "query/likeness.h"
#include "query/limits.h"
#include "query/query.h"
#include "query/question.h"

#include <limits.h>

#include "unit/fixture/unit.h"

#define PATH "site-explorer/all-backlinks"
#define TEN "a234567890"
#define FRONT "/v3/" PATH

static struct query *parse_at(const char *path, const char *args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse_call(view_of(path), view_of(args), VIEW("key"), &query, &fault))
    fail_msg("%s?%s: %s", path, args, fault.text);
  return query;
}

static struct query *parse(const char *args) {
  return parse_at(PATH, args);
}

static const struct {
  const char *path, *args, *normal;
} normals[] = {
    {PATH, "", FRONT},
    {PATH, "target=a.com&select=url_to%2Curl_from", FRONT "?select=url_from,url_to&target=a.com"},
    /* order, encoding, repetition */
    {PATH, "&sele%63t=b,a,b&target=a.com&target=a.com&", FRONT "?select=a,b&target=a.com"},
    /* the defaults of the reference */
    {PATH,
     "protocol=both&mode=subdomains&aggregation=similar_links&history=all_time&limit=1000"
     "&output=json&target=a.com",
     FRONT "?target=a.com"},
    {PATH, "mode=exact&aggregation=all&limit=5&output=csv",
     FRONT "?aggregation=all&limit=5&mode=exact&output=csv"},
    {"site-explorer/metrics", "limit=1000&output=json",
     "/v3/site-explorer/metrics?limit=1000&output=json"},
    /* values and names of unknown meaning stay */
    {PATH, "zz=1+2&offset=50&Foo=&timeout=30", FRONT "?Foo=&offset=50&timeout=30&zz=1%202"},
    {PATH, "target=A.com&limit=01000", FRONT "?limit=01000&target=A.com"},
    {PATH, "history=since:2026-01-01", FRONT "?history=since:2026-01-01"},
    /* an order keeps its order, and its directions as they came */
    {PATH, "order_by=traffic:desc,url_to:asc,title",
     FRONT "?order_by=traffic:desc,url_to:asc,title"},
    /* what is no list of names stays as it came */
    {PATH, "select=b,%20a", FRONT "?select=b,%20a"},
    {PATH, "select=b,,a", FRONT "?select=b,,a"},
    {PATH, "select=f(b,a)", FRONT "?select=f(b,a)"},
    {PATH, "select=", FRONT "?select="},
    /* a table in CSV may have the columns in the client's order */
    {PATH, "select=b,a&output=csv", FRONT "?output=csv&select=b,a"},
    /* where, at any endpoint */
    {PATH, "where={\"is\":[\"eq\",1],%20\"field\":\"a\"}",
     FRONT "?where=%7B\"field\":\"a\",\"is\":%5B\"eq\",1%5D%7D"},
    {"x/y", "select=b,a&where={%22z%22:1,%22a%22:2}",
     "/v3/x/y?select=a,b&where=%7B\"a\":2,\"z\":1%7D"},
    {PATH, "where=type+is", FRONT "?where=type%20is"},
    {"subscription-info/limits-and-usage", "", "/v3/subscription-info/limits-and-usage"},
};

static void test_normal(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof normals / sizeof *normals; i++) {
    struct query *query = parse_at(normals[i].path, normals[i].args), *again;
    struct fault fault;
    assert_string_equal(query_normal(query).at, normals[i].normal);
    assert_true(query_parse_normal(query_normal(query), &again, &fault));
    assert_true(digest_equal(query_key(query), query_key(again)));
    query_release(&query);
    query_release(&again);
  }
}

static const struct {
  const char *path, *args;
  enum fault_kind kind;
  const char *fault;
} faults[] = {
#define NO_PATH(path) \
  { path, "", FAULT_UNKNOWN_PATH, "there is nothing at this path; an endpoint" }
    NO_PATH(""),
    NO_PATH("/"),
    NO_PATH(PATH "/"),
    NO_PATH("/" PATH),
    NO_PATH("site-explorer//all-backlinks"),
    NO_PATH("site-explorer/../all-backlinks"),
    NO_PATH("site-explorer/%61ll-backlinks"),
    NO_PATH("site-explorer/all backlinks"),
    NO_PATH("site-explorer/all-backlinks;x"),
    NO_PATH(TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "a23456789"),
    {"site-explorer/All-Backlinks", "", FAULT_UNKNOWN_PATH,
     "there is nothing at this path; write it '" FRONT "'"},
    {"Subscription-Info/limits-and-usage", "", FAULT_UNKNOWN_PATH,
     "there is nothing at this path; write it '/v3/subscription-info/limits-and-usage'"},
    {PATH, "Limit=5", FAULT_MALFORMED, "a parameter's name is nearly 'limit'"},
    {PATH, "+limit=5", FAULT_MALFORMED, "a parameter's name is nearly 'limit'"},
    {"x/y", "order.by=a", FAULT_MALFORMED, "a parameter's name is nearly 'order_by'"},
    {PATH, "select%5B%5D=a", FAULT_MALFORMED, "a parameter's name is nearly 'select'"},
    {PATH, "AGGREGATION=all", FAULT_MALFORMED, "a parameter's name is nearly 'aggregation'"},
    {PATH, "Token=sesame", FAULT_MALFORMED, "a parameter's name is nearly 'token'"},
    {PATH, "token=sesame", FAULT_MALFORMED,
     "v3 takes the key in the header 'Authorization: Bearer'"},
    {PATH, "limit=5&limit=6", FAULT_MALFORMED, "parameter 'limit' is given twice"},
    {PATH, "a=%", FAULT_MALFORMED, "parameter 'a' has a broken percent escape"},
};

static void test_faults(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    struct query *query;
    struct fault fault;
    assert_false(query_parse_call(view_of(faults[i].path), view_of(faults[i].args), VIEW(""),
                                  &query, &fault));
    assert_null(query);
    assert_int_equal(fault.kind, faults[i].kind);
    if (strncmp(fault.text, faults[i].fault, strlen(faults[i].fault)) != 0)
      fail_msg("%s?%s: %s", faults[i].path, faults[i].args, fault.text);
    assert_null(strstr(fault.text, "sesame"));
  }
}

static const struct {
  const char *path, *args;
  int64_t limit;
} limits[] = {
    {PATH, "", 1000},       {PATH, "limit=1", 1},        {PATH, "limit=5000000", 5000000},
    {PATH, "limit=0", -1},  {PATH, "limit=5000001", -1}, {PATH, "limit=99999999999999999999", -1},
    {PATH, "limit=-1", -1}, {PATH, "limit=010", -1},     {PATH, "limit=1e3", -1},
    {PATH, "limit=", -1},   {PATH, "limit=0x10", -1},    {PATH, "limit=+5", -1},
    {"x/y", "", -1},        {"x/y", "limit=7", 7},
};

static void test_limits(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    struct query *query = parse_at(limits[i].path, limits[i].args);
    assert_int_equal(query_limit(query), limits[i].limit);
    assert_int_equal(query_call(query)->limit, limits[i].limit);
    assert_true(query_check_limit(query, NULL));
    query_release(&query);
  }
}

static void test_a_call(void **state) {
  (void)state;
  struct query *query = parse(
      "target=HTTP://Example.com/a&mode=prefix&select=url_to,url_from&order_by=traffic:desc,title"
      "&where={\"or\":[{\"field\":\"http_code\",\"is\":[\"eq\",200]},"
      "{\"field\":\"anchor\",\"is\":\"empty\"}]}");
  const struct call *call = query_call(query);
  assert_int_equal(query_table(query), QUERY_CALL);
  assert_true(view_is(query_token(query), "key"));
  assert_true(view_is(call->path, PATH));
  assert_true(view_is(call->endpoint->rows, "backlinks"));
  assert_int_equal(call->select.count, 2);
  assert_true(view_is(call->select.items[0].name, "url_from"));
  assert_null(call->select.items[0].column);
  assert_true(call->order.items[0].descending);
  assert_false(call->order.items[1].descending);
  assert_int_equal(call->where->kind, FILTER_OR);
  assert_int_equal(query_condition_count(query), 2);
  assert_int_equal(query_mode(query), QUERY_PREFIX);
  assert_true(view_is(query_target_text(query), "http://example.com/a"));
  assert_true(view_is(query_target_host(query), "example.com"));
  assert_true(view_is(call_value(call, "aggregation"), "similar_links"));
  assert_true(view_is(call_value(call, "mode"), "prefix"));
  assert_null(call_value(call, "timeout").at);
  query_release(&query);
}

static void check_subject(const char *left, const char *right, bool same) {
  struct query *a = parse(left), *b = parse(right);
  struct digest of_a, of_b;
  assert_true(query_subject(a, &of_a) && query_subject(b, &of_b));
  if (digest_equal(&of_a, &of_b) != same)
    fail_msg("%s and %s", left, right);
  query_release(&a);
  query_release(&b);
}

static void test_subjects(void **state) {
  (void)state;
  check_subject("target=a.com&select=a&where=x&order_by=a&limit=5", "target=a.com&output=json",
                true);
  check_subject("target=a.com", "target=b.com", false);
  check_subject("target=a.com", "target=a.com&mode=exact", false);
  check_subject("target=a.com", "target=a.com&timeout=5", false);
  check_subject("target=a.com", "target=a.com&output=csv", false);
  struct query *query = parse_at("x/y", "target=a.com");
  struct digest none;
  assert_false(query_subject(query, &none));
  query_release(&query);
}

static void test_questions(void **state) {
  (void)state;
  struct query *query = parse("where={\"is\":\"empty\",\"field\":\"a\"}&limit=1000&target=a.com");
  struct question question = question_of(query, NULL);
  assert_int_equal(question.kind, QUESTION_CALL);
  assert_true(view_is(question.table, PATH));
  assert_true(view_is(question.target, "a.com"));
  assert_int_equal(question.limit, 1000);
  assert_int_equal(question.parameter_count, 2);
  assert_true(view_is(question.parameters[0]->name, "target"));
  assert_true(view_is(question.parameters[1]->value, "{\"field\":\"a\",\"is\":\"empty\"}"));

  struct question_body body = {.bytes = VIEW("{}"), .type = VIEW("x/y"), .method = VIEW("POST")};
  question = question_of(query, &body);
  assert_int_equal(question.kind, QUESTION_CALL_OTHER);
  assert_true(view_is(question.method, "POST"));
  assert_true(view_is(question.body, "{}"));
  assert_int_equal(question.parameter_count, 3);
  assert_true(view_is(question.parameters[1]->name, "limit"));
  query_release(&query);

  query = parse_at("subscription-info/limits-and-usage", "output=json");
  question = question_of(query, NULL);
  assert_int_equal(question.kind, QUESTION_SUBSCRIPTION);
  assert_true(question.call->is_subscription);
  assert_int_equal(question_kind_of(query, true), QUESTION_CALL_OTHER);
  query_release(&query);
}

static void name_of(const char *args, const char *body, char name[LIKENESS_SIZE]) {
  struct query *query = parse_at("site-explorer/refdomains", args);
  const struct question_body sent = {.bytes = view_of(body), .method = VIEW("POST")};
  const struct question question = question_of(query, *body ? &sent : NULL);
  assert_true(likeness_name(&question, name));
  query_release(&query);
}

static void test_likeness(void **state) {
  static const struct {
    const char *left, *right, *left_body, *right_body;
    bool is_alike;
  } pairs[] = {
      {"target=a.com&limit=10", "limit=10&target=bb.example", "", "", true},
      {"date=2026-01-01&target=a.com", "date=2026-02-02&target=a.com", "", "", true},
      {"target=a.com&limit=10", "target=a.com&limit=1000", "", "", false},
      {"target=a.com&limit=10", "target=a.com", "", "", false},
      {"select=a", "select=a,b", "", "", false},
      {"keywords=a", "keywords=a,b", "", "", false},
      {"keywords=a,b", "keywords=cc,dd", "", "", true},
      {"", "", "", "{}", false},
      {"", "", "{\"targets\":[1]}", "{\"targets\":[2]}", true},
      {"", "", "{\"targets\":[1]}", "{\"targets\":[1,2]}", false},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(pairs); i++) {
    char left[LIKENESS_SIZE], right[LIKENESS_SIZE];
    name_of(pairs[i].left, pairs[i].left_body, left);
    name_of(pairs[i].right, pairs[i].right_body, right);
    assert_int_equal(strcmp(left, right) == 0, pairs[i].is_alike);
    assert_int_equal(strncmp(left, "site-explorer/refdomains ", 25), 0);
  }
}

static void test_a_key_in_a_parameter_is_refused(void **state) {
  static const char *const args[] = {"api_key=secret-key-9", "target=a.com/secret-key-9",
                                     "secret-key-9=1", "where=%22secret%2Dkey-9%22"};
  (void)state;
  for (size_t i = 0; i < COUNT(args); i++) {
    struct query *query;
    struct fault fault;
    assert_false(
        query_parse_call(VIEW(PATH), view_of(args[i]), VIEW("secret-key-9"), &query, &fault));
    assert_int_equal(fault.kind, FAULT_MALFORMED);
    assert_null(strstr(fault.text, "secret-key"));
  }
}

static void test_the_columns_of_all_backlinks(void **state) {
  (void)state;
  const struct endpoint *endpoint = endpoint_find(VIEW(PATH));
  size_t selectable = 0, sortable = 0;
  assert_non_null(endpoint);
  assert_int_equal(endpoint->limit, 1000);
  assert_int_equal(endpoint->column_count, 86);
  for (size_t i = 0; i < endpoint->column_count; i++) {
    const struct endpoint_column *column = &endpoint->columns[i];
    assert_ptr_equal(endpoint_column(endpoint, column->name), column);
    selectable += column->selectable;
    sortable += column->sortable;
  }
  assert_int_equal(selectable, 82);
  assert_int_equal(sortable, 81);
  const struct endpoint_column *traffic = endpoint_column(endpoint, VIEW("traffic"));
  assert_int_equal(traffic->price, 10);
  assert_int_equal(traffic->type, ENDPOINT_INT);
  assert_true(endpoint_column(endpoint, VIEW("last_seen"))->nullable);
  assert_false(endpoint_column(endpoint, VIEW("first_seen"))->nullable);
  assert_false(endpoint_column(endpoint, VIEW("is_non_html"))->selectable);
  assert_null(endpoint_column(endpoint, VIEW("Traffic")));
  assert_null(endpoint_find(VIEW("site-explorer/metrics")));
  assert_true(view_is(endpoint_default(endpoint, VIEW("limit")), "1000"));
}

/* ---- One allocation of a parse fails. */

static int allocations_left = INT_MAX;

void *__real_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *at, size_t size);

void *__wrap_calloc(size_t count, size_t size) {
  return allocations_left-- == 0 ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size) {
  return allocations_left-- == 0 ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *at, size_t size) {
  return allocations_left-- == 0 ? NULL : __real_realloc(at, size);
}

static void test_no_memory(void **state) {
  (void)state;
  struct query *query = NULL;
  struct fault fault;
  int failed = 0;
  for (bool ok = false; !ok; failed++) {
    assert_null(query);
    allocations_left = failed;
    ok = query_parse_call(VIEW(PATH),
                          VIEW("mode=exact&target=A.com&select=b,a&order_by=a&where={\"or\":["
                               "{\"field\":\"b\",\"is\":\"empty\"},"
                               "{\"field\":\"a\",\"is\":[\"eq\",\"1\"]}]}"),
                          VIEW("key"), &query, &fault);
    allocations_left = INT_MAX;
    assert_true(ok || fault.kind == FAULT_INTERNAL);
  }
  assert_true(failed > 20);
  assert_non_null(query_call(query)->where);
  query_release(&query);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normal),
      cmocka_unit_test(test_faults),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_a_call),
      cmocka_unit_test(test_subjects),
      cmocka_unit_test(test_questions),
      cmocka_unit_test(test_likeness),
      cmocka_unit_test(test_a_key_in_a_parameter_is_refused),
      cmocka_unit_test(test_the_columns_of_all_backlinks),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

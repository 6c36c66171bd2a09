/* The cost of a request, from its text and the configuration. */
#include "dialect/v2.h"
#include "query/query.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

#define OURS "from=backlinks_new_lost&target=example.com&mode=domain"
#define OTHER "from=refdomains&target=example.com&mode=domain"

static const struct tariff_case {
  const char *args;
  const char *overrides[3];
  int64_t fixed, result; /* tenths */
  int64_t limit;
  int64_t most; /* tenths */
  bool estimated;
} cases[] = {
    /* request 1, result 0.2, where 5, having 5 */
    {OURS, {NULL}, 10, 2, 1000, 2010, false},
    {OURS "&limit=1", {NULL}, 10, 2, 1, 12, false},
    {OURS "&limit=0", {NULL}, 10, 2, 0, 10, false},
    {OURS "&limit=5000000", {NULL}, 10, 2, 5000000, 10000010, false},
    {OURS "&where=type%3D%22lost%22", {NULL}, 60, 2, 1000, 2060, false},
    {OURS "&having=type%3D%22lost%22", {NULL}, 60, 2, 1000, 2060, false},
    {OURS "&having=a&where=b&limit=10", {NULL}, 110, 2, 10, 130, false},
    {OURS "&where=", {NULL}, 60, 2, 1000, 2060, false},
    {OURS "&select=type&order_by=type", {NULL}, 10, 2, 1000, 2010, false},
    {OURS "&output=xml", {NULL}, 10, 2, 1000, 2010, false},
    /* offset: free now, 5 on an older list, and one of 0 is not sent */
    {OURS "&offset=5", {NULL}, 10, 2, 1000, 2010, false},
    {OURS "&offset=5", {"tariff.offset=5"}, 60, 2, 1000, 2060, false},
    {OURS "&offset=0", {"tariff.offset=5"}, 10, 2, 1000, 2010, false},
    /* the amounts are the configuration's */
    {OURS "&where=a&having=b&offset=1&limit=3",
     {"tariff.request=2", "tariff.result=0.1", "tariff.where=0.5"},
     75,
     1,
     3,
     78,
     false},
    {OURS, {"tariff.request=0", "tariff.result=0"}, 0, 0, 1000, 0, false},
    {OURS, {"tariff.other_request=7", "tariff.other_result=8"}, 10, 2, 1000, 2010, false},
    /* free targets: the host, without case, that host alone */
    {OURS, {"tariff.free_targets=ahrefs.com, example.com"}, 0, 0, 1000, 0, false},
    {OURS "&where=a&having=b", {"tariff.free_targets=Example.COM"}, 0, 0, 1000, 0, false},
    {"from=backlinks_new_lost&mode=exact&target=http%3A%2F%2FEXAMPLE.com%3A80%2Fa",
     {"tariff.free_targets=example.com"},
     0,
     0,
     1000,
     0,
     false},
    {"from=backlinks_new_lost&mode=domain&target=EXAMPLE.com.%2Fa",
     {"tariff.free_targets=example.com"},
     0,
     0,
     1000,
     0,
     false},
    /* what may not be that host for upstream is paid for */
    {"from=backlinks_new_lost&mode=domain&target=example.com%23x",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    {"from=backlinks_new_lost&mode=subdomains&target=http%3A%2F%2Fexample.com%2F",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    {"from=backlinks_new_lost&mode=domain&target=ex%E2%80%8Bample.com",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    {"from=backlinks_new_lost&mode=domain&target=www.example.com",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    {"from=backlinks_new_lost&mode=domain&target=notexample.com",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    {"from=backlinks_new_lost&mode=domain&target=other.org%2Fexample.com",
     {"tariff.free_targets=example.com"},
     10,
     2,
     1000,
     2010,
     false},
    /* other tables: the usual price, as an estimate; their parameters are not judged */
    {OTHER, {NULL}, 10, 10, 1000, 10010, true},
    {OTHER "&limit=5", {NULL}, 10, 10, 5, 60, true},
    {OTHER "&limit=many", {NULL}, 10, 10, 5000000, 50000010, true},
    {OTHER "&limit=+20000", {NULL}, 10, 10, 5000000, 50000010, true},
    {OTHER "&limit=5000000", {NULL}, 10, 10, 5000000, 50000010, true},
    {OTHER "&where=a&having=b&offset=5", {"tariff.offset=5"}, 10, 10, 1000, 10010, true},
    {OTHER, {"tariff.other_request=2", "tariff.other_result=0.5"}, 20, 5, 1000, 5020, true},
    {"from=whatever", {NULL}, 10, 10, 1000, 10010, true},
    /* subscription_info */
    {"from=subscription_info", {NULL}, 0, 0, 1000, 0, false},
    {"from=subscription_info&limit=7&where=a", {"tariff.other_request=5"}, 0, 0, 7, 0, false},
};

static struct settings *settings_with(const char *const *overrides, size_t count) {
  struct settings_override list[3];
  size_t given = 0;
  for (; given < count && overrides[given]; given++)
    list[given].text = overrides[given];
  struct settings *settings = NULL;
  struct fault fault;
  if (!settings_parse("x.conf", VIEW(""), list, given, &settings, &fault))
    fail_msg("%s", fault.text);
  return settings;
}

static struct tariff tariff_of(const char *args, const char *const *overrides, size_t count) {
  struct settings *settings = settings_with(overrides, count);
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse(view_of(args), VIEW(""), &query, &fault))
    fail_msg("%s: %s", args, fault.text);
  struct question question = question_of(query, NULL);
  struct tariff tariff = dialect_v2.price(settings, &question);
  query_release(&query);
  settings_release(&settings);
  return tariff; /* which stays what it was */
}

static void prices(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct tariff_case *one = &cases[i];
    struct tariff tariff = tariff_of(one->args, one->overrides, COUNT(one->overrides));
    if (tariff.fixed.parts != one->fixed || tariff.result.parts != one->result ||
        tariff.limit != one->limit || tariff_most(&tariff).parts != one->most ||
        tariff.estimated != one->estimated)
      fail_msg("row %zu, %s: fixed %s, result %s, limit %lld, most %s, estimated %d", i, one->args,
               AMOUNT_TEXT(tariff.fixed), AMOUNT_TEXT(tariff.result), (long long)tariff.limit,
               AMOUNT_TEXT(tariff_most(&tariff)), tariff.estimated);
  }
}

static void cost_is_of_what_came(void **state) {
  (void)state;
  static const struct {
    struct tariff tariff;
    int64_t results, tenths;
  } costs[] = {
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 2}, .limit = 1000}, 0, 10},
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 2}, .limit = 1000}, 1, 12},
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 2}, .limit = 1000}, 1000, 2010},
      /* more than the limit: upstream's mistake is charged for as it came */
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 2}, .limit = 1000}, 1001, 2012},
      {{.fixed = {CURRENCY_ROWS, 0}, .result = {CURRENCY_ROWS, 0}, .limit = 1000}, INT64_MAX, 0},
      /* sums saturate */
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 2}, .limit = 1},
       INT64_MAX,
       INT64_MAX},
      {{.fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 1}, .limit = 1},
       INT64_MAX,
       INT64_MAX},
      {{.fixed = {CURRENCY_ROWS, INT64_MAX}, .result = {CURRENCY_ROWS, 2}, .limit = 1},
       1,
       INT64_MAX},
      /* a request has a least price */
      {{.fixed = {CURRENCY_UNITS, 0},
        .result = {CURRENCY_UNITS, 21},
        .least = {CURRENCY_UNITS, 50},
        .limit = 9},
       0,
       50},
      {{.fixed = {CURRENCY_UNITS, 0},
        .result = {CURRENCY_UNITS, 21},
        .least = {CURRENCY_UNITS, 50},
        .limit = 9},
       2,
       50},
      {{.fixed = {CURRENCY_UNITS, 0},
        .result = {CURRENCY_UNITS, 21},
        .least = {CURRENCY_UNITS, 50},
        .limit = 9},
       3,
       63},
  };
  for (size_t i = 0; i < COUNT(costs); i++)
    assert_int_equal(tariff_cost(&costs[i].tariff, costs[i].results).parts, costs[i].tenths);
}

static void the_most_saturates(void **state) {
  (void)state;
  struct tariff tariff = {
      .fixed = {CURRENCY_ROWS, 10}, .result = {CURRENCY_ROWS, 10000000}, .limit = INT64_MAX};
  assert_int_equal(tariff_most(&tariff).parts, INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prices),
      cmocka_unit_test(cost_is_of_what_came),
      cmocka_unit_test(the_most_saturates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/text.h"
#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "query/query.h"

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
  const char *args, *normal;
} normals[] = {
    {BASE, BASE},
    {"token=x&target=Example.COM&offset=00&limit=01000&mode=domain&output=json&select=*"
     "&from=backlinks_new_lost",
     BASE},
    {BASE "&zz=1+2&output=xml&offset=7&limit=5&order_by=date:desc,type:asc&having=alt:'x'"
          "&where=nofollow='true',domain_rating>050&select=url_to,%20date&aa=%26",
     BASE "&select=date,url_to&where=domain_rating>50,nofollow=true&having=alt=\"x\""
          "&order_by=date:desc,type&limit=5&offset=7&aa=%26&zz=1%202&output=xml"},
    {BASE "&where=title=\"50%25 %23+a%26b\"", BASE "&where=title=\"50%25%20%23%20a%26b\""},
    {BASE "&where=", BASE "&where="},
    {BASE "&where=type+is+lost&select=a,,b", BASE "&select=a,,b&where=type%20is%20lost"},
    {"from=refdomains&token=x&where=a:1&target=A.com&output=json",
     "from=refdomains&target=A.com&where=a:1"},
    {"token=x&from=subscription_info", "from=subscription_info"},
    {"from=b%20c&%3D=%3D", "%3D==&from=b%20c"},
};

static void test_normal(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof normals / sizeof *normals; i++) {
    struct query *query = parse(normals[i].args);
    assert_string_equal(query_normal(query).at, normals[i].normal);
    query_release(&query);
    assert_null(query);
  }
}

static const struct {
  const char *args, *fault;
} faults[] = {
    {"", "mandatory parameter 'from' is missing"},
    {"from=", "mandatory parameter 'from' is missing"},
    {"From=backlinks_new_lost", "a parameter's name is nearly 'from', and upstream may take it for "
                                "that: write 'from'"},
    {BASE "&+limit=5", "a parameter's name is nearly 'limit'"},
    {"from=subscription_info&+from=backlinks_new_lost", "a parameter's name is nearly 'from'"},
    {"from=refdomains&order.by=x", "a parameter's name is nearly 'order_by'"},
    {BASE "&token=t&token%5B%5D=u", "a parameter's name is nearly 'token'"},
    {"from=Backlinks_new_lost&mode=domain&target=a.com",
     "parameter 'from' is nearly 'backlinks_new_lost', and upstream may take it for that: write "
     "'backlinks_new_lost'"},
    {"from=backlinks_new_lost+", "parameter 'from' is nearly 'backlinks_new_lost'"},
    {"from=%C2%A0SUBSCRIPTION_INFO", "parameter 'from' is nearly 'subscription_info'"},
    {BASE "&token=a%20b", "parameter 'token' cannot be a token: write visible ASCII characters"},
    {BASE "&token=%C3%A9", "parameter 'token' cannot be a token"},
    {BASE "&token=a%C2%A0", "parameter 'token' cannot be a token"},
    {BASE "&token=a%07b", "parameter 'token' cannot be a token"},
    {BASE "&token=a&token=a+", "parameter 'token' is given twice with different values"},
    {"from=backlinks_new_lost&mode=domain", "mandatory parameter 'target' is missing"},
    {"from=backlinks_new_lost&mode=domain&target=", "mandatory parameter 'target' is missing"},
    {"from=backlinks_new_lost&target=a.com", "mandatory parameter 'mode' is missing"},
    {"from=backlinks_new_lost&mode=&target=a.com", "mandatory parameter 'mode' is missing"},
    {BASE "&mode=exact", "parameter 'mode' is given twice with different values"},
    {BASE "&limit=", "parameter 'limit' is \"\": give a whole number from 0 to 5000000"},
    {BASE "&limit=-1", "parameter 'limit' is \"-1\""},
    {BASE "&limit=1.0", "parameter 'limit' is \"1.0\""},
    {BASE "&limit=+1", "parameter 'limit' is \" 1\""},
    {BASE "&limit=1e3", "parameter 'limit' is \"1e3\""},
    {BASE "&limit=5000001", "parameter 'limit' is \"5000001\""},
    {BASE "&limit=1000000000000000", "parameter 'limit' is \"1000000000000000\""},
    {"from=refdomains&limit=5000001", "parameter 'limit' is \"5000001\""},
    {"from=refdomains&limit=99999999999999999999", "parameter 'limit' is \"99999999999999999999\""},
    {BASE "&offset=1000000000000001",
     "parameter 'offset' is \"1000000000000001\": give a whole number from 0 to 1000000000000000"},
    {BASE "&offset=99999999999999999999999999999999999999999999999999",
     "parameter 'offset' is \"99999999999999999999999999999999999999999999...\""},
    {BASE "&offset=a%0Ab", "parameter 'offset' is \"a?b\""},
    {BASE "&token=a&token=b", "parameter 'token' is given twice with different values"},
};

static void test_faults(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    struct query *query;
    struct fault fault;
    assert_false(query_parse(view_of(faults[i].args), VIEW(""), &query, &fault));
    assert_null(query);
    assert_int_equal(fault.kind, FAULT_MALFORMED);
    if (strncmp(fault.text, faults[i].fault, strlen(faults[i].fault)) != 0)
      fail_msg("%s: %s", faults[i].args, fault.text);
  }
}

static void test_too_long(void **state) {
  (void)state;
  char *bytes = malloc(QUERY_BYTES_MAX + 1);
  assert_non_null(bytes);
  memset(bytes, '&', QUERY_BYTES_MAX + 1);
  struct view most = {bytes, QUERY_BYTES_MAX}, more = {bytes, QUERY_BYTES_MAX + 1};
  struct query *query;
  struct fault fault;
  assert_false(query_parse(more, VIEW(""), &query, &fault));
  assert_int_equal(fault.kind, FAULT_URI_TOO_LONG);
  assert_false(query_parse(VIEW(BASE), more, &query, &fault));
  assert_int_equal(fault.kind, FAULT_BODY_TOO_LARGE);
  assert_true(query_parse(VIEW(BASE), most, &query, &fault));
  query_release(&query);
  free(bytes);
}

static void test_accessors(void **state) {
  (void)state;
  struct query *query =
      parse("token=t&" BASE "&limit=5&offset=7&output=php&where=type:'a',x=1&having=?"
            "&select=date,sitewide&order_by=date,type:desc");
  assert_int_equal(query_table(query), QUERY_BACKLINKS_NEW_LOST);
  assert_int_equal(query_mode(query), QUERY_DOMAIN);
  assert_int_equal(query_output(query), QUERY_PHP);
  assert_int_equal(query_limit(query), 5);
  assert_int_equal(query_offset(query), 7);
  assert_true(view_is(query_token(query), "t"));
  assert_true(view_is(query_target_text(query), "example.com"));
  assert_int_equal(query_form(query)->count, 11);
  assert_int_equal(query_where(query)->count, 2);
  assert_false(query_having(query)->parsed);
  assert_int_equal(query_select(query)->count, 2);
  assert_non_null(query_select(query)->items[0].column);
  assert_null(query_select(query)->items[1].column);
  assert_false(columns_are_all(query_select(query)));
  assert_false(query_order(query)->items[0].descending);
  assert_true(query_order(query)->items[1].descending);
  query_release(&query);
}

#define DIGITS "0123456789abcdef0123456789abcdef01234567"

static void test_the_one_spelling_of_a_token(void **state) {
  (void)state;
  static const struct {
    const char *args, *token;
  } tokens[] = {
      {"&token=" DIGITS, DIGITS},
      {"&token=%20%09" DIGITS "%0D%0A", DIGITS},
      {"&token=0123456789ABCDEF0123456789abcdef01234567", DIGITS},
      {"&token=+0123456789ABCDEF0123456789ABCDEF01234567+", DIGITS},
      {"&token=0123456789ABCDEF", "0123456789ABCDEF"},
      {"&token=0123456789ABCDEF0123456789ABCDEF0123456X",
       "0123456789ABCDEF0123456789ABCDEF0123456X"},
      {"&token=%20", ""},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
    scope_text struct text args = {0};
    text_add(&args, VIEW(BASE));
    text_add(&args, view_of(tokens[i].args));
    struct query *query = parse(text_string(&args));
    assert_true(view_is(query_token(query), tokens[i].token));
    query_release(&query);
  }
}

static void test_limit_under_a_budget(void **state) {
  (void)state;
  static const char *const good[] = {"", "&limit=0", "&limit=0007", "&limit=5000000"};
  static const char *const bad[] = {"&limit=",    "&limit=+20000", "&limit=%2B20000",
                                    "&limit=2e4", "&limit=20000+", "&limit=0x4e20",
                                    "&limit=-1"};
  struct fault fault;
  for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
    bool is_good = i < sizeof good / sizeof *good;
    scope_text struct text args = {0};
    text_add(&args, VIEW("from=refdomains"));
    text_add(&args, view_of(is_good ? good[i] : bad[i - sizeof good / sizeof *good]));
    struct query *query = parse(text_string(&args));
    if (query_check_limit(query, &fault) != is_good)
      fail_msg("%s", text_string(&args));
    query_release(&query);
  }
  assert_int_equal(fault.kind, FAULT_MALFORMED);
}

static void test_absent(void **state) {
  (void)state;
  struct query *query = parse("from=backlinks_new_lost&mode=x&target=http://A.com:9/&offset=0");
  assert_int_equal(query_mode(query), QUERY_MODE_UNKNOWN);
  assert_int_equal(query_output(query), QUERY_JSON);
  assert_int_equal(query_limit(query), 1000);
  assert_int_equal(query_token(query).length, 0);
  assert_true(view_is(query_target_text(query), "http://A.com:9/"));
  assert_int_equal(query_target_host(query).length, 0);
  assert_true(columns_are_all(query_select(query)));
  assert_false(query_order(query)->present || query_where(query)->present);
  query_release(&query);

  query = parse("from=backlinks_new_lost&mode=exact&target=http://A.com:9/&output=yaml&where=");
  assert_true(view_is(query_target_text(query), "http://a.com:9/"));
  assert_true(view_is(query_target_host(query), "a.com"));
  assert_int_equal(query_output(query), QUERY_OUTPUT_UNKNOWN);
  assert_true(query_where(query)->present);
  query_release(&query);
}

static void test_other_tables(void **state) {
  (void)state;
  struct query *query = parse("from=subscription_info");
  assert_int_equal(query_table(query), QUERY_SUBSCRIPTION_INFO);
  assert_int_equal(query_target_text(query).length, 0);
  query_release(&query);

  query = parse("from=refdomains&limit=x&offset=0&mode=exact&target=A.com&where=a:1");
  assert_int_equal(query_table(query), QUERY_OTHER);
  assert_int_equal(query_mode(query), QUERY_EXACT);
  assert_int_equal(query_limit(query), -1);
  assert_true(view_is(query_target_text(query), "A.com"));
  assert_false(query_where(query)->present);
  query_release(&query);
}

#define FULL                                                                          \
  BASE "&select=type,url_to&where=nofollow=true&having=alt:'x'&order_by=date&limit=5" \
       "&offset=7&zz=1&output=php"

static const struct {
  const char *args;
  struct query_change change;
  const char *normal;
} changed[] = {
    {FULL,
     {0},
     BASE "&select=type,url_to&where=nofollow=true&having=alt=\"x\"&order_by=date&limit=5"
          "&offset=7&zz=1&output=php"},
    {FULL,
     {.all_columns = true, .as_json = true},
     BASE "&where=nofollow=true&having=alt=\"x\"&order_by=date&limit=5&offset=7&zz=1"},
    {FULL,
     {.all_columns = true, .all_rows = true, .as_json = true, .limit = 1025},
     BASE "&limit=1025&zz=1"},
    {BASE "&limit=5", {.limit = 1000}, BASE},
    {BASE "&where=", {.all_rows = true}, BASE},
    {BASE "&where=type+is+lost,x", {.as_json = true}, BASE "&where=type%20is%20lost,x"},
    {BASE "&token=secret&output=yaml", {0}, BASE "&output=yaml"},
};

static void test_changed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
    struct query *query = parse(changed[i].args), *other, *written = parse(changed[i].normal);
    struct fault fault;
    assert_true(query_changed(query, &changed[i].change, &other, &fault));
    assert_true(view_is(query_normal(other), changed[i].normal));
    assert_true(digest_equal(query_key(other), query_key(written)));
    query_release(&query);
    query_release(&other);
    query_release(&written);
  }
}

static void test_subject(void **state) {
  (void)state;
  struct query *query = parse(BASE), *same = parse(FULL),
               *mode = parse("from=backlinks_new_lost&mode=exact&target=example.com"),
               *odd = parse("from=backlinks_new_lost&mode=all&target=example.com");
  struct digest one, two;
  assert_true(query_subject(query, &one) && query_subject(same, &two));
  assert_true(digest_equal(&one, &two));
  assert_true(query_subject(mode, &two));
  assert_false(digest_equal(&one, &two));
  assert_false(query_subject(odd, &two));
  assert_false(digest_equal(&one, query_key(query)));
  query_release(&query);
  query_release(&same);
  query_release(&mode);
  query_release(&odd);
}

static void test_condition_count(void **state) {
  (void)state;
  static const struct {
    const char *args;
    int64_t count;
  } cases[] = {{BASE, 0},
               {FULL, 2},
               {BASE "&where=", 1},
               {BASE "&where=nofollow=true,alt='x'", 2},
               {BASE "&where=type+is+lost,x&having=alt='x'", 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct query *query = parse(cases[i].args);
    assert_int_equal(query_condition_count(query), cases[i].count);
    query_release(&query);
  }
}

/* Stored results are found by it: whoever changes it counts up the version in query/normal.c. */
static void test_known_key(void **state) {
  (void)state;
  struct query *query = parse(BASE "&where=type:'lost'&limit=5");
  struct digest expected = digest_sha256(VIEW("rowcache query 2\n"
                                              "4:fromn18:backlinks_new_lost"
                                              "4:moden6:domain"
                                              "6:targetn11:example.com"
                                              "5:wheren11:type=\"lost\""
                                              "5:limitn1:5"));
  assert_true(digest_equal(query_key(query), &expected));
  query_release(&query);
}

static void test_body(void **state) {
  (void)state;
  struct query *query, *same = parse(BASE "&limit=5");
  struct fault fault;
  assert_true(query_parse(VIEW("from=backlinks_new_lost&limit=5"),
                          VIEW("mode=domain&target=example.com&limit=5"), &query, &fault));
  assert_true(digest_equal(query_key(query), query_key(same)));
  query_release(&query);
  query_release(&same);
  assert_false(query_parse(VIEW(BASE "&limit=5"), VIEW("limit=6"), &query, &fault));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normal),
      cmocka_unit_test(test_faults),
      cmocka_unit_test(test_too_long),
      cmocka_unit_test(test_accessors),
      cmocka_unit_test(test_absent),
      cmocka_unit_test(test_other_tables),
      cmocka_unit_test(test_changed),
      cmocka_unit_test(test_subject),
      cmocka_unit_test(test_condition_count),
      cmocka_unit_test(test_known_key),
      cmocka_unit_test(test_body),
      cmocka_unit_test(test_the_one_spelling_of_a_token),
      cmocka_unit_test(test_limit_under_a_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

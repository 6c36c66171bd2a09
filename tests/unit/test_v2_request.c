/* The requests of v2: what is sent for a question. */
#include "base/text.h"
#include "dialect/v2.h"
#include "query/query.h"

#include "unit/fixture/unit.h"

#define BASE "from=backlinks_new_lost&mode=domain&target=example.com"
#define URL "http://upstream/?"

static struct query *parse(const char *args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse(view_of(args), VIEW(""), &query, &fault))
    fail_msg("%s: %s", args, fault.text);
  return query;
}

static struct dialect_request write_at(const char *upstream, const struct question *question,
                                       const char *token) {
  struct settings settings = {.upstream_url = (char *)upstream};
  struct dialect_request request;
  struct fault fault;
  assert_true(dialect_v2.write(question, &settings, view_of(token), &request, &fault));
  assert_null(request.authorization);
  return request;
}

/* What is sent for `question`, behind "?". The caller frees it. */
static char *args_of(const struct question *question, const char *token) {
  struct dialect_request request = write_at("http://upstream", question, token);
  assert_true(view_starts(view_of(request.url), VIEW(URL)));
  char *args = strdup(request.url + sizeof URL - 1);
  dialect_request_release(&request);
  return args;
}

static void check_args(const struct question *question, const char *token, const char *expected) {
  char *args = args_of(question, token);
  assert_string_equal(args, expected);
  free(args);
}

static void a_url_is_the_base_and_the_parameters(void **state) {
  (void)state;
  static const struct {
    const char *base, *url;
  } cases[] = {
      {"https://apiv2.ahrefs.com", "https://apiv2.ahrefs.com/?from=subscription_info&token=a%2F"},
      {"https://apiv2.ahrefs.com/", "https://apiv2.ahrefs.com/?from=subscription_info&token=a%2F"},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080/?from=subscription_info&token=a%2F"},
      {"http://[::1]:80", "http://[::1]:80/?from=subscription_info&token=a%2F"},
      {"http://host/v2", "http://host/v2?from=subscription_info&token=a%2F"},
      {"http://host/v2/", "http://host/v2/?from=subscription_info&token=a%2F"},
      {"HTTP://HOST", "HTTP://HOST/?from=subscription_info&token=a%2F"},
  };
  const struct question question = question_of_subscription();
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct dialect_request request = write_at(cases[i].base, &question, "a/");
    assert_string_equal(request.url, cases[i].url);
    dialect_request_release(&request);
    assert_null(request.url);
  }
}

static const struct {
  const char *args, *token, *upstream;
} sent[] = {
    /* the question that the key stands for, whoever asks it in whatever words */
    {BASE, "t", BASE "&limit=1000&token=t"},
    {BASE, "", BASE "&limit=1000"},
    {"token=a&" BASE, "", BASE "&limit=1000"},
    {"token=a&" BASE, "b c", BASE "&limit=1000&token=b%20c"},
    {BASE "&token=&offset=0&limit=01000", "b", BASE "&limit=1000&token=b"},
    {BASE "&offset=01&limit=005&limit=005", "b", BASE "&limit=5&offset=1&token=b"},
    {BASE "&output=json&select=*&limit=7", "b", BASE "&limit=7&token=b"},
    {BASE "&x=1+2&output=xml&a", "b", BASE "&limit=1000&a=&x=1%202&output=xml&token=b"},
    {BASE "&output=JSON", "b", BASE "&limit=1000&output=JSON&token=b"},
    {BASE "&output=", "b", BASE "&limit=1000&output=&token=b"},
    {BASE "&order_by=&having=&where=", "b",
     BASE "&where=&having=&order_by=&limit=1000&token=b"},
    {"from=backlinks_new_lost&mode=domain&target=EXAMPLE.com./", "b",
     "from=backlinks_new_lost&mode=domain&target=example.com%2F&limit=1000&token=b"},
    {"target=B%C3%9Ccher.de&mode=prefix&from=backlinks_new_lost", "b",
     "from=backlinks_new_lost&mode=prefix&target=xn--bcher-kva.de&limit=1000&token=b"},
    {"target=ex%E2%80%8Bample.com&mode=domain&from=backlinks_new_lost", "b",
     "from=backlinks_new_lost&mode=domain&target=ex%E2%80%8Bample.com&limit=1000&token=b"},
    {"from=backlinks_new_lost&mode=DOMAIN&target=EXAMPLE.com", "b",
     "from=backlinks_new_lost&mode=DOMAIN&target=EXAMPLE.com&limit=1000&token=b"},
    {BASE "&select=+url_to,date,%09url_to+,title", "b",
     BASE "&select=url_to%2Cdate%2Ctitle&limit=1000&token=b"},
    {BASE "&select=url_to,,date", "b", BASE "&select=url_to%2C%2Cdate&limit=1000&token=b"},
    {BASE "&select=", "b", BASE "&select=&limit=1000&token=b"},
    {BASE "&order_by=date:asc,+type:desc", "b",
     BASE "&order_by=date%2Ctype%3Adesc&limit=1000&token=b"},
    {BASE "&where=type:%27a+b%27,domain_rating>=%22007%22", "b",
     BASE "&where=domain_rating%3E%3D7%2Ctype%3D%22a%20b%22&limit=1000&token=b"},
    {BASE "&where=type+is+%27x%27&having=nofollow:'true'", "b",
     BASE "&where=type%20is%20%27x%27&having=nofollow%3Dtrue&limit=1000&token=b"},
    /* other tables: the client's words */
    {"from=refdomains&offset=0&x&limit=+5&target=A.com&token=t&where=a:'b'", "b",
     "from=refdomains&offset=0&x=&limit=%205&target=A.com&where=a%3A%27b%27&token=b"},
    {"from=subscription_info&token=t", "b", "from=subscription_info&token=b"},
};

static void a_question_is_sent_in_one_wording(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(sent); i++) {
    struct query *query = parse(sent[i].args);
    struct question question = question_of(query, NULL);
    check_args(&question, sent[i].token, sent[i].upstream);
    query_release(&query);
  }
}

/* Pairs that share a key, or not, share what is sent, or do not, but for the order of `select`. */
static void what_is_sent_says_what_the_key_says(void **state) {
  (void)state;
  static const char *const spellings[] = {
      BASE,
      "from=backlinks_new_lost&mode=domain&target=EXAMPLE.com.&limit=01000&offset=00",
      BASE "&output=json&select=+*&token=x",
      BASE "&where=type:'lost'",
      BASE "&where=+type%3D%22lost%22,type:\"lost\"",
      BASE "&order_by=date",
      BASE "&order_by=+date:asc",
      BASE "&order_by=date:desc",
      BASE "&limit=5",
      BASE "&limit=+5",
      BASE "&limit=005",
      BASE "&where=",
      BASE "&having=",
      BASE "&a=1&b=2",
      BASE "&b=2&a=1",
      "from=backlinks_new_lost&mode=domain&target=example.com%23x",
      "from=backlinks_new_lost&mode=domain&target=EXAMPLE.com%23x",
      "from=backlinks_new_lost&mode=domain&target=example%E3%80%82com",
      "from=backlinks_new_lost&mode=domain&target=http://example.com/",
      "from=backlinks_new_lost&mode=domain&target=example.com:80"};
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
    for (size_t j = 0; j < i; j++) {
      struct query *a = NULL, *b = NULL;
      struct fault fault;
      if (query_parse(view_of(spellings[i]), VIEW(""), &a, &fault) &&
          query_parse(view_of(spellings[j]), VIEW(""), &b, &fault)) {
        struct question asked = question_of(a, NULL), other = question_of(b, NULL);
        char *left = args_of(&asked, "t"), *right = args_of(&other, "t");
        if (digest_equal(query_key(a), query_key(b)) != (strcmp(left, right) == 0))
          fail_msg("%s and %s", left, right);
        free(left);
        free(right);
      }
      query_release(&a);
      query_release(&b);
    }
}

/* Under a budget the limit of another table is stated. */
static void the_limit_of_another_table_may_be_stated(void **state) {
  (void)state;
  static const struct {
    const char *args;
    bool states_limit;
    const char *upstream;
  } cases[] = {
      {"from=refdomains&target=A.com", true, "from=refdomains&target=A.com&limit=1000&token=b"},
      {"limit=007&from=refdomains&target=A.com", true,
       "from=refdomains&target=A.com&limit=7&token=b"},
      {"limit=007&from=refdomains&target=A.com", false,
       "limit=007&from=refdomains&target=A.com&token=b"},
      {"limit=many&from=refdomains", true, "limit=many&from=refdomains&token=b"},
      {BASE, true, BASE "&limit=1000&token=b"},
      {"from=subscription_info", true, "from=subscription_info&token=b"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct query *query = parse(cases[i].args);
    struct question question = question_of(query, NULL);
    question.states_limit = cases[i].states_limit;
    check_args(&question, "b", cases[i].upstream);
    query_release(&query);
  }
}

static void a_body_of_unknown_meaning_goes_as_it_came(void **state) {
  (void)state;
  struct query *query =
      parse("target=A.com&token=t&offset=0&mode=domain&from=backlinks_new_lost&select=*");
  const struct question_body bodies[] = {
      {.bytes = VIEW("a\0b"), .type = VIEW("text/plain")},
      {.bytes = VIEW(""), .type = VIEW("")},
  };
  for (size_t i = 0; i < COUNT(bodies); i++) {
    struct question question = question_of(query, &bodies[i]);
    struct dialect_request request = write_at("http://upstream", &question, "b");
    assert_string_equal(request.url, URL "target=A.com&offset=0&mode=domain"
                                         "&from=backlinks_new_lost&select=%2A&token=b");
    assert_true(view_equal((struct view){request.body, request.body_length}, bodies[i].bytes));
    assert_true(view_equal(view_of(request.content_type), bodies[i].type));
    dialect_request_release(&request);
  }
  query_release(&query);
}

/* So that more can be bought than was asked for. */
static void a_question_can_be_changed_before_it_is_asked(void **state) {
  (void)state;
  struct query *query = parse(BASE "&select=date&where=type:\"lost\"&having=alt=\"x\"&order_by=date"
                                   "&limit=5&offset=7&output=xml&zz=1");
  struct question question = question_of(query, NULL);
  question.form = QUERY_JSON;
  question.select = NULL;
  question.where = question.having = NULL;
  question.order = NULL;
  question.limit = 5000000;
  question.offset = 0;
  check_args(&question, "b", BASE "&limit=5000000&zz=1&token=b");
  query_release(&query);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_url_is_the_base_and_the_parameters),
      cmocka_unit_test(a_question_is_sent_in_one_wording),
      cmocka_unit_test(what_is_sent_says_what_the_key_says),
      cmocka_unit_test(the_limit_of_another_table_may_be_stated),
      cmocka_unit_test(a_body_of_unknown_meaning_goes_as_it_came),
      cmocka_unit_test(a_question_can_be_changed_before_it_is_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

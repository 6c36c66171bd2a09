/* rowcache's own errors in v2's forms, and the headers that an answer carries. */
#include "render/error.h"
#include "render/subscription.h"
#include "serve/headers.h"

#include "unit/fixture/unit.h"

#define XML_BEGIN "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse><error>"
#define XML_END "</error></AhrefsApiResponse>\n"

static const struct error_case {
  enum query_output output;
  struct view message;
  struct view body;
} errors[] = {
#define JSON(message, body) \
  { QUERY_JSON, VIEW(message), VIEW("{\"error\":\"" body "\"}") }
#define XML(message, body) \
  { QUERY_XML, VIEW(message), VIEW(XML_BEGIN body XML_END) }
#define PHP(message, length) \
  { QUERY_PHP, VIEW(message), VIEW("a:1:{s:5:\"error\";s:" length ":\"" message "\";}") }
    JSON("", ""),
    JSON("invalid token", "invalid token"),
    JSON("a \"b\" \\ c/d", "a \\\"b\\\" \\\\ c/d"),
    JSON("a\nb\tc\rd\be\ff", "a\\nb\\tc\\rd\\be\\ff"),
    JSON("\x01\x1f", "\\u0001\\u001F"),
    JSON("a\0b", "a\\u0000b"),
    JSON("<&>'", "<&>'"),
    JSON("\xd0\xb6 \xf0\x9f\x98\x80", "\xd0\xb6 \xf0\x9f\x98\x80"),
    {QUERY_OUTPUT_UNKNOWN, VIEW("x"), VIEW("{\"error\":\"x\"}")},
    XML("", ""),
    XML("invalid token", "invalid token"),
    XML("a<b>&c;\"'", "a&lt;b&gt;&amp;c;\"'"),
    XML("</error>", "&lt;/error&gt;"),
    XML("]]>&amp;", "]]&gt;&amp;amp;"),
    XML("a\nb\0c\x1b[0m", "a b c [0m"),
    XML("\xd0\xb6", "\xd0\xb6"),
    /* lengths are in bytes */
    PHP("", "0"),
    PHP("invalid token", "13"),
    PHP("a\";}", "4"),
    PHP("\xd0\xb6", "2"),
    PHP("a\0b\n", "4"),
};

static void errors_in_all_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(errors); i++) {
    scope_text struct text body = {0};
    error_render(errors[i].output, errors[i].message, &body);
    assert_true(text_ok(&body));
    if (!view_equal(text_view(&body), errors[i].body))
      fail_msg("%.*s\ninstead of\n%.*s", VIEW_ARGS(text_view(&body)), VIEW_ARGS(errors[i].body));
  }
}

static void errors_are_appended(void **state) {
  (void)state;
  scope_text struct text body = {0};
  text_add(&body, VIEW("> "));
  error_render(QUERY_JSON, VIEW("x"), &body);
  assert_string_equal(text_string(&body), "> {\"error\":\"x\"}");
}

/* As large as a fault can say, and more: whole, or not at all. */
static void long_errors(void **state) {
  (void)state;
  char message[4096];
  memset(message, '"', sizeof message);
  for (int output = QUERY_JSON; output <= QUERY_OUTPUT_UNKNOWN; output++) {
    scope_text struct text whole = {0};
    scope_text struct text cut = {.limit = 100};
    struct view view = {message, sizeof message};
    error_render((enum query_output)output, view, &whole);
    assert_true(text_ok(&whole) && whole.length > sizeof message);
    error_render((enum query_output)output, view, &cut);
    assert_false(text_ok(&cut));
  }
}

static void content_types(void **state) {
  (void)state;
  static const char *const types[] = {
      [QUERY_JSON] = "application/json; charset=utf-8",
      [QUERY_XML] = "application/xml; charset=utf-8",
      [QUERY_PHP] = "text/plain; charset=utf-8",
      [QUERY_OUTPUT_UNKNOWN] = "application/json; charset=utf-8",
  };
  for (size_t i = 0; i < COUNT(types); i++)
    assert_string_equal(output_content_type((enum query_output)i), types[i]);
}

/* The budget of an issued token, as Ahrefs tells a subscription. */
static const struct subscription_case {
  enum query_output output;
  struct subscription subscription;
  const char *body;
} subscriptions[] = {
#define OF_ROWS(tenths) \
  { CURRENCY_ROWS, tenths }
#define LIMITED(limit, left) \
  { VIEW("rowcache: team.a"), true, limit, left, OF_ROWS(0), 0 }
#define UNLIMITED \
  { VIEW("rowcache: team.a"), false, OF_ROWS(0), OF_ROWS(0), OF_ROWS(70), 0 }
    {QUERY_JSON, LIMITED(OF_ROWS(10000), OF_ROWS(9999)),
     "{\"info\":{\"rows_left\":999,\"rows_limit\":1000,\"subscription\":\"rowcache: team.a\"}}"},
    {QUERY_OUTPUT_UNKNOWN, UNLIMITED,
     "{\"info\":{\"rows_left\":null,\"rows_limit\":null,\"subscription\":\"rowcache: team.a\"}}"},
    {QUERY_XML, LIMITED(OF_ROWS(10000), OF_ROWS(0)),
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse><info><rows_left>0</rows_left>"
     "<rows_limit>1000</rows_limit><subscription>rowcache: team.a</subscription></info>"
     "</AhrefsApiResponse>\n"},
    {QUERY_XML, UNLIMITED,
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse><info><rows_left></rows_left>"
     "<rows_limit></rows_limit><subscription>rowcache: team.a</subscription></info>"
     "</AhrefsApiResponse>\n"},
    {QUERY_PHP, LIMITED(OF_ROWS(10000), OF_ROWS(4)),
     "a:1:{s:4:\"info\";a:3:{s:9:\"rows_left\";i:0;s:10:\"rows_limit\";i:1000;"
     "s:12:\"subscription\";s:16:\"rowcache: team.a\";}}"},
};

static void subscriptions_in_all_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(subscriptions); i++) {
    scope_text struct text body = {0};
    subscription_render_v2(&subscriptions[i].subscription, subscriptions[i].output, &body);
    assert_true(text_ok(&body));
    assert_string_equal(text_string(&body), subscriptions[i].body);
  }
}

static void a_subscription_in_v3s_form(void **state) {
  (void)state;
  scope_text struct text body = {0};
  struct subscription subscription = {
      .name = VIEW("rowcache: 9f86d081"), .used = {CURRENCY_UNITS, 5700}, .starts_over = 1796083199};
  subscription_render_v3(&subscription, &body);
  assert_string_equal(
      text_string(&body),
      "{\"limits_and_usage\":{\"subscription\":\"rowcache: 9f86d081\","
      "\"usage_reset_date\":\"2026-11-30T23:59:59Z\",\"units_limit_workspace\":null,"
      "\"units_usage_workspace\":5700,\"units_limit_api_key\":null,\"units_usage_api_key\":5700,"
      "\"api_key_expiration_date\":null}}");
  for (size_t limit = 1; limit < body.length; limit++) {
    scope_text struct text cut = {.limit = limit};
    subscription_render_v3(&subscription, &cut);
    assert_false(text_ok(&cut));
  }
}

static void amounts_are_in_headers(void **state) {
  (void)state;
  assert_string_equal(headers_spent(CURRENCY_ROWS), "X-Rows-Spent");
  assert_string_equal(headers_saved(CURRENCY_ROWS), "X-Rows-Saved");
  assert_string_equal(headers_spent(CURRENCY_UNITS), "X-Units-Spent");
  assert_string_equal(headers_saved(CURRENCY_UNITS), "X-Units-Saved");
}

static void cache_status_of_hits(void **state) {
  (void)state;
  static const struct {
    int64_t freshness;
    bool is_derived;
    const char *text;
  } hits[] = {
      {86400, false, "rowcache; hit; ttl=86400"},
      {86400, true, "rowcache; hit; ttl=86400; detail=derived"},
      {1, false, "rowcache; hit; ttl=1"},
      {0, false, "rowcache; hit; ttl=-1; detail=stale"},
      {-1, false, "rowcache; hit; ttl=-1; detail=stale"},
      {-1, true, "rowcache; hit; ttl=-1; detail=stale"},
      {-90000, false, "rowcache; hit; ttl=-90000; detail=stale"},
  };
  for (size_t i = 0; i < COUNT(hits); i++) {
    scope_text struct text status = {0};
    headers_hit(hits[i].freshness, hits[i].is_derived, &status);
    assert_string_equal(text_string(&status), hits[i].text);
  }
}

static void cache_status_of_the_rest(void **state) {
  (void)state;
  static const struct {
    struct headers_forward forward;
    const char *text;
  } rest[] = {
#define FORWARD(reason, status, stored, collapsed) {PLAN_##reason, status, stored, collapsed}
      {FORWARD(URI_MISS, 200, true, false), "rowcache; fwd=uri-miss; stored"},
      {FORWARD(STALE, 200, true, false), "rowcache; fwd=stale; stored"},
      {FORWARD(REQUEST, 200, true, false), "rowcache; fwd=request; stored"},
      {FORWARD(URI_MISS, 200, false, true), "rowcache; fwd=uri-miss; collapsed"},
      {FORWARD(STALE, 200, false, true), "rowcache; fwd=stale; collapsed"},
      {FORWARD(BYPASS, 200, false, false), "rowcache; fwd=bypass"},
      {FORWARD(BYPASS, 503, false, false), "rowcache; fwd=bypass; fwd-status=503"},
      {FORWARD(URI_MISS, 0, false, false), "rowcache; fwd=uri-miss"},
      {FORWARD(URI_MISS, 204, false, false), "rowcache; fwd=uri-miss; fwd-status=204"},
      {FORWARD(STALE, 429, false, true), "rowcache; fwd=stale; fwd-status=429; collapsed"},
  };
  for (size_t i = 0; i < COUNT(rest); i++) {
    scope_text struct text status = {0};
    headers_forward(&rest[i].forward, &status);
    assert_string_equal(text_string(&status), rest[i].text);
  }
}

static void tags(void **state) {
  (void)state;
  scope_text struct text tag = {0};
  headers_tag((struct view){"\x00\x0f\xa0\xff", 4}, false, &tag);
  assert_string_equal(text_string(&tag), "\"000fa0ff\"");
  text_clear(&tag);
  headers_tag((struct view){"\x0f", 1}, true, &tag);
  assert_string_equal(text_string(&tag), "\"0f-gzip\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_in_all_forms),
      cmocka_unit_test(errors_are_appended),
      cmocka_unit_test(long_errors),
      cmocka_unit_test(content_types),
      cmocka_unit_test(subscriptions_in_all_forms),
      cmocka_unit_test(a_subscription_in_v3s_form),
      cmocka_unit_test(amounts_are_in_headers),
      cmocka_unit_test(cache_status_of_hits),
      cmocka_unit_test(cache_status_of_the_rest),
      cmocka_unit_test(tags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

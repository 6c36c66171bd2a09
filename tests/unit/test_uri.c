/* The request target before its query is parsed. */
#include "query/uri.h"

#include "unit/fixture/unit.h"

static const struct {
  const char *target, *origin, *path, *args;
} splits[] = {
    {"", "", "", ""},
    {"/", "", "/", ""},
    {"/?", "", "/", ""},
    {"/?a=1", "", "/", "a=1"},
    {"/?a=1?b", "", "/", "a=1?b"},
    {"/x/y?a", "", "/x/y", "a"},
    {"?a=1", "", "", "a=1"},
    {"*", "", "*", ""},
    {"h.example:80", "", "h.example:80", ""},
    {"http://h.example/?a=1", "http://h.example", "/", "a=1"},
    {"http://h.example:8080?a=1", "http://h.example:8080", "", "a=1"},
    {"http://h.example", "http://h.example", "", ""},
    {"http://", "http://", "", ""},
    {"http:///x", "http://", "/x", ""},
    {"HTTPS://[::1]:443/x?y", "HTTPS://[::1]:443", "/x", "y"},
    {"/?target=http://h.example/x", "", "/", "target=http://h.example/x"},
    {"http:/x", "", "http:/x", ""},
};

static void a_target_has_three_parts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(splits); i++) {
    struct uri uri = uri_split(view_of(splits[i].target));
    if (!view_is(uri.origin, splits[i].origin) || !view_is(uri.path, splits[i].path) ||
        !view_is(uri.args, splits[i].args))
      fail_msg("%s: [%.*s] [%.*s] [%.*s]", splits[i].target, VIEW_ARGS(uri.origin),
               VIEW_ARGS(uri.path), VIEW_ARGS(uri.args));
  }
}

static const struct {
  const char *target;
  enum query_output output;
} outputs[] = {
    {"", QUERY_JSON},
    {"/", QUERY_JSON},
    {"/?", QUERY_JSON},
    {"/?output=json", QUERY_JSON},
    {"/?output=xml", QUERY_XML},
    {"/?output=php", QUERY_PHP},
    {"http://h.example?output=php", QUERY_PHP},
    {"/?a=1&output=xml&b=2", QUERY_XML},
    {"/?&&output=xml", QUERY_XML},
    {"/?output=%78ml", QUERY_XML},
    {"/?outpu%74=xml", QUERY_XML},
    {"/?output=XML", QUERY_OUTPUT_UNKNOWN},
    {"/?output=xml+", QUERY_OUTPUT_UNKNOWN},
    {"/?output=xm", QUERY_OUTPUT_UNKNOWN},
    {"/?output=", QUERY_OUTPUT_UNKNOWN},
    {"/?output", QUERY_OUTPUT_UNKNOWN},
    {"/?Output=xml", QUERY_JSON},
    {"/?xoutput=xml", QUERY_JSON},
    {"/?a=output=xml", QUERY_JSON},
    {"/output=xml", QUERY_JSON},
    /* Here the query string does not parse. */
    {"/?a=%&output=xml", QUERY_XML},
    {"/?a=1&a=2&output=php", QUERY_PHP},
    {"/?output=xml&output=php", QUERY_XML},
    {"/?output=yaml&output=xml", QUERY_XML},
    {"/?output=json&output=php", QUERY_PHP},
    {"/?output=yaml&output=json", QUERY_OUTPUT_UNKNOWN},
    {"/?output=%78%6dl%", QUERY_OUTPUT_UNKNOWN},
    {"/?output=xm%6", QUERY_OUTPUT_UNKNOWN},
    {"/?%=1&outpu%7=php&output=xml", QUERY_XML},
};

static void a_target_says_its_output(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(outputs); i++)
    if (uri_output(view_of(outputs[i].target)) != outputs[i].output)
      fail_msg("%s: %d", outputs[i].target, uri_output(view_of(outputs[i].target)));
}

static void words_name_forms(void **state) {
  (void)state;
  for (enum query_output output = 0; output < QUERY_OUTPUT_UNKNOWN; output++)
    assert_int_equal(output_named(output_word(output)), output);
  assert_int_equal(output_named(VIEW("")), QUERY_OUTPUT_UNKNOWN);
  assert_int_equal(output_named(VIEW("csv")), QUERY_OUTPUT_UNKNOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_target_has_three_parts),
      cmocka_unit_test(a_target_says_its_output),
      cmocka_unit_test(words_name_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

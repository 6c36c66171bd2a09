#include "query/form.h"

#include "unit/fixture/unit.h"

/* `encoded`, or its fault, or its pairs as "[name|value]". */
struct form_case {
  struct view encoded;
  const char *pairs; /* NULL: refused */
  const char *fault; /* a part of the fault's text */
};
#define GIVES(encoded, pairs) \
  { VIEW(encoded), pairs, NULL }
#define REFUSED(encoded, fault) \
  { VIEW(encoded), NULL, fault }

static const struct form_case cases[] = {
    GIVES("", ""),
    GIVES("&&&", ""),
    GIVES("a=1", "[a|1]"),
    GIVES("a=1&b=2", "[a|1][b|2]"),
    GIVES("&a=1&&b=2&", "[a|1][b|2]"),
    GIVES("b=2&a=1", "[b|2][a|1]"),
    GIVES("a", "[a|]"),
    GIVES("a=", "[a|]"),
    GIVES("=1", "[|1]"),
    GIVES("=", "[|]"),
    GIVES("a=b=c", "[a|b=c]"),
    GIVES("a=1+2%2B3%20", "[a|1 2+3 ]"),
    GIVES("%61%3D=%26", "[a=|&]"),
    GIVES("a=%c3%A9", "[a|\xc3\xa9]"),
    GIVES("a=\xc3\xa9", "[a|\xc3\xa9]"),
    GIVES("a=%F4%8F%BF%BF", "[a|\xf4\x8f\xbf\xbf]"),
    GIVES("a=1&a=1", "[a|1]"),
    GIVES("a=1&%61=%31", "[a|1]"),
    GIVES("a=1&A=2", "[a|1][A|2]"),
    REFUSED("a=1&a=2", "parameter 'a' is given twice with different values"),
    REFUSED("a=1&a", "'a' is given twice with different values"),
    REFUSED("a=%", "'a' has a broken percent escape"),
    REFUSED("a=%4", "'a' has a broken percent escape"),
    REFUSED("a=%4g", "'a' has a broken percent escape"),
    REFUSED("a=%%34", "'a' has a broken percent escape"),
    REFUSED("a%=1", "broken percent escape"),
    REFUSED("a=%00", "'a' is not UTF-8 text"),
    REFUSED("a=\0", "'a' is not UTF-8 text"),
    REFUSED("a%00=1", "is not UTF-8 text"),
    REFUSED("a=%80", "'a' is not UTF-8 text"),
    REFUSED("a=%C3", "'a' is not UTF-8 text"),
    REFUSED("a=%C3%28", "'a' is not UTF-8 text"),
    REFUSED("a=%C0%AF", "'a' is not UTF-8 text"),       /* overlong */
    REFUSED("a=%E0%80%AF", "'a' is not UTF-8 text"),    /* overlong */
    REFUSED("a=%ED%A0%80", "'a' is not UTF-8 text"),    /* a surrogate */
    REFUSED("a=%F4%90%80%80", "'a' is not UTF-8 text"), /* above U+10FFFF */
    REFUSED("a=%F5%80%80%80", "'a' is not UTF-8 text"),
    REFUSED("token=sesame%zz", "'token' has a broken"),
    REFUSED("token=sesame&token=sesame2", "'token' is given twice"),
    REFUSED("token%3Dsesame%zz", "'token"),
    REFUSED("token%3Dsesame%FF", "'token' is not"),
    REFUSED("token=sesame%FF", "'token' is not UTF-8"),
};

static void print(const struct form *form, struct text *out) {
  for (size_t i = 0; i < form->count; i++) {
    text_add_char(out, '[');
    text_add(out, form->pairs[i].name);
    text_add_char(out, '|');
    text_add(out, form->pairs[i].value);
    text_add_char(out, ']');
  }
}

static void check(const struct form_case *row) {
  struct form form = {0};
  struct fault fault = {0};
  scope_text struct text pairs = {0};
  /* A copy of just that size, so that a sanitizer sees a read past its end. */
  char *copy = malloc(row->encoded.length);
  if (row->encoded.length)
    memcpy(copy, row->encoded.at, row->encoded.length);
  bool ok = form_parse(&form, (struct view){copy, row->encoded.length}, &fault);
  free(copy);
  print(&form, &pairs);
  form_free(&form);
  if (ok != !row->fault)
    fail_msg("\"%s\": %s", row->encoded.at, ok ? "taken" : fault.text);
  if (ok) {
    assert_string_equal(text_string(&pairs), row->pairs);
    return;
  }
  assert_int_equal(fault.kind, FAULT_MALFORMED);
  if (!strstr(fault.text, row->fault) || strstr(fault.text, "sesame"))
    fail_msg("\"%s\": %s", row->encoded.at, fault.text);
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(&cases[i]);
}

static void test_body_after_args(void **state) {
  (void)state;
  struct form form = {0};
  struct fault fault;
  assert_true(form_parse(&form, VIEW("a=1&b=2"), &fault));
  assert_true(form_parse(&form, VIEW("b=2&c=3"), &fault));
  assert_int_equal(form.count, 3);
  assert_true(view_is(*form_get(&form, "c"), "3"));
  assert_null(form_get(&form, "d"));
  assert_false(form_parse(&form, VIEW("a=2"), &fault));
  form_free(&form);
}

static void add_numbered(struct text *out, int count) {
  for (int i = 0; i < count; i++)
    text_printf(out, "&p%d=1", i);
}

static void test_limits(void **state) {
  (void)state;
  scope_text struct text many = {0};
  struct form form = {0};
  struct fault fault;
  add_numbered(&many, QUERY_PARAMETERS_MAX);
  add_numbered(&many, QUERY_PARAMETERS_MAX); /* again: they count once */
  assert_true(form_parse(&form, text_view(&many), &fault));
  assert_int_equal(form.count, QUERY_PARAMETERS_MAX);
  assert_false(form_parse(&form, VIEW("onemore=1"), &fault));
  assert_string_equal(fault.text, "more than 64 parameters");
  form_free(&form);

  char name[QUERY_NAME_MAX + 1];
  memset(name, 'n', sizeof name);
  assert_true(form_parse(&form, (struct view){name, QUERY_NAME_MAX}, &fault));
  assert_false(form_parse(&form, (struct view){name, QUERY_NAME_MAX + 1}, &fault));
  assert_non_null(strstr(fault.text, "too long a name"));
  form_free(&form);
}

static void test_encode(void **state) {
  (void)state;
  scope_text struct text out = {0};
  form_encode(&out, VIEW("AZaz09-._~ +%&=,:/\"\xc3\xa9\0"));
  assert_string_equal(text_string(&out), "AZaz09-._~%20%2B%25%26%3D%2C%3A%2F%22%C3%A9%00");
  text_clear(&out);
  form_encode_but(&out, VIEW("a,b&c"), VIEW(","));
  assert_string_equal(text_string(&out), "a,b%26c");
}

static void test_show(void **state) {
  (void)state;
  assert_string_equal(FORM_SHOWN(VIEW("")), "");
  assert_string_equal(FORM_SHOWN(VIEW("a\nb\xff\0")), "a?b??");
  assert_string_equal(FORM_SHOWN(VIEW("01234567890123456789012345678901234567890123")),
                      "01234567890123456789012345678901234567890123");
  assert_string_equal(FORM_SHOWN(VIEW("012345678901234567890123456789012345678901234")),
                      "01234567890123456789012345678901234567890123...");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),  cmocka_unit_test(test_body_after_args),
      cmocka_unit_test(test_limits), cmocka_unit_test(test_encode),
      cmocka_unit_test(test_show),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

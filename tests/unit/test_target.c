#include "query/target.h"

#include "unit/fixture/unit.h"

#define LABEL63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static const struct target_case {
  const char *target;
  const char *normal; /* NULL: as it came */
  const char *host;   /* of a URL */
  bool is_plain;      /* the host, perhaps with a path, and nothing else */
} cases[] = {
    {"example.com", "example.com", "example.com", true},
    {"EXAMPLE.Com.", "example.com", "example.com", true},
    {"EXAMPLE.com./", "example.com/", "example.com", true},
    {"Example.com/A?B#C", "example.com/A?B#C", "example.com", true},
    {"Example.com?B", "example.com?B", "example.com", false},
    {"Example.com#C", "example.com#C", "example.com", false},
    {"example.com/@me", "example.com/@me", "example.com", true},
    {"HTTP://Example.com", "http://example.com", "example.com", false},
    {"hTTps://Example.com./x", "https://example.com/x", "example.com", false},
    {"Example.com:80", "example.com:80", "example.com", false},
    {"example.com:443", "example.com:443", "example.com", false},
    {"example.com:8080/x", "example.com:8080/x", "example.com", false},
    {"http://example.com:80/", "http://example.com:80/", "example.com", false},
    {"https://EXAMPLE.com.:443", "https://example.com:443", "example.com", false},
    {"localhost", "localhost", "localhost", true},
    {"127.0.0.1", "127.0.0.1", "127.0.0.1", true},
    {"_dmarc.A-b.com", "_dmarc.a-b.com", "_dmarc.a-b.com", true},
    {"http://[2001:DB8::1]:80/", "http://[2001:db8::1]:80/", "[2001:db8::1]", false},
    {"[::1]:8080", "[::1]:8080", "[::1]", false},
    {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", true},
    {LABEL63 ".com", LABEL63 ".com", LABEL63 ".com", true},
    /* A-labels and U-labels of one name, in capitals or not */
    {"bücher.de/ü", "xn--bcher-kva.de/ü", "xn--bcher-kva.de", true},
    {"BÜCHER.DE.", "xn--bcher-kva.de", "xn--bcher-kva.de", true},
    {"XN--BCHER-KVA.de", "xn--bcher-kva.de", "xn--bcher-kva.de", true},
    {"faß.de", "xn--fa-hia.de", "xn--fa-hia.de", true},
    {"日本語.example", "xn--wgv71a119e.example", "xn--wgv71a119e.example", true},
    {"ПРИМЕР.ЁЖ.example", "xn--e1afmkfd.xn--f1a7c.example", "xn--e1afmkfd.xn--f1a7c.example", true},
    {"ΈΝΑ.example", "xn--ixai9a.example", "xn--ixai9a.example", true},
    {"ŽŸŁ.example", "xn--wda8kwg.example", "xn--wda8kwg.example", true},
    {"βόλος.com", "xn--nxasmm1c.com", "xn--nxasmm1c.com", true},
#define AS_IT_CAME(target) \
  { target, NULL, NULL, false }
    /* what only IDNA's mapping would take for a name: left out, made narrower, composed, a dot */
    AS_IT_CAME("ex\u200b"
               "ample.com"),
    AS_IT_CAME("ex\u00ad"
               "ample.com"),
    AS_IT_CAME("ex\ufeff"
               "ample.com"),
    AS_IT_CAME("ex\u2060"
               "ample.com"),
    AS_IT_CAME("ex\ufe0f"
               "ample.com"),
    AS_IT_CAME("ex\u200d"
               "ample.com"),
    AS_IT_CAME("b\u00ad"
               "ücher.de"),
    AS_IT_CAME("example.com\u200b"),
    AS_IT_CAME("\uff45xample.com"), /* full-width e */
    AS_IT_CAME("b\u00fccher.\uff44e"),
    AS_IT_CAME("example\u3002"
               "com"),
    AS_IT_CAME("example\uff0e"
               "com"),
    AS_IT_CAME("example\uff61"
               "com"),
    AS_IT_CAME("例え\u3002テスト"),
    AS_IT_CAME("bu\u0308cher.de"),
    AS_IT_CAME("\u212axample.com"), /* Kelvin */
    AS_IT_CAME("\u2126.com"),       /* Ohm */
    AS_IT_CAME("ﬁle.com"),
    AS_IT_CAME("ex\u1d43mple.com"),
    AS_IT_CAME("\u00b5.com"), /* the micro sign is no mu */
    AS_IT_CAME("ΒΌΛΟΣ.com"),  /* two small letters have that capital */
    AS_IT_CAME("İ.com"),
    AS_IT_CAME("FAẞ.de"),
    AS_IT_CAME("xn--bcher-kva.bücher.de"),
    AS_IT_CAME(""),
    AS_IT_CAME("."),
    AS_IT_CAME("/"),
    AS_IT_CAME("http://"),
    AS_IT_CAME("http:///x"),
    AS_IT_CAME("//example.com"),
    AS_IT_CAME("http:/example.com"),
    AS_IT_CAME("http:example.com"),
    AS_IT_CAME("http://http://example.com"),
    AS_IT_CAME("ftp://example.com"),
    AS_IT_CAME("mailto:me@example.com"),
    AS_IT_CAME("me@example.com"),
    AS_IT_CAME("http://me:pass@example.com/"),
    AS_IT_CAME("http://me:80@example.com/"),
    AS_IT_CAME(" example.com"),
    AS_IT_CAME("example.com/a b"),
    AS_IT_CAME("example.com\n"),
    AS_IT_CAME("example.com\x7f"),
    AS_IT_CAME("example..com"),
    AS_IT_CAME(".example.com"),
    AS_IT_CAME("example.com.."),
    AS_IT_CAME("*.example.com"),
    AS_IT_CAME("ex%61mple.com"),
    AS_IT_CAME("example.com\\x"),
    AS_IT_CAME("example,com"),
    AS_IT_CAME("example.com:"),
    AS_IT_CAME("example.com:0"),
    AS_IT_CAME("example.com:080"),
    AS_IT_CAME("example.com:65536"),
    AS_IT_CAME("example.com:4294967376"),
    AS_IT_CAME("example.com:-1"),
    AS_IT_CAME("example.com:80:80"),
    AS_IT_CAME("[]"),
    AS_IT_CAME("[::1"),
    AS_IT_CAME("[::1]x"),
    AS_IT_CAME("[::1]80"),
    AS_IT_CAME("[fe80::1%eth0]"),
    AS_IT_CAME("[::1]]"),
    AS_IT_CAME("::1"),
    AS_IT_CAME(LABEL63 "d.com"),
    AS_IT_CAME(LABEL63 "." LABEL63 "." LABEL63 "." LABEL63),
    AS_IT_CAME("a\xe2\x84\x80"
               "b.com"),    /* U+2100, which is "a/c" in full */
    AS_IT_CAME("\xc2\xad"), /* a soft hyphen, which is nothing */
    AS_IT_CAME("\xff.com"),
    AS_IT_CAME("xn--\xc3\xbc.com"),
};

static void check(const char *target, const char *expected) {
  scope_text struct text out = {0};
  assert_true(target_normalize(view_of(target), &out, NULL));
  if (strcmp(text_string(&out), expected ? expected : "") != 0)
    fail_msg("\"%s\": \"%s\"", target, out.length ? text_string(&out) : "as it came");
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(cases[i].target, cases[i].normal);
}

/* A normal target stays as it is. */
static void test_stable(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (cases[i].normal)
      check(cases[i].normal, cases[i].normal);
}

static void test_host(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct target_case *one = &cases[i];
    if (!one->normal)
      continue;
    const char *of_domain = one->is_plain ? one->host : "";
    struct view normal = view_of(one->normal);
    assert_true(view_is(target_host(normal, QUERY_EXACT), one->host));
    assert_true(view_is(target_host(normal, QUERY_PREFIX), one->host));
    assert_true(view_is(target_host(normal, QUERY_DOMAIN), of_domain));
    assert_true(view_is(target_host(normal, QUERY_SUBDOMAINS), of_domain));
    assert_true(view_is(target_host(normal, QUERY_MODE_UNKNOWN), ""));
  }
}

static void test_long_host(void **state) {
  (void)state;
  scope_text struct text host = {0}, out = {0};
  for (int i = 0; i < 50000; i++)
    text_add(&host, VIEW("\xc3\xbc"));
  assert_true(target_normalize(text_view(&host), &out, NULL));
  assert_int_equal(out.length, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),
      cmocka_unit_test(test_stable),
      cmocka_unit_test(test_host),
      cmocka_unit_test(test_long_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

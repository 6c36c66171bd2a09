#include "query/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LABEL63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static const struct target_case {
  const char *target;
  const char *domain, *exact, *prefix; /* NULL: as it came */
  const char *host;
} cases[] = {
    {"example.com", "example.com", "example.com/", "example.com", "example.com"},
    {"EXAMPLE.Com.", "example.com", "example.com/", "example.com", "example.com"},
    {"example.com/", "example.com", "example.com/", "example.com/", "example.com"},
    {"example.com/A?B#C", "example.com", "example.com/A?B#C", "example.com/A?B#C", "example.com"},
    {"example.com?B", "example.com", "example.com/?B", "example.com?B", "example.com"},
    {"example.com#C", "example.com", "example.com/#C", "example.com#C", "example.com"},
    {"example.com/@me", "example.com", "example.com/@me", "example.com/@me", "example.com"},
    {"HTTP://Example.com", "example.com", "http://example.com/", "http://example.com",
     "example.com"},
    {"hTTps://Example.com/x", "example.com", "https://example.com/x", "https://example.com/x",
     "example.com"},
    {"example.com:80", "example.com", "example.com/", "example.com", "example.com"},
    {"example.com:443", "example.com:443", "example.com:443/", "example.com:443", "example.com"},
    {"example.com:8080/x", "example.com:8080", "example.com:8080/x", "example.com:8080/x",
     "example.com"},
    {"http://example.com:443", "example.com:443", "http://example.com:443/",
     "http://example.com:443", "example.com"},
    {"https://example.com:443", "example.com", "https://example.com/", "https://example.com",
     "example.com"},
    {"https://example.com:80", NULL, "https://example.com:80/", "https://example.com:80",
     "example.com"},
    {"localhost", "localhost", "localhost/", "localhost", "localhost"},
    {"127.0.0.1", "127.0.0.1", "127.0.0.1/", "127.0.0.1", "127.0.0.1"},
    {"_dmarc.A-b.com", "_dmarc.a-b.com", "_dmarc.a-b.com/", "_dmarc.a-b.com", "_dmarc.a-b.com"},
    {"http://[2001:DB8::1]:80/", "[2001:db8::1]", "http://[2001:db8::1]/", "http://[2001:db8::1]/",
     "[2001:db8::1]"},
    {"[::1]:8080", "[::1]:8080", "[::1]:8080/", "[::1]:8080", "[::1]"},
    {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]/", "[::ffff:1.2.3.4]",
     "[::ffff:1.2.3.4]"},
    {"b\xc3\xbc"
     "cher.de/\xc3\xbc",
     "xn--bcher-kva.de", "xn--bcher-kva.de/\xc3\xbc", "xn--bcher-kva.de/\xc3\xbc",
     "xn--bcher-kva.de"},
    {"B\xc3\x9c"
     "CHER.DE.",
     "xn--bcher-kva.de", "xn--bcher-kva.de/", "xn--bcher-kva.de", "xn--bcher-kva.de"},
    {"XN--BCHER-KVA.de", "xn--bcher-kva.de", "xn--bcher-kva.de/", "xn--bcher-kva.de",
     "xn--bcher-kva.de"},
    {"fa\xc3\x9f.de", "xn--fa-hia.de", "xn--fa-hia.de/", "xn--fa-hia.de", "xn--fa-hia.de"},
    {LABEL63 ".com", LABEL63 ".com", LABEL63 ".com/", LABEL63 ".com", LABEL63 ".com"},
#define AS_IT_CAME(target) \
  { target, NULL, NULL, NULL, NULL }
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

static void check(const char *target, enum query_mode mode, const char *expected) {
  scope_text struct text out = {0};
  bool normal = target_normalize(view_of(target), mode, &out);
  if (normal != !!expected || strcmp(text_string(&out), expected ? expected : "") != 0)
    fail_msg("\"%s\" in mode %d: \"%s\"", target, (int)mode,
             normal ? text_string(&out) : "as it came");
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    check(cases[i].target, QUERY_DOMAIN, cases[i].domain);
    check(cases[i].target, QUERY_SUBDOMAINS, cases[i].domain);
    check(cases[i].target, QUERY_EXACT, cases[i].exact);
    check(cases[i].target, QUERY_PREFIX, cases[i].prefix);
    check(cases[i].target, QUERY_MODE_UNKNOWN, NULL);
  }
}

/* What is normal stays as it is. */
static void test_stable(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (cases[i].domain)
      check(cases[i].domain, QUERY_DOMAIN, cases[i].domain);
    if (cases[i].exact)
      check(cases[i].exact, QUERY_EXACT, cases[i].exact);
    if (cases[i].prefix)
      check(cases[i].prefix, QUERY_PREFIX, cases[i].prefix);
  }
}

static void test_host(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (cases[i].exact)
      assert_true(view_is(target_host(view_of(cases[i].exact)), cases[i].host));
}

static void test_long_host(void **state) {
  (void)state;
  scope_text struct text host = {0}, out = {0};
  for (int i = 0; i < 50000; i++)
    text_add(&host, VIEW("\xc3\xbc"));
  assert_false(target_normalize(text_view(&host), QUERY_DOMAIN, &out));
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

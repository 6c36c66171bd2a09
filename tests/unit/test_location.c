/* Where a redirect leads, as it is shown: never with what it was asked with. */
#include "dialect/location.h"

#include <string.h>

#include "unit/fixture/unit.h"

#define TOKEN "c0ffee00c0ffee00"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

static const struct {
  const char *token, *value, *shown;
} cases[] = {
    {TOKEN, "https://elsewhere.example/", "https://elsewhere.example/"},
    {TOKEN, "https://elsewhere.example", "https://elsewhere.example"},
    {TOKEN, "HTTP://Elsewhere.Example:81/Way/on", "HTTP://Elsewhere.Example:81/Way/on"},
    {TOKEN, "http://[::1]:8080/x", "http://[::1]:8080/x"},
    {TOKEN, "http://[::1]/x", "http://[::1]/x"},
    {TOKEN, "//elsewhere.example/x", "//elsewhere.example/x"},
    {TOKEN, "/login", "/login"},
    {TOKEN, "/", "/"},
    {TOKEN, "/a/@b:c;d=e,(f)!$&'*+~-._", "/a/@b:c;d=e,(f)!$&'*+~-._"},
    {TOKEN, "/b%C3%BCcher", "/b%C3%BCcher"},
    /* Query, fragment, userinfo. */
    {TOKEN, "https://e.example/x?token=" TOKEN, "https://e.example/x"},
    {TOKEN, "https://e.example?token=" TOKEN, "https://e.example"},
    {TOKEN, "https://e.example/x#" TOKEN, "https://e.example/x"},
    {TOKEN, "https://e.example#?" TOKEN, "https://e.example"},
    {TOKEN, "https://" TOKEN "@e.example/x", "https://e.example/x"},
    {TOKEN, "https://a:" TOKEN "@e.example:1/x", "https://e.example:1/x"},
    {TOKEN, "https://a@b@e.example/x", "https://e.example/x"},
    {TOKEN, "//a:b@e.example/x", "//e.example/x"},
    {TOKEN, "?token=" TOKEN, ""},
    {TOKEN, "/?token=" TOKEN, "/"},
    /* The token in the path. */
    {TOKEN, "https://e.example/" TOKEN, "https://e.example/..."},
    {TOKEN, "https://e.example/a" TOKEN "b/c", "https://e.example/..."},
    {TOKEN, "/C0FFEE00c0ffee00", "/..."},
    {TOKEN, "/%630ffee00c0ffee00", "/..."},
    {TOKEN, "/c%30ffee00c0ffee0%30", "/..."},
    {TOKEN, "/%2563%25%33%30ffee00c0ffee00", "/..."},
    {TOKEN, "/%25252563%30FFEE00c0ffee00", "/..."},
    {TOKEN, "/c0ffee00c0ffee0", "/c0ffee00c0ffee0"},
    {"a b", "/x/a+B/y", "/..."},
    {"a b", "/x/a%20b", "/..."},
    {"a+b", "/x/a%2Bb", "/..."},
    {"a+b", "/x/a b", "/..."},
    {"/", "/", "/..."},
    {"x", "/login", "/login"},
    {"x", "/xyz", "/..."},
    /* The token in the host. */
    {TOKEN, "https://" TOKEN ".example/x", ""},
    {TOKEN, "https://C0ffee00C0ffee00/", ""},
    /* It is not known what must not be shown. */
    {"", "https://e.example/x", "https://e.example/..."},
    {"", "https://e.example", "https://e.example"},
    {"", "/x", "/..."},
    /* No path, no host, no URL. */
    {TOKEN, "https://e.example/a b", "https://e.example/..."},
    {TOKEN, "https://e.example/\xc3\xbc", "https://e.example/..."},
    {TOKEN, "https://e.example/\x1b[31m", "https://e.example/..."},
    {TOKEN, "https://e.example/<x>", "https://e.example/..."},
    {TOKEN, "https://e.example/\"", "https://e.example/..."},
    {TOKEN, "https://e.example/a\\b", "https://e.example/..."},
    {TOKEN, "https://e.example\\@f.example/", ""},
    {TOKEN, "https://user:word\\@f.example/", ""},
    {TOKEN, "https://user:wo/rd@f.example/", ""},
    {TOKEN, "https://user:8/rd@f.example/", "https://user:8/rd@f.example/"},
    {TOKEN, "https://a b@e.example/", ""},
    {TOKEN, "https://e.exa mple/", ""},
    {TOKEN, "https://e.example:port/", ""},
    {TOKEN, "https://e.example:1:2/", ""},
    {TOKEN, "https://e%2eexample/", ""},
    {TOKEN,
     "https://b\xc3\xbc"
     "cher.example/",
     ""},
    {TOKEN, "https://[::1/", ""},
    {TOKEN, "https://[::1]x/", ""},
    {TOKEN, "https://[]@/", ""},
    {TOKEN, "https://:80/", ""},
    {TOKEN, "https:///x", ""},
    {TOKEN, "https://", ""},
    {TOKEN, "https:e.example/", ""},
    {TOKEN, "ftp://e.example/", ""},
    {TOKEN, "javascript:alert(1)", ""},
    {TOKEN, "login", ""},
    {TOKEN, "../login", ""},
    {TOKEN, "", ""},
    /* Too long. */
    {TOKEN, "/" HUNDRED HUNDRED FIFTY "123", "/" HUNDRED HUNDRED FIFTY "123"},
    {TOKEN, "/" HUNDRED HUNDRED FIFTY "1234", "/" HUNDRED HUNDRED FIFTY "1234"},
    {TOKEN, "/" HUNDRED HUNDRED FIFTY "12345", "/..."},
    {TOKEN, "http://e.example/" HUNDRED HUNDRED HUNDRED, "http://e.example/..."},
    {TOKEN, "http://" HUNDRED HUNDRED FIFTY ".example/", ""},
    {TOKEN, "http://" HUNDRED HUNDRED TEN TEN TEN TEN "1234/x",
     "http://" HUNDRED HUNDRED TEN TEN TEN TEN "1234/x"},
};

static void what_is_shown(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char shown[LOCATION_SIZE];
    location_show(view_of(cases[i].value), view_of(cases[i].token), shown);
    if (strcmp(shown, cases[i].shown) != 0)
      fail_msg("'%s' for '%s' is shown as '%s', not as '%s'", cases[i].value, cases[i].token, shown,
               cases[i].shown);
  }
}

static void a_zero_byte_is_no_part_of_it(void **state) {
  (void)state;
  char shown[LOCATION_SIZE];
  location_show((struct view){"/a\0b", 4}, view_of(TOKEN), shown);
  assert_string_equal(shown, "/...");
  location_show((struct view){"http://a\0b/", 11}, view_of(TOKEN), shown);
  assert_string_equal(shown, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_shown),
      cmocka_unit_test(a_zero_byte_is_no_part_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

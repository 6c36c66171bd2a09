/* Accept-Encoding: RFC 9110 12.5.3, and 12.4.2 for weights. */
#include "http/coding.h"

#include "unit/fixture/unit.h"

static bool takes(const char *first, const char *second) {
  struct coding coding = CODING_NONE;
  if (first)
    coding_add(&coding, view_of(first));
  if (second)
    coding_add(&coding, view_of(second));
  return coding_takes_gzip(&coding);
}

static void lines(void **state) {
  (void)state;
  static const struct {
    const char *value;
    bool takes;
  } cases[] = {
      {"gzip", true},
      {"GZip", true},
      {"x-gzip", true},
      {"*", true},
      {"gzip, deflate, br", true},
      {"deflate,\tgzip ,br", true},
      {",, gzip ,", true},
      {"gzip;q=1", true},
      {"gzip;q=1.", true},
      {"gzip;q=1.000", true},
      {"gzip ; q=0.001", true},
      {"gzip;Q=0.5", true},
      {"gzip, *;q=0", true},
      {"br;q=1, gzip;q=0.1", true},
      {"identity, gzip", true},
      {"identity;q=0.5, *;q=0.6", true},
      {"identity;q=0, gzip;q=0.1", true},
      {"junk=, gzip", true},
      /* refused */
      {"", false},
      {"identity", false},
      {"br", false},
      {"gzip;q=0", false},
      {"gzip;q=0.", false},
      {"gzip;q=0.000", false},
      {"*;q=0", false},
      {"gzip;q=0, *", false},
      {"*, gzip;q=0", false},
      {"gzip;q=0, x-gzip", false},
      {"identity, gzip;q=0.9", false},
      {"identity;q=0.5, *;q=0.4", false},
      /* malformed */
      {"gzip;", false},
      {"gzip;q", false},
      {"gzip;q=", false},
      {"gzip;q=.5", false},
      {"gzip;q=05", false},
      {"gzip;q=0.5555", false},
      {"gzip;q=0.5x", false},
      {"gzip;q=1.001", false},
      {"gzip;q=2", false},
      {"gzip;q=-1", false},
      {"gzip;q= 1", false},
      {"gzip;q =1", false},
      {"gzip;q=\"1\"", false},
      {"gzip;q=1;q=1", false},
      {"gzip;level=9", false},
      {"gzip q=1", false},
      {"\"gzip\"", false},
      {"gzip2", false},
      {"gzi", false},
      {"**", false},
      {"gzip br", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (takes(cases[i].value, NULL) != cases[i].takes)
      fail_msg("%s", cases[i].value);
}

static void several_lines_are_one_list(void **state) {
  (void)state;
  assert_false(takes(NULL, NULL));
  assert_true(takes("br", "gzip"));
  assert_false(takes("gzip", "gzip;q=0"));
  assert_false(takes("gzip;q=0.5", "identity"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines),
      cmocka_unit_test(several_lines_are_one_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

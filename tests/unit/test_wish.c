#include "query/wish.h"

#include "unit/fixture/unit.h"

#define NONE WISH_ABSENT

/* Lines separated by newlines. */
static const struct wish_case {
  struct view lines;
  struct wish wish;
} cases[] = {
#define ROW(lines, ...) \
  {                     \
    VIEW(lines), {      \
      __VA_ARGS__       \
    }                   \
  }
#define SECONDS(age, fresh, stale) .max_age = age, .min_fresh = fresh, .max_stale = stale
    ROW("", SECONDS(NONE, NONE, NONE)),
    ROW(",, ,", SECONDS(NONE, NONE, NONE)),
    ROW("no-cache", .no_cache = true, SECONDS(NONE, NONE, NONE)),
    ROW("No-Cache", .no_cache = true, SECONDS(NONE, NONE, NONE)),
    ROW("no-cache=\"x\"", .no_cache = true, SECONDS(NONE, NONE, NONE)),
    ROW("no-store", .no_store = true, SECONDS(NONE, NONE, NONE)),
    ROW("\tonly-if-cached ", .only_if_cached = true, SECONDS(NONE, NONE, NONE)),
    ROW("no-cachex, xno-cache, no cache", SECONDS(NONE, NONE, NONE)),
    ROW("max-age=5", SECONDS(5, NONE, NONE)),
    ROW("MAX-AGE=\"5\"", SECONDS(5, NONE, NONE)),
    ROW("max-age=\"\\5\"", SECONDS(5, NONE, NONE)),
    ROW("max-age = 5", SECONDS(5, NONE, NONE)),
    ROW("max-age=005", SECONDS(5, NONE, NONE)),
    ROW("max-age=0", SECONDS(0, NONE, NONE)),
    ROW("min-fresh=7", SECONDS(NONE, 7, NONE)),
    ROW("max-stale=9", SECONDS(NONE, NONE, 9)),
    ROW("max-stale", SECONDS(NONE, NONE, WISH_ANY)),
    ROW("max-age=5,no-store , max-stale", .no_store = true, SECONDS(5, NONE, WISH_ANY)),
    /* too large */
    ROW("max-age=2147483648", SECONDS(WISH_SECONDS_MAX, NONE, NONE)),
    ROW("max-age=2147483649", SECONDS(WISH_SECONDS_MAX, NONE, NONE)),
    ROW("min-fresh=99999999999999999999999", SECONDS(NONE, WISH_SECONDS_MAX, NONE)),
    ROW("max-stale=18446744073709551617", SECONDS(NONE, NONE, WISH_SECONDS_MAX)),
    /* given twice */
    ROW("max-age=5, max-age=3, max-age=4", SECONDS(3, NONE, NONE)),
    ROW("min-fresh=5, min-fresh=3", SECONDS(NONE, 5, NONE)),
    ROW("max-stale=5, max-stale", SECONDS(NONE, NONE, 5)),
    ROW("max-stale, max-stale=5", SECONDS(NONE, NONE, 5)),
    ROW("max-age=5\nmax-age=3\nno-cache", .no_cache = true, SECONDS(3, NONE, NONE)),
    /* no numbers */
    ROW("max-age", SECONDS(0, NONE, NONE)),
    ROW("max-age=", SECONDS(0, NONE, NONE)),
    ROW("max-age=-1", SECONDS(0, NONE, NONE)),
    ROW("max-age=1.5", SECONDS(0, NONE, NONE)),
    ROW("max-age=5 6", SECONDS(0, NONE, NONE)),
    ROW("max-age=\"", SECONDS(0, NONE, NONE)),
    ROW("max-age=\"\"", SECONDS(0, NONE, NONE)),
    ROW("max-age=\"5\\\"", SECONDS(0, NONE, NONE)),
    ROW("max-age=x, max-age=5", SECONDS(0, NONE, NONE)),
    ROW("min-fresh", SECONDS(NONE, NONE, NONE)),
    ROW("min-fresh=x", SECONDS(NONE, NONE, NONE)),
    ROW("max-stale=x", SECONDS(NONE, NONE, NONE)),
    ROW("max-stale=", SECONDS(NONE, NONE, NONE)),
    /* others' directives and junk */
    ROW("foo, bar=1, baz=\"a, no-cache\", max-age=5", SECONDS(5, NONE, NONE)),
    ROW("baz=\"a\\\", no-cache\", max-age=5", SECONDS(5, NONE, NONE)),
    ROW("baz=\"a, no-cache", SECONDS(NONE, NONE, NONE)),
    ROW("\"no-cache\"", SECONDS(NONE, NONE, NONE)),
    ROW("=no-cache,==,\"\\", SECONDS(NONE, NONE, NONE)),
    ROW("\0,no-cache\0,\xff", SECONDS(NONE, NONE, NONE)),
};

static struct wish parse(struct view lines) {
  struct wish wish = WISH_NONE;
  struct view line;
  while (view_split(&lines, '\n', &line)) {
    /* A copy of just that size, so that a sanitizer sees a read past its end. */
    char *copy = malloc(line.length);
    if (line.length)
      memcpy(copy, line.at, line.length);
    wish_parse(&wish, (struct view){copy, line.length});
    free(copy);
  }
  return wish;
}

static void test_cases(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct wish wish = parse(cases[i].lines), expected = cases[i].wish;
    if (wish.no_cache != expected.no_cache || wish.no_store != expected.no_store ||
        wish.only_if_cached != expected.only_if_cached || wish.max_age != expected.max_age ||
        wish.min_fresh != expected.min_fresh || wish.max_stale != expected.max_stale)
      fail_msg("\"%s\"", cases[i].lines.at);
  }
}

static void what_may_not_be_asked_is_forgotten(void **state) {
  (void)state;
  struct wish wish = WISH_NONE;
  wish_parse(&wish, VIEW("no-cache, max-age=0, min-fresh=9, max-stale=5, no-store"));
  wish_parse(&wish, VIEW("only-if-cached"));
  wish_forgo(&wish);
  assert_false(wish.no_cache || wish.no_store);
  assert_int_equal(wish.max_age, WISH_ABSENT);
  assert_int_equal(wish.min_fresh, WISH_ABSENT);
  assert_int_equal(wish.max_stale, 5);
  assert_true(wish.only_if_cached);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                     cmocka_unit_test(what_may_not_be_asked_is_forgotten)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

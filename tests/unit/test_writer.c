/* Answers written from the rows of another, in JSON and as PHP, in every split of the source. */
#include "render/php.h"
#include "rows/writer.h"

#include "unit/fixture/unit.h"

#define DEPTH 5
#define REFUSED "the answer cannot be computed: "
#define BIT(column) (UINT32_C(1) << SCHEMA_##column)

static const struct reader_shape shape = {.rows = VIEW("refpages")};

/* Keeps rows whose nofollow is true, and cannot tell where it is null. */
static enum rows_keep is_nofollow(void *context, const struct row *row) {
  (void)context;
  enum value_kind kind = row->values[SCHEMA_nofollow].kind;
  return kind == VALUE_NULL ? ROWS_UNKNOWN : kind == VALUE_TRUE ? ROWS_KEEP : ROWS_DROP;
}

static struct columns kept[8];
static size_t kept_count;

/* `list` as in `select`, with "?" before it or not. Kept until forget_names(). */
static const struct columns *named_of(const char *list) {
  assert_true(kept_count < COUNT(kept));
  assert_true(columns_parse_select(view_of(list + (*list == '?')), &kept[kept_count], NULL));
  return &kept[kept_count++];
}

static int forget_names(void **state) {
  (void)state;
  while (kept_count)
    columns_release(&kept[--kept_count]);
  return 0;
}

static const struct rows_recipe all = {.all_columns = true, .limit = -1};
#define SELECT(bits, lacking) \
  (&(const struct rows_recipe){.columns = (bits), .may_lack_columns = (lacking), .limit = -1})
/* The names, sorted. */
#define NAMES(list)             \
  (&(const struct rows_recipe){ \
      .named = named_of(list), .may_lack_columns = (list)[0] == '?', .limit = -1})
#define WINDOW(from, most) \
  (&(const struct rows_recipe){.all_columns = true, .offset = (from), .limit = (most)})
#define FILTER(from, most)      \
  (&(const struct rows_recipe){ \
      .all_columns = true, .keep = is_nofollow, .offset = (from), .limit = (most)})

struct writer_case {
  const char *source;
  const struct rows_recipe *recipe;
  const struct writer_form *form;
  int64_t count;
  const char *expected; /* NULL: it is refused */
  const char *refused;
};

static void expect(const struct writer_case *one, size_t step, size_t pull) {
  scope_text struct text answer = {0};
  struct fault fault = {0};
  struct writer *writer = writer_create(&shape, DEPTH, one->recipe, one->form, one->count);
  assert_non_null(writer);
  bool ok = true, ended = false;
  struct view rest = view_of(one->source);
  char bytes[64];
  while (ok && !ended) {
    ended = !rest.length;
    ok =
        ended ? writer_finish(writer, &fault) : writer_feed(writer, view_first(rest, step), &fault);
    rest = view_from(rest, step);
    for (size_t count; ok && (count = writer_pull(writer, bytes, pull));)
      text_add(&answer, (struct view){bytes, count});
  }
  if (ok != !one->refused || (ok && strcmp(text_string(&answer), one->expected) != 0) ||
      (!ok && strcmp(fault.text, one->refused) != 0))
    fail_msg("%s\nin steps of %zu: %s\n%s", one->source, step, fault.text, text_string(&answer));
  writer_release(&writer);
  assert_null(writer);
}

static void expect_all(const struct writer_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t step = 1; step <= strlen(cases[i].source) + 1; step++)
      expect(&cases[i], step, step < 64 ? step : 64);
}

#define THREE                                                                                      \
  "{\"refpages\":[{\"date\":\"2013-11-24\",\"nofollow\":true},{\"date\":\"x\",\"nofollow\":false}" \
  ","                                                                                              \
  "{\"date\":\"\\u00e9\",\"nofollow\":true}]}"
#define FIRST "{\"date\":\"2013-11-24\",\"nofollow\":true}"
#define SECOND "{\"date\":\"x\",\"nofollow\":false}"
#define THIRD "{\"date\":\"\\u00e9\",\"nofollow\":true}"

static void json_keeps_the_spelling(void **state) {
  (void)state;
  const struct writer_case cases[] = {
#define JSON(source, recipe, expected) {source, recipe, &writer_json, -1, expected, NULL}
#define NO_JSON(source, recipe, why) \
  { source, recipe, &writer_json, -1, NULL, why }
      JSON(THREE, &all, THREE),
      JSON("{\"refpages\":[]}", &all, "{\"refpages\":[]}"),
      JSON("{\"refpages\":null}", FILTER(0, 5), "{\"refpages\":null}"),
      JSON("\xef\xbb\xbf{\"refpages\":[{\"a\":1}]}\n", &all,
           "\xef\xbb\xbf{\"refpages\":[{\"a\":1}]}\n"),
      /* columns, in the order of the source */
      JSON("{\"refpages\":[{\"type\":\"a\\/b\",\"x\":1,\"date\":1.0E1,\"title\":\"\"}]}",
           SELECT(BIT(date) | BIT(type), false),
           "{\"refpages\":[{\"type\":\"a\\/b\",\"date\":1.0E1}]}"),
      JSON("{\"refpages\":[{\"d\\u0061te\":{\"a\": [1]}},{\"date\":null}]}",
           SELECT(BIT(date), false),
           "{\"refpages\":[{\"d\\u0061te\":{\"a\": [1]}},{\"date\":null}]}"),
      JSON("{\"refpages\":[{\"date\":1},{\"type\":2}]}", SELECT(BIT(date), true),
           "{\"refpages\":[{\"date\":1},{}]}"),
      JSON("{\"refpages\":[{\"date\":1}]}", SELECT(0, false), "{\"refpages\":[{}]}"),
      NO_JSON("{\"refpages\":[{\"date\":1},{\"type\":2}]}", SELECT(BIT(date), false),
              REFUSED "a row lacks a column"),
      /* white space: kept in the frame and in whole rows */
      JSON(" { \"a\" : [ ] , \"refpages\" : [ { \"date\" : 1 } , {} ] , \"b\":2 } ", &all,
           " { \"a\" : [ ] , \"refpages\" : [{ \"date\" : 1 },{}] , \"b\":2 } "),
      JSON("{\"refpages\": [\n{ \"date\" : 1 , \"type\" : 2 }\n]}", SELECT(BIT(date), false),
           "{\"refpages\": [{\"date\":1}]}"),
      /* windows and filters */
      JSON(THREE, WINDOW(0, 1), "{\"refpages\":[" FIRST "]}"),
      JSON(THREE, WINDOW(1, 1), "{\"refpages\":[" SECOND "]}"),
      JSON(THREE, WINDOW(1, -1), "{\"refpages\":[" SECOND "," THIRD "]}"),
      JSON(THREE, WINDOW(3, 1), "{\"refpages\":[]}"),
      JSON(THREE, WINDOW(0, 0), "{\"refpages\":[]}"),
      JSON(THREE, FILTER(0, -1), "{\"refpages\":[" FIRST "," THIRD "]}"),
      JSON(THREE, FILTER(1, 1), "{\"refpages\":[" THIRD "]}"),
      JSON(THREE, FILTER(0, 1), "{\"refpages\":[" FIRST "]}"),
      NO_JSON("{\"refpages\":[{\"nofollow\":false},{\"nofollow\":null}]}", FILTER(0, 1),
              REFUSED "a condition on a row can be read in two ways"),
      /* what stands behind the window does not matter */
      JSON("{\"refpages\":[{\"nofollow\":true},{\"nofollow\":null},{\"a\":1,\"a\":2},3]}",
           FILTER(0, 1), "{\"refpages\":[{\"nofollow\":true}]}"),
      /* sources that are no rows, or no answer */
      NO_JSON("{\"refpages\":[{\"a\":1,\"a\":2}]}", &all,
              REFUSED "a name stands twice in an element"),
      NO_JSON("{\"refpages\":[[]]}", &all, REFUSED "an element is no object"),
      NO_JSON("{\"error\":\"x\"}", &all, REFUSED "it is an error"),
      NO_JSON("{\"refpages\":[{}", &all, "upstream's answer is broken: it is no valid JSON"),
      {THREE, &all, &writer_json, 3, THREE, NULL},
      {THREE, &all, &writer_json, 2, NULL, REFUSED "another number of rows was announced"},
  };
  expect_all(cases, COUNT(cases));
}

static void members_are_taken_by_name(void **state) {
  (void)state;
  const char *source = "{\"refpages\":[{\"b\":1,\"date\":2,\"a\":[3]},{\"a\":4,\"\\u0062\":5}]}";
  const struct writer_case cases[] = {
      JSON(source, NAMES("?a,b"), "{\"refpages\":[{\"b\":1,\"a\":[3]},{\"a\":4,\"\\u0062\":5}]}"),
      JSON(source, NAMES("a,b"), "{\"refpages\":[{\"b\":1,\"a\":[3]},{\"a\":4,\"\\u0062\":5}]}"),
      JSON(source, NAMES("?date,x"), "{\"refpages\":[{\"date\":2},{}]}"),
      NO_JSON(source, NAMES("date"), REFUSED "a row lacks a column"),
      NO_JSON(source, NAMES("a,b,x"), REFUSED "a row lacks a column"),
      {source, NAMES("b"), &php_form, 2,
       "a:1:{s:8:\"refpages\";a:2:{i:0;a:1:{s:1:\"b\";i:1;}i:1;a:1:{s:1:\"b\";i:5;}}}", NULL},
  };
  expect_all(cases, COUNT(cases));
}

static void php_is_written_where_it_is_determined(void **state) {
  (void)state;
#define PHP(source, recipe, count, expected) \
  { source, recipe, &php_form, count, expected, NULL }
#define NO_PHP(member, why) \
  { "{\"refpages\":[{" member "}]}", &all, &php_form, 1, NULL, REFUSED why }
#define ONE(member, php) \
  PHP("{\"refpages\":[{" member "}]}", &all, 1, "a:1:{s:8:\"refpages\";a:1:{i:0;a:1:{" php "}}}")
#define NUMBER "PHP's text of a number is not determined"
  const struct writer_case cases[] = {
      PHP("{\"refpages\":[]}", &all, 0, "a:1:{s:8:\"refpages\";a:0:{}}"),
      PHP("{\"refpages\":[{},{}]}\n", &all, 2, "a:1:{s:8:\"refpages\";a:2:{i:0;a:0:{}i:1;a:0:{}}}"),
      PHP(THREE, FILTER(1, 5), 1,
          "a:1:{s:8:\"refpages\";a:1:{i:0;a:2:{s:4:\"date\";s:2:\"\xc3\xa9\";s:8:\"nofollow\";b:1;}"
          "}}"),
      PHP(THREE, SELECT(BIT(nofollow), false), 3,
          "a:1:{s:8:\"refpages\";a:3:{i:0;a:1:{s:8:\"nofollow\";b:1;}i:1;a:1:{s:8:\"nofollow\";b:0;"
          "}"
          "i:2;a:1:{s:8:\"nofollow\";b:1;}}}"),
      /* lengths are in bytes, and nothing is escaped */
      ONE("\"title\":\"\\\"\\\\;}\\ud83d\\ude00\"",
          "s:5:\"title\";s:8:\"\"\\;}\xf0\x9f\x98\x80\";"),
      ONE("\"title\":\"\"", "s:5:\"title\";s:0:\"\";"),
      ONE("\"\\u00e9\":null", "s:2:\"\xc3\xa9\";N;"),
      ONE("\"\":1", "s:0:\"\";i:1;"),
      /* numbers */
      ONE("\"a\":0", "s:1:\"a\";i:0;"),
      ONE("\"a\":-17", "s:1:\"a\";i:-17;"),
      ONE("\"a\":9223372036854775807", "s:1:\"a\";i:9223372036854775807;"),
      ONE("\"a\":-9223372036854775808", "s:1:\"a\";i:-9223372036854775808;"),
      NO_PHP("\"a\":9223372036854775808", NUMBER),
      NO_PHP("\"a\":-9223372036854775809", NUMBER),
      NO_PHP("\"a\":-0", NUMBER),
      NO_PHP("\"a\":0.5", NUMBER),
      NO_PHP("\"a\":1e2", NUMBER),
      /* what is not determined */
      NO_PHP("\"a\":[]", "PHP's form of a nested value is not documented"),
      NO_PHP("\"a\":{\"b\":1}", "PHP's form of a nested value is not documented"),
      NO_PHP("\"12\":1", "PHP may take a name for a number"),
      NO_PHP("\"-1\":1", "PHP may take a name for a number"),
      {"{\"refpages\":[],\"stats\":{}}", &all, &php_form, 0, NULL,
       REFUSED "something stands beside the rows"},
      {"{\"refpages\":null}", &all, &php_form, 0, NULL,
       REFUSED "null stands in the place of the rows"},
      {"{\"refpages\":[{}]}", &all, &php_form, 2, NULL,
       REFUSED "another number of rows was announced"},
  };
  expect_all(cases, COUNT(cases));
}

static void nul_is_a_byte_like_any_other(void **state) {
  (void)state;
  const struct view source = VIEW("{\"refpages\":[{\"title\":\"a\\u0000b\"}]}");
  const struct view php =
      VIEW("a:1:{s:8:\"refpages\";a:1:{i:0;a:1:{s:5:\"title\";s:3:\"a\0b\";}}}");
  struct writer *writer = writer_create(&shape, DEPTH, &all, &php_form, 1);
  char bytes[100];
  assert_true(writer_feed(writer, source, NULL) && writer_finish(writer, NULL));
  assert_int_equal(writer_pull(writer, bytes, sizeof bytes), php.length);
  assert_memory_equal(bytes, php.at, php.length);
  writer_release(&writer);
}

static void a_full_window_is_known(void **state) {
  (void)state;
  struct writer *writer = writer_create(&shape, DEPTH, WINDOW(1, 1), &writer_json, -1);
  assert_true(writer_feed(writer, VIEW("{\"refpages\":[{},"), NULL));
  assert_false(writer_is_full(writer));
  assert_true(writer_feed(writer, VIEW("{}"), NULL));
  assert_true(writer_is_full(writer));
  assert_int_equal(writer_results(writer), 1);
  writer_release(&writer);
  writer_release(&writer);
  assert_true(rows_recipe_is_empty(&all));
  assert_false(rows_recipe_is_empty(WINDOW(0, 0)));
  assert_false(rows_recipe_is_empty(SELECT(0, true)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_keeps_the_spelling),
      cmocka_unit_test_teardown(members_are_taken_by_name, forget_names),
      cmocka_unit_test(php_is_written_where_it_is_determined),
      cmocka_unit_test(nul_is_a_byte_like_any_other),
      cmocka_unit_test(a_full_window_is_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

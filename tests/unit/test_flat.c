/* Objects that yajl need not look into. */
#include "rows/flat.h"

#include "rows/reader.h"
#include "unit/fixture/unit.h"

#include <stdio.h>

static const char *const recognized[] = {
    "{\"a\":1}",
    "{ \"a\" : 1 , \"b\" : true }",
    "{\"a\":\"\",\"b\":null,\"c\":false}",
    "{\"a\":-0.5e+10,\"b\":0,\"c\":12E-3,\"d\":0.0}",
    "{\"a\":\"eight or more plain bytes, {[ and ]} among them\"}",
    "{\"a\":\"\\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9 \\ud800\"}",
    "{\"\\\"\":\"\xc3\xa9\xf0\x9f\x91\x8d\x7f\"}",
    "{\"a\":1,\"a\":2}",
};

static const char *const left_to_yajl[] = {
    "{",
    "{}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":{}}",
    "{\"a\":[]}",
    "{\"a\":01}",
    "{\"a\":-}",
    "{\"a\":+1}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":1e}",
    "{\"a\":1e+}",
    "{\"a\":tru}",
    "{\"a\":nulll}",
    "{\"a\":\"line\nbreak\"}",
    "{\"a\":\"seven  \t or more\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u12g4\"}",
    "{\"a\":\"\\u12",
    "{\"a\":\"\\",
    "{\"a\":\"\\\"}",
    "{\"a\":\"cut",
};

static void only_valid_objects_are_recognized(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof recognized / sizeof *recognized; i++) {
    struct view text = view_of(recognized[i]);
    assert_int_equal(flat_object(text), text.length);
    for (size_t length = 1; length < text.length; length++)
      assert_int_equal(flat_object(view_first(text, length)), 0);
  }
  for (size_t i = 0; i < sizeof left_to_yajl / sizeof *left_to_yajl; i++)
    assert_int_equal(flat_object(view_of(left_to_yajl[i])), 0);
}

static void it_ends_with_the_object(void **state) {
  (void)state;
  assert_int_equal(flat_object(VIEW("{\"a\":1}{\"b\":2}")), 7);
  assert_int_equal(flat_object(VIEW("{\"a\":\"}\"},")), 9);
}

/* The fault that an answer has; empty: none. In pieces of one byte yajl reads all of it. */
static void judge(struct view answer, size_t step, char *text, int64_t *results) {
  static const struct reader_shape shape = {.rows = VIEW("refpages")};
  struct fault fault = {0};
  struct reader *reader = reader_create(&shape, 8);
  bool ok = true;
  for (; ok && answer.length; answer = view_from(answer, view_first(answer, step).length))
    ok = reader_feed(reader, view_first(answer, step), &fault);
  ok = ok && reader_finish(reader, &fault);
  snprintf(text, sizeof fault.text, "%s", ok ? "" : fault.text);
  *results = reader_results(reader);
  reader_release(&reader);
}

/* An object in each place of an answer. */
static const char *const places[] = {
    "{\"refpages\":[%s]}",
    "{\"refpages\":[%s,%s ,\n%s]}",
    "{\"refpages\":[%s%s]}",
    "{\"refpages\":[1,\"{\\\"\",%s]}",
    "{\"refpages\":[{\"rows\":[%s]},%s],\"other\":%s}",
    "{\"refpages\":[],\"error\":[%s]}",
    "{\"refpages\":[],\"error\":%s}",
    "{\"refpages\":%s}",
    "{\"refpages\":[{%s:1}]}",
    "{\"refpages\":[[[[[%s]]]]]}",
    "{\"refpages\":[[[[[[%s]]]]]]}",
    "[%s]",
    "%s",
    "{\"refpages\":[%s]} %s",
};

static void answers_are_judged_as_by_yajl_alone(void **state) {
  (void)state;
  const char *const *lists[] = {recognized, left_to_yajl};
  const size_t counts[] = {sizeof recognized / sizeof *recognized,
                           sizeof left_to_yajl / sizeof *left_to_yajl};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (size_t list = 0; list < 2; list++)
      for (size_t k = 0; k < counts[list]; k++) {
        char answer[1024], alone[sizeof((struct fault *)0)->text], found[sizeof alone];
        int64_t rows_alone, rows;
        const char *object = lists[list][k];
        snprintf(answer, sizeof answer, places[i], object, object, object);
        judge(view_of(answer), 1, alone, &rows_alone);
        for (size_t step = 5; step < sizeof answer; step *= 2) {
          judge(view_of(answer), step, found, &rows);
          assert_string_equal(found, alone);
          assert_int_equal(rows, rows_alone);
        }
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_valid_objects_are_recognized),
      cmocka_unit_test(it_ends_with_the_object),
      cmocka_unit_test(answers_are_judged_as_by_yajl_alone),
  };
  return cmocka_run_group_tests_name("flat", tests, NULL, NULL);
}

/* The reader that judges an answer as it streams: every document in many splits of its bytes. */
#include "rows/reader.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

#define DEPTH 4
#define BROKEN "upstream's answer is broken: "
#define JSON BROKEN "it is no valid JSON"
#define OBJECT BROKEN "it is no JSON object"
#define ARRAY BROKEN "'refpages' is no array"
#define TWICE BROKEN "'refpages' stands twice"
#define NEITHER BROKEN "it has neither 'refpages' nor 'error'"
#define DEEP BROKEN "it is nested too deep (upstream.max_depth)"

#define TEN "0123456789"
#define FORTY TEN TEN TEN TEN
#define DIGITS_400 FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY

struct verdict {
  const char *broken; /* NULL: whole and sound */
  int64_t results;    /* also of what is broken: counted until then */
  bool error;
};

static const struct reader_shape refpages = {.rows = VIEW("refpages")},
                                 links = {.rows = VIEW("links")}, any = {.rows = VIEW("")},
                                 array = {.rows = VIEW(""), .takes_arrays = true};

static const struct reader_case {
  const struct reader_shape *shape;
  struct view document;
  struct verdict expected;
} cases[] = {
#define SOUND(document, results) \
  {                              \
    &refpages, VIEW(document), { \
      NULL, results, false       \
    }                            \
  }
#define ERROR(document, results) \
  {                              \
    &refpages, VIEW(document), { \
      NULL, results, true        \
    }                            \
  }
#define BAD(document, results, why) \
  {                                 \
    &refpages, VIEW(document), {    \
      why, results, false           \
    }                               \
  }
#define ANY(document, results) \
  {                            \
    &any, VIEW(document), {    \
      NULL, results, false     \
    }                          \
  }
    /* what is a result */
    SOUND("{\"refpages\":[]}", 0),
    SOUND("{\"refpages\":[{}]}", 1),
    SOUND("{\"refpages\":[{\"a\":1},{\"a\":2},{\"b\":[1,2]}]}", 3),
    SOUND(" \t\r\n{ \"refpages\" : [ { } , { } ] } \t\r\n", 2),
    SOUND("{\"refpages\":[1,\"a\",null,true,[],{}]}", 6),
    SOUND("{\"refpages\":[[[]],[1,2]]}", 2),
    SOUND("{\"stats\":{\"a\":[1,2]},\"refpages\":[{}],\"more\":[1,2,3]}", 1),
    SOUND("{\"Refpages\":[1],\"refpages\":[],\"refpages2\":[1]}", 0),
    SOUND("{\"a\":{\"refpages\":[1,2]},\"refpages\":[1]}", 1),
    SOUND("{\"refpages\":[{\"refpages\":[1,2,3],\"error\":\"no\"}]}", 1),
    SOUND("{\"refpages\":[{\"refpages\":1,\"refpages\":2}]}", 1),
    SOUND("{\"refpages\":[\"refpages\",\"error\"]}", 2),
    SOUND("{\"stats\":{\"error\":\"x\"},\"refpages\":[]}", 0),
    SOUND("{\"a\":\"error\",\"refpages\":[]}", 0),
    SOUND("{\"errors\":1,\"Error\":2,\"error\\u0000\":3,\"refpages\":[]}", 0),
    /* a name is what it decodes to */
    SOUND("{\"refp\\u0061ges\":[1,2]}", 2),
    SOUND("{\"\\u0072\\u0065fpages\":[1]}", 1),
    ERROR("{\"err\\u006Fr\":\"x\"}", 0),
    BAD("{\"refpages\\u0000\":[]}", 0, NEITHER),
    BAD("{\"refpages\":[1],\"refp\\u0061ges\":[2]}", 1, TWICE),
    /* errors */
    ERROR("{\"error\":\"invalid token\"}", 0),
    ERROR("{\"error\":null}", 0),
    ERROR("{\"error\":{\"error\":[1,2]}}", 0),
    ERROR("{\"error\":\"x\",\"refpages\":[{},{}]}", 2),
    ERROR("{\"refpages\":[{},{}],\"error\":\"x\"}", 2),
    ERROR("{\"error\":\"x\",\"error\":\"y\"}", 0),
    ERROR("{\"error\":[1,2,3]}", 0),
    /* an empty one beside results says nothing */
    SOUND("{\"error\":null,\"refpages\":[{},{}]}", 2),
    SOUND("{\"refpages\":[{},{}],\"error\":false}", 2),
    SOUND("{\"error\":\"\",\"refpages\":[]}", 0),
    SOUND("{\"refpages\":[1],\"error\":[]}", 1),
    SOUND("{\"error\" : { } ,\"refpages\":[1]}", 1),
    SOUND("{\"error\":null,\"refpages\":[{\"a\":1}],\"error\":\"\",\"stats\":{\"b\":2}}", 1),
    SOUND("{\"error\":null,\"refpages\":null}", 0),
    ERROR("{\"error\":0,\"refpages\":[1]}", 1),
    ERROR("{\"error\":true,\"refpages\":[1]}", 1),
    ERROR("{\"error\":\" \",\"refpages\":[1]}", 1),
    ERROR("{\"refpages\":[1],\"error\":[null]}", 1),
    ERROR("{\"refpages\":[1],\"error\":[[]]}", 1),
    ERROR("{\"refpages\":[1],\"error\":{\"\":null}}", 1),
    ERROR("{\"error\":null,\"error\":\"x\",\"refpages\":[]}", 0),
    ERROR("{\"error\":\"x\",\"refpages\":[],\"error\":null}", 0),
    ERROR("{\"error\":\"\",\"stats\":{}}", 0),
    ERROR("{\"error\":{}}", 0),
    /* `refpages` that is not what it should be */
    BAD("{}", 0, NEITHER),
    BAD("{\"refpages2\":[1]}", 0, NEITHER),
    SOUND("{\"refpages\":null}", 0),
    SOUND("{\"stats\":[1],\"refpages\":null,\"more\":[1,2]}", 0),
    BAD("{\"refpages\":null,\"refpages\":[1]}", 0, TWICE),
    BAD("{\"refpages\":{}}", 0, ARRAY),
    BAD("{\"refpages\":\"[]\"}", 0, ARRAY),
    BAD("{\"refpages\":0}", 0, ARRAY),
    BAD("{\"refpages\":false}", 0, ARRAY),
    BAD("{\"refpages\":[],\"refpages\":[]}", 0, TWICE),
    BAD("{\"refpages\":[1],\"a\":1,\"refpages\":[2]}", 1, TWICE),
    /* no object */
    BAD("[]", 0, OBJECT),
    BAD("[{\"refpages\":[]}]", 0, OBJECT),
    BAD("1 ", 0, OBJECT),
    BAD("\"refpages\"", 0, OBJECT),
    BAD("null", 0, OBJECT),
    BAD("true", 0, OBJECT),
    BAD("", 0, JSON),
    BAD(" \n", 0, JSON),
    /* it ends too early */
    BAD("{", 0, JSON),
    BAD("{\"refpages\"", 0, JSON),
    BAD("{\"refpages\":", 0, JSON),
    BAD("{\"refpages\":[", 0, JSON),
    BAD("{\"refpages\":[{},{\"a", 2, JSON),
    BAD("{\"refpages\":[{},{\"a\":\"\\u00", 2, JSON),
    BAD("{\"refpages\":[{},{}]", 2, JSON),
    BAD("{\"refpages\":[12", 1, JSON),
    /* numbers: as text, of any size */
    SOUND("{\"refpages\":[1e999,-1E-999,1.0,-0,0.0e+0]}", 5),
    SOUND("{\"refpages\":[1" DIGITS_400 ",-1." DIGITS_400 "]}", 2),
    SOUND("{\"refpages\":[18446744073709551616,-9223372036854775809]}", 2),
    BAD("{\"refpages\":[01]}", 1, JSON),
    BAD("{\"refpages\":[1.]}", 0, JSON),
    BAD("{\"refpages\":[.5]}", 0, JSON),
    BAD("{\"refpages\":[1e]}", 0, JSON),
    BAD("{\"refpages\":[+1]}", 0, JSON),
    BAD("{\"refpages\":[-]}", 0, JSON),
    BAD("{\"refpages\":[0x10]}", 1, JSON),
    BAD("{\"refpages\":[NaN]}", 0, JSON),
    BAD("{\"refpages\":[Infinity]}", 0, JSON),
    /* texts */
    SOUND("{\"refpages\":[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD83D\\uDE00\"]}", 1),
    SOUND("{\"refpages\":[\"\xd0\xb6 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\"]}", 1),
    BAD("{\"refpages\":[\"\xff\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\x80\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\xe2\x82\"]}", 0, JSON),
    BAD("{\"refpages\":[{\"\xc3(\":1}]}", 1, JSON),
    BAD("{\"refpages\":[\"\x01\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\n\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\0\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\\x41\"]}", 0, JSON),
    BAD("{\"refpages\":[\"\\u12g4\"]}", 0, JSON),
    BAD("{\"refpages\":['a']}", 0, JSON),
    /* a byte order mark: one, whole, and before all else */
    SOUND("\xef\xbb\xbf{\"refpages\":[1]}", 1),
    SOUND("\xef\xbb\xbf \r\n{\"refpages\":[]} \n", 0),
    ERROR("\xef\xbb\xbf{\"error\":\"x\"}", 0),
    BAD("\xef\xbb\xbf\xef\xbb\xbf{\"refpages\":[]}", 0, JSON),
    BAD(" \xef\xbb\xbf{\"refpages\":[]}", 0, JSON),
    BAD("{\"refpages\":[1]}\xef\xbb\xbf", 1, JSON),
    BAD("\xef\xbb{\"refpages\":[]}", 0, JSON),
    BAD("\xef\xbb\xbe{\"refpages\":[]}", 0, JSON),
    BAD("\xef\xbb\xbf", 0, JSON),
    BAD("\xef\xbb", 0, JSON),
    /* not quite JSON */
    BAD("{\"refpages\":[1,]}", 1, JSON),
    BAD("{\"refpages\":[1 2]}", 1, JSON),
    BAD("{\"refpages\":[],}", 0, JSON),
    BAD("{\"refpages\" []}", 0, JSON),
    BAD("{refpages:[]}", 0, JSON),
    BAD("{\"refpages\":[1}", 1, JSON),
    BAD("{\"refpages\":[1]]", 1, JSON),
    BAD("{\"refpages\":[nul]}", 0, JSON),
    BAD("{\"refpages\":[/* */]}", 0, JSON),
    /* something behind it */
    BAD("{\"refpages\":[1]}{\"refpages\":[1]}", 1, JSON),
    BAD("{\"refpages\":[1]} x", 1, JSON),
    BAD("{\"refpages\":[1]}1", 1, JSON),
    BAD("{\"refpages\":[1]},", 1, JSON),
    BAD("{\"refpages\":[1]}\0", 1, JSON),
    BAD("{\"refpages\":[1]}// end", 1, JSON),
    /* depth: the object, the array, the row, and one more */
    SOUND("{\"refpages\":[{\"a\":[]}]}", 1),
    SOUND("{\"refpages\":[],\"a\":[[[]]]}", 0),
    BAD("{\"refpages\":[{\"a\":[[]]}]}", 1, DEEP),
    BAD("{\"refpages\":[{\"a\":[{}]}]}", 1, DEEP),
    BAD("{\"a\":[[[[1]]]],\"refpages\":[]}", 0, DEEP),
    BAD("{\"refpages\":[{},[[[", 2, DEEP),
    /* another table */
    ANY("{}", 0),
    ANY("{\"refpages\":[1,2]}", 2),
    ANY("{\"refdomains\":[{},{}],\"stats\":{\"a\":[1,2,3]},\"more\":[{\"b\":[4]}]}", 3),
    ANY("{\"a\":1,\"b\":[1,[2,3]]}", 2),
    ANY("{\"a\":[],\"a\":[1]}", 1),
    ANY("{\"refpages\":null}", 0),
    ANY("\xef\xbb\xbf{\"info\":{\"rows_left\":1}}", 0),
    ANY("{\"error\":null,\"info\":{\"rows_left\":1}}", 0),
    ANY("{\"a\":[1,2],\"error\":\"\"}", 2),
    {&any, VIEW("{\"error\":null}"), {NULL, 0, true}},
    {&any, VIEW("{\"error\":\"x\",\"a\":[1]}"), {NULL, 1, true}},
    {&any, VIEW("{\"a\":[1],\"error\":[1,2]}"), {NULL, 3, true}},
    {&any, VIEW("[1,2]"), {OBJECT, 0, false}},
    {&any, VIEW("<a/>"), {JSON, 0, false}},
    {&any, VIEW("{\"a\":[[[[[1]]]]]}"), {DEEP, 1, false}},
    /* a document that may be an array */
    {&array, VIEW("{\"a\":[1,2]}"), {NULL, 2, false}},
    {&array, VIEW("[]"), {NULL, 0, false}},
    {&array, VIEW(" [{\"a\":[1,2]},[3],4]\n"), {NULL, 3, false}},
    {&array, VIEW("[{\"error\":\"x\"}]"), {NULL, 1, false}},
    {&array, VIEW("[1,2"), {JSON, 2, false}},
    {&array, VIEW("[1}"), {JSON, 1, false}},
    {&array, VIEW("[1][2]"), {JSON, 1, false}},
    {&array, VIEW("[[[[[1]]]]]"), {DEEP, 1, false}},
    {&array, VIEW("1"), {OBJECT, 0, false}},
    /* an array of another name */
    {&links, VIEW("{\"links\":[{},{}],\"refpages\":[1,2,3]}"), {NULL, 2, false}},
    {&links, VIEW("{\"refpages\":[]}"), {BROKEN "it has neither 'links' nor 'error'", 0, false}},
    {&links, VIEW("{\"links\":[],\"links\":[]}"), {BROKEN "'links' stands twice", 0, false}},
    {&links, VIEW("{\"links\":{}}"), {BROKEN "'links' is no array", 0, false}},
};

/* Feeds a copy of just that size, so that a sanitizer sees a read past its end. */
static bool feed(struct reader *reader, struct view bytes, struct fault *fault) {
  char *copy = malloc(bytes.length);
  if (bytes.length)
    memcpy(copy, bytes.at, bytes.length);
  bool ok = reader_feed(reader, (struct view){copy, bytes.length}, fault);
  free(copy);
  return ok;
}

/* Feeds all, in pieces up to the first two ends, then in pieces of `step` bytes. */
static struct verdict judge(const struct reader_case *one, size_t first, size_t second, size_t step,
                            struct fault *fault) {
  struct reader *reader = reader_create(one->shape, DEPTH);
  assert_non_null(reader);
  struct view rest = one->document;
  bool ok = true;
  for (int i = 0; ok && rest.length; i++) {
    struct view piece = view_first(rest, i == 0 ? first : i == 1 ? second - first : step);
    ok = feed(reader, piece, fault);
    rest = view_from(rest, piece.length);
  }
  ok = ok && reader_finish(reader, fault);
  struct verdict verdict = {ok ? NULL : fault->text, reader_results(reader),
                            reader_is_error(reader)};
  assert_true(ok || fault->kind == FAULT_UPSTREAM);
  reader_release(&reader);
  assert_null(reader);
  return verdict;
}

static bool same(const struct verdict *a, const struct verdict *b) {
  bool text = a->broken && b->broken ? strcmp(a->broken, b->broken) == 0 : a->broken == b->broken;
  return text && a->results == b->results && a->error == b->error;
}

static void expect(const struct reader_case *one, size_t first, size_t second, size_t step) {
  struct fault fault = {0};
  struct verdict found = judge(one, first, second, step, &fault);
  if (!same(&found, &one->expected))
    fail_msg("%.*s\n cut at %zu, %zu, then every %zu: %s, %lld results, error %d",
             VIEW_ARGS(one->document), first, second, step, found.broken ? found.broken : "sound",
             (long long)found.results, found.error);
}

static void every_split_gives_the_same_verdict(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = cases[i].document.length;
    for (size_t step = 1; step <= 3; step++)
      expect(&cases[i], step, 2 * step, step);
    for (size_t first = 0; first <= length; first++)
      for (size_t second = first; second <= (length < 50 ? length : first); second++)
        expect(&cases[i], first, second, length);
  }
}

static void results_are_counted_as_they_come(void **state) {
  (void)state;
  static const struct {
    struct view piece;
    int64_t results;
    bool error;
  } pieces[] = {{VIEW("{\"refpages\""), 0, false},
                {VIEW(":["), 0, false},
                {VIEW("{"), 1, false},
                {VIEW("\"error\":1},"), 1, false},
                {VIEW("{"), 2, false},
                {VIEW("}],"), 2, false},
                {VIEW("\"error"), 2, false},
                {VIEW("\":["), 2, false},
                {VIEW("0"), 2, false},
                {VIEW("]}"), 2, true}};
  struct reader *reader = reader_create(&refpages, DEPTH);
  struct fault fault;
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    assert_true(feed(reader, pieces[i].piece, &fault));
    assert_int_equal(reader_results(reader), pieces[i].results);
    assert_int_equal(reader_is_error(reader), pieces[i].error);
  }
  assert_true(reader_finish(reader, &fault));
  reader_release(&reader);
}

/* The first error stays the reported one, and the caller may ignore it. */
static void broken_stays_broken(void **state) {
  (void)state;
  struct reader *reader = reader_create(&refpages, DEPTH);
  struct fault fault = {0};
  assert_false(reader_feed(reader, VIEW("{\"refpages\":[1],\"refpages\""), NULL));
  for (int i = 0; i < 2; i++) {
    assert_false(reader_feed(reader, VIEW(":[2]}"), &fault));
    assert_string_equal(fault.text, TWICE);
    fault = (struct fault){0};
    assert_false(reader_finish(reader, &fault));
    assert_string_equal(fault.text, TWICE);
  }
  assert_false(reader_finish(reader, NULL));
  assert_int_equal(reader_results(reader), 1);
  reader_release(&reader);
  reader_release(&reader);
}

/* --- long values --- */

#define PIECE ((size_t)64 * 1024)

static bool feed_often(struct reader *reader, struct view piece, size_t times,
                       struct fault *fault) {
  while (times--)
    if (!reader_feed(reader, piece, fault))
      return false;
  return true;
}

static void one_value_is_bounded(void **state) {
  (void)state;
  static const char *const begins[] = {"{\"refpages\":[\"", "{\"", "{\"refpages\":[1"};
  static const char fills[] = "aa0";
  static const char *const ends[] = {"\"]}", "\":1,\"refpages\":[]}", "]}"};
  char *bytes = malloc(PIECE);
  struct view piece = {bytes, PIECE};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
    struct reader *sound = reader_create(&refpages, DEPTH);
    struct reader *broken = reader_create(&refpages, DEPTH);
    struct fault fault;
    memset(bytes, fills[i], PIECE);
    assert_true(reader_feed(sound, view_of(begins[i]), &fault));
    assert_true(feed_often(sound, piece, READER_MAX_VALUE / PIECE - 1, &fault));
    assert_true(reader_feed(sound, view_of(ends[i]), &fault));
    assert_true(reader_finish(sound, &fault));
    assert_true(reader_feed(broken, view_of(begins[i]), &fault));
    assert_false(feed_often(broken, piece, READER_MAX_VALUE / PIECE + 1, &fault));
    assert_string_equal(fault.text, BROKEN "one value in it is too long");
    assert_int_equal(fault.kind, FAULT_UPSTREAM);
    reader_release(&sound);
    reader_release(&broken);
  }
  free(bytes);
}

/* The bound is on one value, not on all of them. */
static void many_values_are_not_bounded(void **state) {
  (void)state;
  enum { ROWS_A_PIECE = 2048, PIECES = 160 };
  static const char row[] = ",{\"title\":\"0123456789\",\"n\":1}";
  struct view rest = VIEW("{\"refpages\":[0");
  struct reader *reader = reader_create(&refpages, DEPTH);
  struct fault fault;
  char *bytes = malloc(ROWS_A_PIECE * (sizeof row - 1));
  for (size_t i = 0; i < ROWS_A_PIECE; i++)
    memcpy(bytes + i * (sizeof row - 1), row, sizeof row - 1);
  struct view piece = {bytes, ROWS_A_PIECE * (sizeof row - 1)};
  assert_true(piece.length * PIECES > 2 * READER_MAX_VALUE);
  assert_true(reader_feed(reader, rest, &fault));
  assert_true(feed_often(reader, piece, PIECES, &fault));
  assert_true(reader_feed(reader, VIEW("]}"), &fault));
  assert_true(reader_finish(reader, &fault));
  assert_int_equal(reader_results(reader), 1 + ROWS_A_PIECE * PIECES);
  reader_release(&reader);
  free(bytes);
}

/* However deep it is, the bound holds, and nothing is taken down with it. */
static void depth_is_bounded(void **state) {
  (void)state;
  static const int64_t depths[] = {3, 32, 1000};
  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
    for (int64_t over = 0; over <= 1; over++) {
      struct reader *reader = reader_create(&refpages, depths[i]);
      struct fault fault;
      bool ok = reader_feed(reader, VIEW("{\"refpages\":["), &fault);
      for (int64_t at = 2; ok && at < depths[i] + over; at++)
        ok = reader_feed(reader, VIEW("["), &fault);
      assert_int_equal(ok, !over);
      for (int64_t at = 1; ok && at < depths[i]; at++)
        ok = reader_feed(reader, VIEW("]"), &fault);
      assert_int_equal(ok && reader_feed(reader, VIEW("}"), &fault), !over);
      assert_int_equal(ok && reader_finish(reader, &fault), !over);
      assert_int_equal(reader_results(reader), 1);
      if (over)
        assert_string_equal(fault.text, DEEP);
      reader_release(&reader);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_split_gives_the_same_verdict),
      cmocka_unit_test(results_are_counted_as_they_come),
      cmocka_unit_test(broken_stays_broken),
      cmocka_unit_test(one_value_is_bounded),
      cmocka_unit_test(many_values_are_not_bounded),
      cmocka_unit_test(depth_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

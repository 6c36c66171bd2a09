/* Rows as data: what the reader hands out of an answer, in every split of its bytes. */
#include "base/text.h"
#include "rows/reader.h"

#include "unit/fixture/unit.h"

#define DEPTH 5

/* What a sink saw: the frame as it came, "#" for a row, and each of its members as
 * [raw name|name|column|kind|raw|text]. */
struct seen {
  struct view document;
  struct text all;
  int rows, most; /* after `most` rows no more are wanted; 0: all are */
};

static void on_frame(void *context, struct view bytes) {
  struct seen *seen = context;
  text_add(&seen->all, bytes);
}

static bool on_row(void *context, const struct row *row) {
  struct seen *seen = context;
  text_add(&seen->all, VIEW("#"));
  for (size_t i = 0; i < row->count; i++) {
    const struct row_member *member = &row->members[i];
    const struct value *value = &member->value;
    const char *column = member->column ? "c" : "-";
    text_printf(&seen->all, "[%.*s|%.*s|%s|%d|%.*s|%.*s]", VIEW_ARGS(member->raw_name),
                VIEW_ARGS(member->name), column, (int)value->kind, VIEW_ARGS(value->raw),
                VIEW_ARGS(value->text));
    if (member->column)
      assert_memory_equal(value, &row->values[member->column->index], sizeof *value);
  }
  struct view there = view_from(seen->document, (size_t)row->position);
  assert_true(!seen->document.at || view_starts(there, row->raw));
  size_t columns = 0;
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++)
    columns += row->values[i].kind != VALUE_ABSENT;
  for (size_t i = 0; i < row->count; i++)
    columns -= row->members[i].column != NULL;
  assert_int_equal(columns, 0);
  return ++seen->rows != seen->most;
}

static const struct rows_case {
  struct view document;
  const char *expected;
  const char *no_rows; /* NULL: all elements are rows */
} cases[] = {
    {VIEW("{\"refpages\":[]}"), "{\"refpages\":[]}", NULL},
    {VIEW("{\"refpages\":[{}]}"), "{\"refpages\":[#]}", NULL},
    {VIEW("{\"refpages\":[{\"url_from\":\"http://a/\",\"ahrefs_rank\":12},{\"nofollow\":true}]}"),
     "{\"refpages\":[#[\"url_from\"|url_from|c|5|\"http://a/\"|http://a/]"
     "[\"ahrefs_rank\"|ahrefs_rank|c|4|12|12]#[\"nofollow\"|nofollow|c|3|true|]]}",
     NULL},
    /* spelling is kept, text is decoded */
    {VIEW("{\"refpages\":[{\"url\\u005ffrom\":\"http:\\/\\/a\\/"
          "\\u00e9\",\"anchor\":\"\\\"\\\\\"}]}"),
     "{\"refpages\":[#[\"url\\u005ffrom\"|url_from|c|5|\"http:\\/\\/a\\/\\u00e9\"|http://a/"
     "\xc3\xa9]"
     "[\"anchor\"|anchor|c|5|\"\\\"\\\\\"|\"\\]]}",
     NULL},
    {VIEW("{\"refpages\":[{\"title\":\"\\ud83d\\uDE00\xf0\x9f\x98\x80\",\"alt\":\"\",\"a\":\"x\"}]"
          "}"),
     "{\"refpages\":[#[\"title\"|title|c|5|\"\\ud83d\\uDE00\xf0\x9f\x98\x80\"|"
     "\xf0\x9f\x98\x80\xf0\x9f\x98\x80][\"alt\"|alt|c|5|\"\"|][\"a\"|a|-|5|\"x\"|x]]}",
     NULL},
    {VIEW("{\"refpages\":[{\"redirect\":-0,\"b\":1.50E+1,\"c\":18446744073709551616}]}"),
     "{\"refpages\":[#[\"redirect\"|redirect|c|4|-0|-0][\"b\"|b|-|4|1.50E+1|1.50E+1]"
     "[\"c\"|c|-|4|18446744073709551616|18446744073709551616]]}",
     NULL},
    {VIEW("{\"refpages\":[{\"title\":null,\"original\":false,\"a\":[1,{\"title\":2}],\"b\":{}}]}"),
     "{\"refpages\":[#[\"title\"|title|c|1|null|][\"original\"|original|c|2|false|]"
     "[\"a\"|a|-|6|[1,{\"title\":2}]|][\"b\"|b|-|6|{}|]]}",
     NULL},
    /* the frame is all that stands around the rows, without what separates them */
    {VIEW(" {\"stats\" : {\"a\":[1]} ,\n\"refpages\" : [ { \"date\" : 1 , \"type\":\t2 } , {} ] "
          ", \"b\":[{}] }\n"),
     " {\"stats\" : {\"a\":[1]} ,\n\"refpages\" : "
     "[#[\"date\"|date|c|4|1|1][\"type\"|type|c|4|2|2]#] "
     ", \"b\":[{}] }\n",
     NULL},
    {VIEW("\xef\xbb\xbf{\"refpages\":[{}]}"), "\xef\xbb\xbf{\"refpages\":[#]}", NULL},
    {VIEW("{\"refpages\":null}"), "{\"refpages\":null}", NULL},
    {VIEW("{\"error\":\"x\"}\r\n"), "{\"error\":\"x\"}\r\n", NULL},
    {VIEW("{\"refpages\":[{\"refpages\":[{\"date\":1}]}]}"),
     "{\"refpages\":[#[\"refpages\"|refpages|-|6|[{\"date\":1}]|]]}", NULL},
    {VIEW("{\"refpages\":[{\"\":1}]}"), "{\"refpages\":[#[\"\"||-|4|1|1]]}", NULL},
    {VIEW("{\"refpages\":[{\"a\":1,\"A\":2,\"date\":3,\"Date\":4}]}"),
     "{\"refpages\":[#[\"a\"|a|-|4|1|1][\"A\"|A|-|4|2|2][\"date\"|date|c|4|3|3][\"Date\"|Date|-|4|"
     "4|4]]}",
     NULL},
    /* no rows, and sound all the same */
    {VIEW("{\"refpages\":[1]}"), "{\"refpages\":[", "an element is no object"},
    {VIEW("{\"refpages\":[{},\"a\",{}]}"), "{\"refpages\":[#", "an element is no object"},
    {VIEW("{\"refpages\":[{},[{}]]}"), "{\"refpages\":[#", "an element is no object"},
    {VIEW("{\"refpages\":[{},null]}"), "{\"refpages\":[#", "an element is no object"},
    {VIEW("{\"refpages\":[{\"date\":1,\"date\":1}]}"), "{\"refpages\":[",
     "a name stands twice in an element"},
    {VIEW("{\"refpages\":[{\"date\":1,\"d\\u0061te\":1}]}"), "{\"refpages\":[",
     "a name stands twice in an element"},
    {VIEW("{\"refpages\":[{\"x\":1,\"y\":2,\"x\":1}]}"), "{\"refpages\":[",
     "a name stands twice in an element"},
#define HALF "a string holds half of a surrogate pair"
    {VIEW("{\"refpages\":[{\"title\":\"\\ud83d\"}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"title\":\"\\ude00\"}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"title\":\"\\ud83dx\\ude00\"}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"title\":\"\\ud83d\\ud83d\\ude00\"}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"title\":\"\\ud83d\\u0041\"}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"\\udfff\":1}]}"), "{\"refpages\":[", HALF},
    {VIEW("{\"refpages\":[{\"title\":\"\\\\ud83d \\\\\\uD83D\\uDE00\"}]}"),
     "{\"refpages\":[#[\"title\"|title|c|5|\"\\\\ud83d \\\\\\uD83D\\uDE00\"|"
     "\\ud83d \\\xf0\x9f\x98\x80]]}",
     NULL},
};

static const struct reader_shape shape = {.rows = VIEW("refpages")};

static struct reader *begin(struct seen *seen) {
  struct reader *reader = reader_create_rows(
      &shape, DEPTH, &(struct reader_sink){.context = seen, .frame = on_frame, .row = on_row});
  assert_non_null(reader);
  return reader;
}

/* Feeds a copy of just that size, so that a sanitizer sees a read past its end. */
static void feed(struct reader *reader, struct view bytes) {
  char *copy = malloc(bytes.length);
  if (bytes.length)
    memcpy(copy, bytes.at, bytes.length);
  assert_true(reader_feed(reader, (struct view){copy, bytes.length}, NULL));
  free(copy);
}

/* Up to the first two ends, then in pieces of `step` bytes. */
static void expect(const struct rows_case *one, size_t first, size_t second, size_t step) {
  struct seen seen = {.document = one->document};
  struct reader *reader = begin(&seen);
  struct view rest = one->document;
  for (int i = 0; rest.length; i++) {
    struct view piece = view_first(rest, i == 0 ? first : i == 1 ? second - first : step);
    feed(reader, piece);
    rest = view_from(rest, piece.length);
  }
  assert_true(reader_finish(reader, NULL));
  const char *no_rows = reader_no_rows(reader);
  bool as_expected = one->no_rows ? no_rows && !strcmp(no_rows, one->no_rows) : !no_rows;
  if (!as_expected || strcmp(text_string(&seen.all), one->expected) != 0)
    fail_msg("cut at %zu, %zu, then every %zu:\n%s\n%s\n%s", first, second, step,
             text_string(&seen.all), one->expected, no_rows ? no_rows : "rows");
  reader_release(&reader);
  text_free(&seen.all);
}

static void every_split_gives_the_same_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    size_t length = cases[i].document.length;
    for (size_t step = 1; step <= 3; step++)
      expect(&cases[i], step, 2 * step, step);
    for (size_t first = 0; first <= length; first++)
      for (size_t second = first; second <= length; second++)
        expect(&cases[i], first, second, length);
  }
}

static void rows_end_where_no_more_are_wanted_and_the_frame_goes_on(void **state) {
  (void)state;
  struct seen seen = {.most = 2};
  struct reader *reader = begin(&seen);
  feed(reader, VIEW("{\"refpages\":[{},{},{},{\"a\":1,\"a\":2},5],\"b\":1}"));
  assert_true(reader_finish(reader, NULL));
  assert_string_equal(text_string(&seen.all), "{\"refpages\":[##],\"b\":1}");
  assert_int_equal(reader_results(reader), 5);
  assert_false(reader_is_plain(reader));
  reader_release(&reader);
  text_free(&seen.all);
}

static void a_plain_answer_holds_rows_alone(void **state) {
  (void)state;
  static const struct {
    struct view document;
    bool is_plain;
  } answers[] = {{VIEW("{\"refpages\":[{\"a\":{\"b\":1}}]}"), true},
                 {VIEW("{\"refpages\":null}"), true},
                 {VIEW("{\"refpages\":[],\"stats\":{}}"), false},
                 {VIEW("{\"error\":null,\"refpages\":[]}"), false}};
  for (size_t i = 0; i < COUNT(answers); i++) {
    struct reader *reader = reader_create(&shape, DEPTH);
    feed(reader, answers[i].document);
    assert_int_equal(reader_is_plain(reader), answers[i].is_plain);
    assert_non_null(reader_no_rows(reader));
    reader_release(&reader);
  }
}

static void the_array_has_a_place_in_the_answer(void **state) {
  (void)state;
  static const struct {
    struct view document;
    int64_t begin, end; /* 0: nowhere */
  } answers[] = {{VIEW("{\"refpages\":[]}"), 13, 13},
                 {VIEW("\xef\xbb\xbf{\"refpages\":[]}"), 16, 16},
                 {VIEW("{\"refpages\":[ {\"a\":[]} ] ,\"b\":[] }"), 13, 23},
                 {VIEW("{\"refpages\":null}"), 0, 0}};
  for (size_t i = 0; i < COUNT(answers); i++)
    for (size_t step = 1; step < 40; step++) {
      struct seen seen = {0};
      struct reader *reader = begin(&seen);
      int64_t first = 0, end = 0;
      for (struct view rest = answers[i].document; rest.length; rest = view_from(rest, step))
        feed(reader, view_first(rest, step));
      assert_true(reader_finish(reader, NULL));
      assert_int_equal(reader_rows_place(reader, &first, &end), answers[i].end > 0);
      assert_int_equal(first, answers[i].begin);
      assert_int_equal(end, answers[i].end);
      reader_release(&reader);
      text_free(&seen.all);
    }
}

/* --- bounds --- */

/* One element of `length` bytes, in pieces. */
static const char *no_rows_of(size_t length, size_t step, int *rows) {
  struct seen seen = {0};
  struct reader *reader = begin(&seen);
  const struct view head = VIEW("{\"refpages\":[{\"alt\":\"a\\nb\",\"title\":\""),
                    foot = VIEW("\"}]}");
  size_t fill = length - (head.length - 13) - (foot.length - 2);
  char *bytes = malloc(fill);
  memset(bytes, 'x', fill);
  feed(reader, head);
  for (struct view rest = {bytes, fill}; rest.length; rest = view_from(rest, step))
    feed(reader, view_first(rest, step));
  feed(reader, foot);
  assert_true(reader_finish(reader, NULL));
  const char *no_rows = reader_no_rows(reader);
  *rows = seen.rows;
  reader_release(&reader);
  text_free(&seen.all);
  free(bytes);
  return no_rows;
}

static void an_element_is_bounded(void **state) {
  (void)state;
  static const size_t steps[] = {1000, 65536, READER_MAX_ROW * 2};
  int rows;
  for (size_t i = 0; i < COUNT(steps); i++) {
    assert_null(no_rows_of(READER_MAX_ROW, steps[i], &rows));
    assert_int_equal(rows, 1);
    assert_string_equal(no_rows_of(READER_MAX_ROW + 1, steps[i], &rows), "an element is too long");
    assert_int_equal(rows, 0);
  }
}

static void members_are_bounded(void **state) {
  (void)state;
  for (int members = ROW_MEMBERS_MOST; members <= ROW_MEMBERS_MOST + 1; members++) {
    struct seen seen = {0};
    scope_text struct text document = {0};
    struct reader *reader = begin(&seen);
    text_add(&document, VIEW("{\"refpages\":[{\"m\":0"));
    for (int i = 1; i < members; i++)
      text_printf(&document, ",\"m%d\":0", i);
    text_add(&document, VIEW("}]}"));
    feed(reader, text_view(&document));
    assert_true(reader_finish(reader, NULL));
    assert_int_equal(seen.rows, members <= ROW_MEMBERS_MOST);
    assert_int_equal(reader_no_rows(reader) == NULL, members <= ROW_MEMBERS_MOST);
    reader_release(&reader);
    text_free(&seen.all);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_split_gives_the_same_rows),
      cmocka_unit_test(rows_end_where_no_more_are_wanted_and_the_frame_goes_on),
      cmocka_unit_test(a_plain_answer_holds_rows_alone),
      cmocka_unit_test(the_array_has_a_place_in_the_answer),
      cmocka_unit_test(an_element_is_bounded),
      cmocka_unit_test(members_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

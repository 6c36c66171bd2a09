#include "query/filter.h"

#include "unit/fixture/unit.h"

/* A filter in its one spelling: its text, or what it became. */
static const struct {
  struct view text;
  const char *spelling; /* "": it is no JSON that is read */
  bool is_filter;
} spellings[] = {
#define FILTER(text, spelling) \
  { VIEW(text), spelling, true }
#define JSON(text, spelling) \
  { VIEW(text), spelling, false }
#define NONE(text) \
  { VIEW(text), "", false }
#define A "{\"field\":\"a\",\"is\":[\"eq\",1]}"
#define B "{\"field\":\"b\",\"is\":[\"eq\",2]}"
#define C "{\"field\":\"c\",\"is\":[\"eq\",3]}"
    FILTER(A, A),
    FILTER(" { \"is\" :\t[\"eq\",\r1 ] , \"field\":\"a\"\n} ", A),
    FILTER("{\"f\\u0069eld\":\"\\u0061\",\"is\":[\"eq\",1]}", A),
    FILTER("{\"field\":\"a\",\"is\":\"is_null\"}", "{\"field\":\"a\",\"is\":\"is_null\"}"),
    FILTER("{\"is\":\"empty\",\"field\":\"a\"}", "{\"field\":\"a\",\"is\":\"empty\"}"),
    FILTER("{\"list_is\":{\"any\":[\"eq\",\"en\"]},\"field\":\"a\"}",
           "{\"field\":\"a\",\"list_is\":{\"any\":[\"eq\",\"en\"]}}"),
    FILTER("{\"not\": " A "}", "{\"not\":" A "}"),

    /* `and` and `or` are sets */
    FILTER("{\"and\":[" B "," A "]}", "{\"and\":[" A "," B "]}"),
    FILTER("{\"or\":[" B "," A "," B "]}", "{\"or\":[" A "," B "]}"),
    FILTER("{\"and\":[" A "," A "]}", "{\"and\":[" A "]}"),
    FILTER("{\"and\":[{\"and\":[" C "," A "]}," B "]}", "{\"and\":[" A "," B "," C "]}"),
    FILTER("{\"and\":[{\"or\":[{\"or\":[" C "]}," A "]}," B "]}",
           "{\"and\":[" B ",{\"or\":[" A "," C "]}]}"),
    FILTER("{\"not\":{\"or\":[" B "," A "]}}", "{\"not\":{\"or\":[" A "," B "]}}"),

    /* numbers keep their text, strings do not keep their escapes */
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",1.0]}", "{\"field\":\"a\",\"is\":[\"eq\",1.0]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",1e999]}", "{\"field\":\"a\",\"is\":[\"eq\",1e999]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",-0]}", "{\"field\":\"a\",\"is\":[\"eq\",-0]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",\"\\u00e9\\/\\u0022\\n\\u0000\\u001f\"]}",
           "{\"field\":\"a\",\"is\":[\"eq\",\"\xc3\xa9/\\\"\\n\\u0000\\u001f\"]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",\"\\ud83d\\uDE00\"]}",
           "{\"field\":\"a\",\"is\":[\"eq\",\"\xf0\x9f\x98\x80\"]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",null]}", "{\"field\":\"a\",\"is\":[\"eq\",null]}"),
    FILTER("{\"field\":\"a\",\"is\":[\"eq\",true]}", "{\"field\":\"a\",\"is\":[\"eq\",true]}"),

    /* JSON, but outside the grammar */
    JSON("{\"and\":[]}", "{\"and\":[]}"),
    JSON("{\"and\":[{\"and\":[]}," A "]}", "{\"and\":[{\"and\":[]}," A "]}"),
    JSON("[]", "[]"),
    JSON(" 1 ", "1"),
    JSON("{\"z\":1,\"and\":[" B "," A "]}", "{\"and\":[" B "," A "],\"z\":1}"),
    JSON("{\"or\":[{\"new\":[2,1]}," A "]}", "{\"or\":[" A ",{\"new\":[2,1]}]}"),
    JSON("{\"field\":\"a\",\"is\":[\"like\",1]}", "{\"field\":\"a\",\"is\":[\"like\",1]}"),
    JSON("{\"field\":\"a\",\"is\":[\"eq\",[1]]}", "{\"field\":\"a\",\"is\":[\"eq\",[1]]}"),
    JSON("{\"field\":\"a\",\"is\":[\"eq\",1,2]}", "{\"field\":\"a\",\"is\":[\"eq\",1,2]}"),
    JSON("{\"field\":\"\",\"is\":[\"eq\",1]}", "{\"field\":\"\",\"is\":[\"eq\",1]}"),
    JSON("{\"field\":\"a\",\"is\":\"null\"}", "{\"field\":\"a\",\"is\":\"null\"}"),
    JSON("{\"field\":\"a\",\"list_is\":{\"any\":\"empty\"}}",
         "{\"field\":\"a\",\"list_is\":{\"any\":\"empty\"}}"),
    JSON("{\"not\":[" A "]}", "{\"not\":[" A "]}"),

    /* no JSON, or none that can be trusted to mean one thing */
    NONE(""),
    NONE("type=lost"),
    NONE(A "x"),
    NONE(A " " A),
    NONE("{\"field\":\"a\",\"field\":\"b\",\"is\":[\"eq\",1]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",{\"a\":1,\"\\u0061\":1}]}"),
    NONE("{\"field\":\"a\",/**/\"is\":[\"eq\",1]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",01]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",\"\\ud83d\"]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",\"\\ude00\\ud83d\"]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",\"\\ud83d\\u0041\"]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",\"\n\"]}"),
    NONE("{\"field\":\"a\",\"is\":[\"eq\",\"\xff\"]}"),
    NONE("\v" A),
    NONE("{\"field\":\"a\""),
    NONE("\""),
    NONE("\"\\"),
    NONE("1\0"),
};

static void test_spellings(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
    scope_text struct text spelling = {0};
    struct filter *filter;
    assert_true(filter_normalize(spellings[i].text, &spelling, NULL));
    assert_string_equal(text_string(&spelling), spellings[i].spelling);
    assert_true(filter_parse(spellings[i].text, &filter, NULL));
    if ((filter != NULL) != spellings[i].is_filter)
      fail_msg("%s", spellings[i].text.at);
    if (filter)
      assert_true(view_is(filter->text, spellings[i].spelling));
    filter_release(&filter);
    assert_null(filter);
  }
}

static struct filter *parse(const char *text) {
  struct filter *filter;
  assert_true(filter_parse(view_of(text), &filter, NULL));
  assert_non_null(filter);
  return filter;
}

static void add_field(void *fields, struct view field) {
  text_add(fields, field);
  text_add_char(fields, ' ');
}

static void test_the_tree(void **state) {
  (void)state;
  struct filter *filter =
      parse("{\"and\":[{\"field\":\"url_to\",\"is\":[\"iphrase_match\",\"a\\/b\"]},"
            "{\"not\":{\"field\":\"title\",\"is\":\"empty\"}},"
            "{\"or\":[{\"field\":\"traffic\",\"is\":[\"gte\",24.50]},"
            "{\"field\":\"languages\",\"list_is\":{\"all\":[\"neq\",\"en\"]}}]}]}");
  assert_int_equal(filter->kind, FILTER_AND);
  assert_int_equal(filter->count, 3);
  const struct filter *is = filter->parts[0], *not = filter->parts[1], * or = filter->parts[2];
  assert_int_equal(is->kind, FILTER_IS);
  assert_true(view_is(is->field, "url_to"));
  assert_int_equal(is->op, FILTER_IPHRASE_MATCH);
  assert_int_equal(is->value.kind, FILTER_STRING);
  assert_true(view_is(is->value.text, "a/b"));
  assert_true(view_is(is->text, "{\"field\":\"url_to\",\"is\":[\"iphrase_match\",\"a/b\"]}"));
  assert_int_equal(not ->kind, FILTER_NOT);
  assert_int_equal(not ->parts[0]->kind, FILTER_IS_EMPTY);
  assert_int_equal(or->kind, FILTER_OR);
  assert_int_equal(or->parts[0]->kind, FILTER_ALL);
  assert_int_equal(or->parts[0]->op, FILTER_NEQ);
  assert_int_equal(or->parts[1]->value.kind, FILTER_NUMBER);
  assert_true(view_is(or->parts[1]->value.text, "24.50"));
  scope_text struct text fields = {0};
  filter_each_field(filter, add_field, &fields);
  assert_string_equal(text_string(&fields), "url_to title languages traffic ");
  assert_int_equal(filter_count(filter), 4);
  filter_release(&filter);
}

/* `depth` times "not" around a test, which is three levels itself. */
static void nest(struct text *out, size_t depth) {
  for (size_t i = 0; i < depth; i++)
    text_add(out, VIEW("{\"not\":"));
  text_add(out, VIEW(A));
  for (size_t i = 0; i < depth; i++)
    text_add_char(out, '}');
}

static void test_bounds(void **state) {
  (void)state;
  static const struct {
    size_t depth;
    bool is_filter;
  } depths[] = {{62, true}, {63, false}, {5000, false}};
  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
    scope_text struct text text = {0};
    struct filter *filter;
    nest(&text, depths[i].depth);
    assert_true(filter_parse(text_view(&text), &filter, NULL));
    assert_int_equal(filter != NULL, depths[i].is_filter);
    filter_release(&filter);
  }
}

static void test_a_long_text_stays_text(void **state) {
  (void)state;
  scope_text struct text text = {0}, spelling = {0};
  text_add(&text, VIEW("{\"or\":[" A));
  while (text.length < (size_t)70 * 1024)
    text_add(&text, VIEW("," B));
  text_add(&text, VIEW("]}"));
  assert_true(filter_normalize(text_view(&text), &spelling, NULL));
  assert_int_equal(spelling.length, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spellings),
      cmocka_unit_test(test_the_tree),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_a_long_text_stays_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

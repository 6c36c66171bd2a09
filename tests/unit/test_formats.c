/* Answers as PHP and XML: whole or broken, an error or not, in every split of their bytes. */
#include "base/text.h"
#include "rows/reader.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

#define DEPTH 4
#define BROKEN "upstream's answer is broken: "
#define FORMAT BROKEN "it is not in PHP's serialize format"
#define NO_ARRAY BROKEN "it is no array in PHP's serialize format"
#define EARLY BROKEN "it ends too early"
#define DEEP BROKEN "it is nested too deep (upstream.max_depth)"
#define XML BROKEN "it is no well-formed XML"

static const struct reader_shape php = {.rows = VIEW("refpages"), .format = QUERY_PHP},
                                 any_php = {.format = QUERY_PHP},
                                 xml = {.rows = VIEW("refpages"),
                                        .format = QUERY_XML,
                                        .root = VIEW("AhrefsApiResponse")};

static const struct format_case {
  const struct reader_shape *shape;
  struct view document;
  const char *broken; /* NULL: whole and sound */
  int64_t results;    /* that it agrees with */
  bool error;
} cases[] = {
#define SOUND(document, results) \
  { &php, VIEW(document), NULL, results, false }
#define ERROR(document, results) \
  { &php, VIEW(document), NULL, results, true }
#define BAD(document, why) \
  { &php, VIEW(document), why, -1, false }
#define ROWS(count, rows) "a:1:{s:8:\"refpages\";a:" #count ":{" rows "}}"
#define VALUE(value) ROWS(1, "i:0;" value)
    SOUND(ROWS(0, ""), 0),
    SOUND(ROWS(1, "i:0;a:0:{}"), 1),
    SOUND(ROWS(2, "i:0;a:1:{s:1:\"a\";i:1;}i:1;a:2:{s:1:\"b\";N;i:7;b:0;}"), 2),
    SOUND(ROWS(2, "i:5;i:1;i:9;i:2;"), 2),
    SOUND(ROWS(1, "i:0;s:3:\"\";}\";") "\n", 1),
    SOUND("a:2:{s:5:\"stats\";a:2:{i:0;i:1;i:1;i:2;}s:8:\"refpages\";a:1:{i:0;N;}}", 1),
    SOUND("a:1:{s:8:\"refpages\";N;}", 0),
    SOUND("O:8:\"stdClass\":1:{s:8:\"refpages\";a:1:{i:0;O:1:\"x\":0:{}}}", 1),
    SOUND(VALUE("a:1:{s:8:\"refpages\";a:2:{i:0;i:1;i:1;i:1;}}"), 1),
    SOUND(VALUE("i:-12;"), 1),
    SOUND(VALUE("d:0.10000000000000001;"), 1),
    SOUND(VALUE("d:1.0E+25;"), 1),
    SOUND(VALUE("d:-1.5E-7;"), 1),
    SOUND(VALUE("d:-INF;"), 1),
    SOUND(VALUE("d:NAN;"), 1),
    SOUND(VALUE("d:3;"), 1),
    SOUND(VALUE("s:2:\"\0\xff\";"), 1),
    /* errors, as in JSON */
    ERROR("a:1:{s:5:\"error\";s:13:\"invalid token\";}", 0),
    ERROR("a:1:{s:5:\"error\";N;}", 0),
    ERROR("a:2:{s:5:\"error\";a:1:{i:0;N;}s:8:\"refpages\";a:1:{i:0;N;}}", 1),
    ERROR("a:2:{s:8:\"refpages\";a:1:{i:0;N;}s:5:\"error\";b:1;}", 1),
    SOUND("a:2:{s:5:\"error\";b:0;s:8:\"refpages\";a:1:{i:0;N;}}", 1),
    SOUND("a:2:{s:5:\"error\";s:0:\"\";s:8:\"refpages\";a:0:{}}", 0),
    SOUND("a:2:{s:5:\"error\";a:0:{}s:8:\"refpages\";a:0:{}}", 0),
    SOUND(VALUE("a:1:{s:5:\"error\";i:1;}"), 1),
    /* not what was asked for */
    BAD("a:0:{}", BROKEN "it has neither 'refpages' nor 'error'"),
    BAD("a:1:{s:9:\"refpages2\";a:0:{}}", BROKEN "it has neither 'refpages' nor 'error'"),
    BAD("a:1:{s:8:\"refpages\";i:1;}", BROKEN "'refpages' is no array"),
    BAD("a:1:{s:8:\"refpages\";a:1:{s:1:\"a\";N;}}", BROKEN "'refpages' is no array"),
    BAD("a:2:{s:8:\"refpages\";a:0:{}s:8:\"refpages\";a:0:{}}", BROKEN "'refpages' stands twice"),
    BAD("i:1;", NO_ARRAY),
    BAD("s:1:\"a\";", NO_ARRAY),
    BAD("N;", NO_ARRAY),
    BAD("b:0;", NO_ARRAY),
    /* cut, or something else altogether */
    BAD("", EARLY),
    BAD("a", EARLY),
    BAD("a:1:{", EARLY),
    BAD("a:1:{s:8:\"refp", EARLY),
    BAD("a:1:{s:8:\"refpages\";a:1:{i:0;a:0:{}", EARLY),
    BAD("a:1:{s:8:\"refpages\";a:1:{i:0;a:0:{}}", EARLY),
    BAD("<!DOCTYPE html><html></html>", FORMAT),
    BAD("{\"refpages\":[]}", FORMAT),
    BAD(" " ROWS(0, ""), FORMAT),
    BAD("\xef\xbb\xbf" ROWS(0, ""), FORMAT),
    BAD(ROWS(0, "") "x", FORMAT),
    BAD(ROWS(0, "") ROWS(0, ""), FORMAT),
    /* counts and lengths are exact */
    BAD(ROWS(2, "i:0;N;"), FORMAT),
    BAD(ROWS(0, "i:0;N;"), FORMAT),
    BAD(ROWS(1, "i:0;}"), FORMAT),
    BAD(VALUE("s:2:\"a\";"), FORMAT),
    BAD(VALUE("s:1:\"ab\";"), FORMAT),
    BAD(VALUE("s:\"a\";"), FORMAT),
    BAD(VALUE("s:-1:\"a\";"), FORMAT),
    BAD(VALUE("s:9999999:\"a\";"), BROKEN "one value in it is too long"),
    BAD(VALUE("s:9999999999999999999:\"a\";"), FORMAT),
    BAD("a:9999999999999999999:{}", FORMAT),
    BAD("a::{}", FORMAT),
    BAD("a:0{}", FORMAT),
    /* values and keys */
    BAD(VALUE("b:2;"), FORMAT),
    BAD(VALUE("b:;"), FORMAT),
    BAD(VALUE("i:;"), FORMAT),
    BAD(VALUE("i:1.5;"), FORMAT),
    BAD(VALUE("i:+1;"), FORMAT),
    BAD(VALUE("i:- 1;"), FORMAT),
    BAD(VALUE("d:1e5;"), FORMAT),
    BAD(VALUE("d:.5;"), FORMAT),
    BAD(VALUE("d:1.;"), FORMAT),
    BAD(VALUE("d:1.-5;"), FORMAT),
    BAD(VALUE("d:inf;"), FORMAT),
    BAD(VALUE("d:E5;"), FORMAT),
    BAD(VALUE("d:1.0E;"), FORMAT),
    BAD(VALUE("n;"), FORMAT),
    BAD(VALUE("N:"), FORMAT),
    BAD(VALUE("r:1;"), FORMAT),
    BAD(VALUE("C:1:\"a\":0:{}"), FORMAT),
    BAD("a:1:{b:1;N;}", FORMAT),
    BAD("a:1:{N;N;}", FORMAT),
    BAD("a:1:{a:0:{}N;}", FORMAT),
    /* depth: the array, the rows, the row, and one more */
    SOUND(VALUE("a:1:{i:0;a:0:{}}"), 1),
    BAD(VALUE("a:1:{i:0;a:1:{i:0;a:0:{}}}"), DEEP),
    /* another table: lists are counted, as in JSON */
    {&any_php, VIEW("a:2:{s:1:\"a\";a:2:{i:0;N;i:1;N;}s:1:\"b\";a:1:{s:1:\"c\";N;}}"), NULL, 2,
     false},
    {&any_php, VIEW("a:1:{s:4:\"info\";a:1:{s:9:\"rows_left\";i:1;}}"), NULL, 0, false},
    {&any_php, VIEW("a:0:{}"), NULL, 0, false},

#define WELL(document, results) \
  { &xml, VIEW(document), NULL, results, false }
#define XML_ERROR(document) \
  { &xml, VIEW(document), NULL, 0, true }
#define ILL(document, why) \
  { &xml, VIEW(document), why, -1, false }
#define ROOT(inside)                                                            \
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AhrefsApiResponse>" inside "</" \
  "AhrefsApiResponse>\n"
    WELL(ROOT("<refpages><row><a>1</a></row><row/></refpages>"), 2),
    WELL(ROOT("<row a=\"1\" b='&lt;&#13;'/><row/><row/>"), 3),
    WELL(ROOT("<refpages/>"), 0),
    WELL(ROOT(""), 0),
    WELL(ROOT("<!-- a --><?b c?><refpages><![CDATA[<]]></refpages>"), 0),
    WELL("\xef\xbb\xbf<AhrefsApiResponse/>", 0),
    XML_ERROR(ROOT("<error>invalid token</error>")),
    XML_ERROR(ROOT("<error/>")),
    XML_ERROR(ROOT("<refpages/><error>x</error>")),
    XML_ERROR(ROOT("<error><a/></error><refpages/>")),
    WELL(ROOT("<error> \n</error><refpages/>"), 0),
    WELL(ROOT("<refpages><error>x</error></refpages>"), 1),
    ILL("", XML),
    ILL(" \n", XML),
    ILL("<AhrefsApiResponse>", XML),
    ILL("<AhrefsApiResponse><a", XML),
    ILL(ROOT("<a></b>"), XML),
    ILL(ROOT("&a;"), XML),
    ILL(ROOT("\x01"), XML),
    ILL(ROOT("<a b=\"1\" b=\"2\"/>"), XML),
    ILL(ROOT("\xff"), XML),
    ILL(ROOT("") "x", XML),
    ILL(ROOT("") ROOT(""), XML),
    ILL("{\"refpages\":[]}", XML),
    ILL("a:0:{}", XML),
    ILL("<html><body>502</body></html>", BROKEN "its root element has another name"),
    ILL("<!DOCTYPE html><html></html>", BROKEN "it has a document type"),
    ILL("<!DOCTYPE a [<!ENTITY b \"c\">]><AhrefsApiResponse>&b;</AhrefsApiResponse>",
        BROKEN "it has a document type"),
    WELL(ROOT("<a><b><c/></b></a>"), 1),
    ILL(ROOT("<a><b><c><d/></c></b></a>"), DEEP),
};

static void expect(const struct format_case *one, size_t first, size_t step) {
  struct fault fault = {0};
  struct reader *reader = reader_create(one->shape, DEPTH);
  assert_non_null(reader);
  struct view rest = one->document;
  bool ok = true;
  for (int i = 0; ok && rest.length; i++) {
    struct view piece = view_first(rest, i == 0 && first ? first : step);
    char *copy = malloc(piece.length);
    memcpy(copy, piece.at, piece.length);
    ok = reader_feed(reader, (struct view){copy, piece.length}, &fault);
    free(copy);
    rest = view_from(rest, piece.length);
  }
  ok = ok && reader_finish(reader, &fault);
  /* What an error in XML holds is not counted apart. */
  bool agrees = reader_agrees(reader, one->results) || (one->shape == &xml && one->error);
  bool same = one->broken ? !ok && strcmp(fault.text, one->broken) == 0
                          : ok && agrees && reader_is_error(reader) == one->error;
  if (!same)
    fail_msg("%.*s\n cut at %zu, then every %zu: %s, %lld results, error %d",
             VIEW_ARGS(one->document), first, step, ok ? "sound" : fault.text,
             (long long)reader_results(reader), reader_is_error(reader));
  assert_non_null(reader_no_rows(reader));
  reader_release(&reader);
}

static void every_split_gives_the_same_verdict(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    size_t length = cases[i].document.length;
    for (size_t step = 1; step <= 3; step++)
      expect(&cases[i], 0, step);
    for (size_t first = 0; first <= length; first++)
      expect(&cases[i], first, length + 1);
  }
}

static void xml_tells_that_there_is_nothing(void **state) {
  (void)state;
  struct reader *reader = reader_create(&xml, DEPTH);
  assert_true(reader_feed(reader, VIEW("<AhrefsApiResponse><error>invalid token</error>"), NULL));
  assert_int_equal(reader_results(reader), 0);
  assert_true(reader_feed(reader, VIEW("<refpages>"), NULL));
  assert_int_equal(reader_results(reader), -1);
  reader_release(&reader);
}

static void xml_tells_no_number_and_may_disagree(void **state) {
  (void)state;
  struct reader *reader = reader_create(&xml, DEPTH);
  assert_true(reader_feed(reader, VIEW(ROOT("<refpages><row/><row/></refpages>")), NULL));
  assert_true(reader_finish(reader, NULL));
  assert_int_equal(reader_results(reader), -1);
  assert_true(reader_agrees(reader, 2));
  assert_false(reader_agrees(reader, 3));
  assert_false(reader_agrees(reader, 0));
  reader_release(&reader);
}

/* --- bounds --- */

/* What is wrong with `times` times `piece` behind `head`. */
static const char *flood(const struct reader_shape *shape, const char *head, struct view piece,
                         size_t times, struct fault *fault) {
  struct reader *reader = reader_create(shape, DEPTH);
  bool ok = reader_feed(reader, view_of(head), fault);
  while (ok && times--)
    ok = reader_feed(reader, piece, fault);
  reader_release(&reader);
  return ok ? "" : fault->text;
}

static void tokens_of_xml_are_bounded(void **state) {
  (void)state;
  struct fault fault;
  char bytes[16384];
  memset(bytes, 'a', sizeof bytes);
  struct view piece = {bytes, sizeof bytes};
  static const char *const heads[] = {"<", "<AhrefsApiResponse a=\"", "<AhrefsApiResponse><!--"};
  for (size_t i = 0; i < COUNT(heads); i++)
    assert_string_equal(flood(&xml, heads[i], piece, 80, &fault),
                        BROKEN "one value in it is too long");
  /* text is reported as it comes */
  assert_string_equal(flood(&xml, "<AhrefsApiResponse>", piece, 200, &fault), "");
}

static void names_of_xml_are_bounded(void **state) {
  (void)state;
  struct fault fault = {0};
  struct reader *reader = reader_create(&xml, DEPTH);
  assert_true(reader_feed(reader, VIEW("<AhrefsApiResponse>"), &fault));
  int names = 1;
  for (bool ok = true; ok; names++) {
    char element[64];
    snprintf(element, sizeof element, "<a%d/>", names);
    ok = reader_feed(reader, view_of(element), &fault);
    assert_true(names < 1000);
  }
  assert_int_equal(names, 257);
  assert_string_equal(fault.text, BROKEN "it has too many different names");
  reader_release(&reader);
  scope_text struct text name = {0};
  for (int i = 0; i < 1025; i++)
    text_add_char(&name, 'a');
  text_add(&name, VIEW(" "));
  assert_string_equal(
      flood(&(struct reader_shape){.format = QUERY_XML}, "<", text_view(&name), 1, &fault), "");
  text_add(&name, VIEW(">"));
  assert_string_equal(
      flood(&(struct reader_shape){.format = QUERY_XML}, "<", text_view(&name), 1, &fault),
      BROKEN "a name in it is too long");
}

/* What an array announces takes no memory, and the longest string passes. */
static void php_is_bounded(void **state) {
  (void)state;
  struct fault fault;
  scope_text struct text bytes = {0};
  for (int i = 0; i < 65536; i++)
    text_add_char(&bytes, 'a');
  assert_string_equal(
      flood(&php, "a:999999999999999999:{s:4194304:\"", text_view(&bytes), 64, &fault), "");
  assert_string_equal(
      flood(&php, "a:999999999999999999:{s:4194304:\"", text_view(&bytes), 65, &fault), FORMAT);
  assert_string_equal(flood(&php, "a:1:{s:1:\"a\";d:", VIEW("11111111111111111"), 8, &fault),
                      FORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_split_gives_the_same_verdict),
      cmocka_unit_test(xml_tells_that_there_is_nothing),
      cmocka_unit_test(xml_tells_no_number_and_may_disagree),
      cmocka_unit_test(tokens_of_xml_are_bounded),
      cmocka_unit_test(names_of_xml_are_bounded),
      cmocka_unit_test(php_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

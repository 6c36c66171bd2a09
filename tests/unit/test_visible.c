/* Text that may be shown on a terminal and in the log. */
#include "base/log.h"
#include "base/visible.h"

#include <string.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

static void what_cannot_be_seen_is_escaped(void **state) {
  (void)state;
  static const struct {
    const char *text, *shown;
  } cases[] = {
      {"", ""},
      {"plain text", "plain text"},
      {"k\u00f6ln \u65e5 \U0001f44d", "k\u00f6ln \u65e5 \U0001f44d"},
      {"\x1b[2J\n\x7f", "\\x1b[2J\\x0a\\x7f"},
      {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0\xc2\xa1", "\\x80\\x9b\\x9f\\xa0\xc2\xa1"},
      {"\u202e\u2066", "\\u202e\\u2066"},
      {"\u200b\ufeff\u034f", "\\u200b\\ufeff\\u034f"},
      {"\U000e0041\U0001bca0", "\\U000e0041\\U0001bca0"},
      {"\uffff\U0010ffff", "\\uffff\\U0010ffff"},
      {"\ufffd", "\ufffd"}, /* the replacement character is one to see */
      /* no UTF-8: alone, too long, a surrogate, cut */
      {"\x9b[31m\xff", "\\x9b[31m\\xff"},
      {"\xc0\xae", "\\xc0\\xae"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"z\xe2\x80", "z\\xe2\\x80"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    scope_text struct text out = {0};
    visible_add(&out, view_of(cases[i].text));
    assert_string_equal(text_string(&out), cases[i].shown);
  }
  scope_text struct text out = {0};
  visible_add(&out, VIEW("z\0b"));
  assert_string_equal(text_string(&out), "z\\x00b");
}

static void values_of_a_log_line_are_one_word(void **state) {
  (void)state;
  static const struct {
    const char *value, *shown;
  } cases[] = {
      {NULL, "-"},
      {"", "\"\""},
      {"word", "word"},
      {"two words", "\"two words\""},
      {"a=\"b\\", "\"a=\\\"b\\\\\""},
      {"z\nb", "z\\x0ab"},
      {"\xc2\x9b[31m", "\\x9b[31m"},
      {"\u202e a", "\"\\u202e a\""},
      {"\u2003level=error", "\"\\u2003level=error\""},
      {"\xff", "\\xff"},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_string_equal(LOG_VALUE(cases[i].value), cases[i].shown);
}

/* Wherever it is cut, what is left is whole characters between two quotes. */
static void long_values_are_cut_between_characters(void **state) {
  (void)state;
  static const char *const units[] = {"a",  "\u00f6", "\u65e5", "\U0001f44d", "\"",
                                      "\\", "\x1b",   "\xff",   "\U000e0041"};
  for (size_t i = 0; i < COUNT(units); i++) {
    scope_text struct text value = {0}, again = {0};
    char shown[LOG_VALUE_SIZE];
    text_add_char(&value, ' ');
    while (value.length < (size_t)2 * LOG_VALUE_SIZE)
      text_add(&value, view_of(units[i]));
    log_value(text_string(&value), shown);
    size_t length = strlen(shown);
    assert_true(length > LOG_VALUE_SIZE / 2 && length < LOG_VALUE_SIZE);
    assert_true(shown[0] == '"' && shown[length - 1] == '"');
    visible_add(&again, view_of(shown));
    assert_string_equal(text_string(&again), shown);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_seen_is_escaped),
      cmocka_unit_test(values_of_a_log_line_are_one_word),
      cmocka_unit_test(long_values_are_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Names that an upstream may take for a parameter of v2, and Content-Types. */
#include "query/media.h"
#include "query/names.h"

#include <stdio.h>
#include <string.h>

#include "unit/fixture/unit.h"

static const struct view right[] = {
    VIEW("token"),
    VIEW("from"),
    VIEW("target"),
    VIEW("mode"),
    VIEW("select"),
    VIEW("where"),
    VIEW("having"),
    VIEW("order_by"),
    VIEW("limit"),
    VIEW("offset"),
    VIEW("output"),
    /* others, not nearly one of these */
    VIEW(""),
    VIEW("a"),
    VIEW("colour"),
    VIEW("having_"),
    VIEW("limits"),
    VIEW("xlimit"),
    VIEW("limit_"),
    VIEW("limit."),
    VIEW("li mit"),
    VIEW("[limit]"),
    VIEW("a[limit]"),
    VIEW("="),
    VIEW("=limit"),
    VIEW("limit=5"),
    VIEW("order"),
    VIEW("by"),
    VIEW("order-by"),
    VIEW("gr\xc3\xb6\xc3\x9f"
         "e"),
    VIEW("\xd0\xbe"
         "rder_by"),
    VIEW(" "),
    VIEW("["),
    VIEW("\xe2\x84\xaa"),
    VIEW("access_token"),
};

static const struct {
  struct view name;
  const char *word;
} near[] = {
    {VIEW(" limit"), "limit"},
    {VIEW("limit "), "limit"},
    {VIEW("\t\r\nlimit\v\f"), "limit"},
    {VIEW("\x01limit\x7f"), "limit"},
    {VIEW("\xc2\xa0limit\xe2\x80\xaf"), "limit"}, /* spaces beyond ASCII */
    {VIEW("\xef\xbb\xbflimit"), "limit"},
    {VIEW("Limit"), "limit"},
    {VIEW("LIMIT"), "limit"},
    {VIEW("limit["), "limit"},
    {VIEW("limit[]"), "limit"},
    {VIEW("limit[0]"), "limit"},
    {VIEW(" Limit [x"), "limit"},
    {VIEW("token[]"), "token"},
    {VIEW("TOKEN "), "token"},
    {VIEW("to\xe2\x84\xaa"
          "en"),
     "token"}, /* Kelvin, in lower case k */
    {VIEW("\xc5\xbf"
          "elect"),
     "select"}, /* the long s, in upper case S */
    {VIEW("order.by"), "order_by"},
    {VIEW("order by"), "order_by"},
    {VIEW("order[by"), "order_by"},
    {VIEW(" Order.By[]"), "order_by"},
    {VIEW("from[a][b]"), "from"},
};

static void names_that_may_be_taken_for_others(void **state) {
  (void)state;
  struct fault fault;
  for (size_t i = 0; i < COUNT(right); i++)
    if (!names_check(right[i], &fault))
      fail_msg("\"%.*s\": %s", VIEW_ARGS(right[i]), fault.text);
  for (size_t i = 0; i < COUNT(near); i++) {
    char end[64];
    snprintf(end, sizeof end, ": write '%s'", near[i].word);
    if (names_check(near[i].name, &fault))
      fail_msg("\"%.*s\" is taken", VIEW_ARGS(near[i].name));
    assert_int_equal(fault.kind, FAULT_MALFORMED);
    assert_non_null(strstr(fault.text, end));
  }
}

static void words_that_are_nearly_others(void **state) {
  (void)state;
  struct view word = VIEW("subscription_info");
  assert_true(names_is_nearly(VIEW("Subscription_info"), word));
  assert_true(names_is_nearly(VIEW(" subscription_info"), word));
  assert_true(names_is_nearly(VIEW("\xc5\xbfubscription_info\xc2\xa0"), word));
  assert_false(names_is_nearly(word, word));
  assert_false(names_is_nearly(VIEW("subscription.info"), word));
  assert_false(names_is_nearly(VIEW("subscription_info[]"), word));
  assert_false(names_is_nearly(VIEW("subscription_inf"), word));
  assert_false(names_is_nearly(VIEW(""), word));
  char spaces[300];
  memset(spaces, ' ', sizeof spaces);
  memcpy(spaces + 100, word.at, word.length);
  assert_true(names_is_nearly((struct view){spaces, sizeof spaces}, word));
}

#define FORM "application/x-www-form-urlencoded"

static const struct {
  struct view value;
  enum media media;
} types[] = {
    {VIEW(FORM), MEDIA_FORM},
    {VIEW("Application/X-WWW-Form-URLEncoded"), MEDIA_FORM},
    {VIEW(" " FORM "\t"), MEDIA_FORM},
    {VIEW(FORM ";charset=utf-8"), MEDIA_FORM},
    {VIEW(FORM " ; charset=\"utf-8\"; a=b"), MEDIA_FORM},
    {VIEW(FORM ";"), MEDIA_FORM},
    {VIEW(FORM "; ;a=b;"), MEDIA_FORM},
    {VIEW(FORM "; a=\"x\\\"y; , z\""), MEDIA_FORM},
    {VIEW(""), MEDIA_OTHER},
    {VIEW(" \t"), MEDIA_OTHER},
    {VIEW("text/plain"), MEDIA_OTHER},
    {VIEW("text/plain;charset=UTF-8"), MEDIA_OTHER},
    {VIEW("multipart/form-data; boundary=----x'()+_,-./:=?"), MEDIA_MALFORMED},
    {VIEW("multipart/form-data; boundary=\"----x'()+_,-./:=?\""), MEDIA_OTHER},
    {VIEW("multipart/form-data; boundary=b"), MEDIA_OTHER},
    {VIEW(FORM "+json"), MEDIA_OTHER},
    {VIEW(FORM ", x"), MEDIA_MALFORMED},
    {VIEW(FORM ","), MEDIA_MALFORMED},
    {VIEW(FORM "," FORM), MEDIA_MALFORMED},
    {VIEW(FORM " x"), MEDIA_MALFORMED},
    {VIEW(FORM "; a"), MEDIA_MALFORMED},
    {VIEW(FORM "; a="), MEDIA_MALFORMED},
    {VIEW(FORM "; a =b"), MEDIA_MALFORMED},
    {VIEW(FORM "; =b"), MEDIA_MALFORMED},
    {VIEW(FORM "; a=\"b"), MEDIA_MALFORMED},
    {VIEW(FORM "; a=\"b\\"), MEDIA_MALFORMED},
    {VIEW(FORM "; a=\"\x01\""), MEDIA_MALFORMED},
    {VIEW(FORM "; a=b c"), MEDIA_MALFORMED},
    {VIEW(FORM "\0"), MEDIA_MALFORMED},
    {VIEW("application /x-www-form-urlencoded"), MEDIA_MALFORMED},
    {VIEW("x-www-form-urlencoded"), MEDIA_MALFORMED},
    {VIEW("text/"), MEDIA_MALFORMED},
    {VIEW("/plain"), MEDIA_MALFORMED},
    {VIEW("text/plain/x"), MEDIA_MALFORMED},
    {VIEW(";charset=utf-8"), MEDIA_MALFORMED},
    {VIEW("t\xc3\xa9xt/plain"), MEDIA_MALFORMED},
};

static void content_types(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(types); i++)
    if (media_of(types[i].value) != types[i].media)
      fail_msg("%.*s: %d", VIEW_ARGS(types[i].value), media_of(types[i].value));
}

static const struct {
  struct media_fields fields;
  bool is_form;
  enum fault_kind fault;
} bodies[] = {
    {{VIEW(FORM), 1, VIEW("")}, true, FAULT_NONE},
    {{VIEW(FORM), 1, VIEW("Identity")}, true, FAULT_NONE},
    {{VIEW(FORM), 1, VIEW("gzip")}, true, FAULT_BODY_UNKNOWN},
    {{VIEW("text/plain"), 1, VIEW("gzip")}, false, FAULT_BODY_UNKNOWN},
    {{VIEW("text/plain"), 1, VIEW("")}, false, FAULT_NONE},
    {{VIEW(""), 0, VIEW("")}, false, FAULT_NONE},
    {{VIEW("text"), 1, VIEW("")}, false, FAULT_MALFORMED},
    {{VIEW(FORM), 2, VIEW("")}, true, FAULT_MALFORMED},
};

static void bodies_that_are_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(bodies); i++) {
    struct fault fault = {.kind = FAULT_NONE};
    bool is_form, ok = media_judge(&bodies[i].fields, &is_form, &fault);
    assert_int_equal(fault.kind, bodies[i].fault);
    assert_int_equal(ok, bodies[i].fault == FAULT_NONE);
    assert_int_equal(is_form, bodies[i].is_form);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_that_may_be_taken_for_others),
      cmocka_unit_test(words_that_are_nearly_others),
      cmocka_unit_test(content_types),
      cmocka_unit_test(bodies_that_are_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

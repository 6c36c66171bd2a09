/* The secret never comes out, wherever a stream is cut; everything else does, unchanged. */
#include "base/mask.h"

#include "unit/fixture/unit.h"

#include "base/text.h"

static const struct {
  const char *secret, *stream, *shown;
} cases[] = {
    {"abc", "", ""},
    {"abc", "nothing of it", "nothing of it"},
    {"abc", "abc", "xxx"},
    {"abc", "-abc-abcabc-", "-xxx-xxxxxx-"},
    {"abc", "ab", "ab"},
    {"abc", "ababab", "ababab"},
    {"abc", "aababcab", "aabxxxab"},
    {"aab", "aaab", "axxx"},
    {"aabaac", "aabaabaac", "aabxxxxxx"},
    {"a", "banana", "bxnxnx"},
    {"", "anything", "anything"},
};

/* `stream` in pieces of `size` bytes, as it comes out. */
static void pass(const char *secret, struct view stream, size_t size, struct text *out) {
  struct mask mask = {.secret = view_of(secret)};
  char buffer[64];
  while (stream.length) {
    struct view piece = view_first(stream, size);
    size_t held = mask_resume(&mask, buffer);
    assert_in_range(held, 0, mask.secret.length);
    memcpy(buffer + held, piece.at, piece.length);
    text_add(out, (struct view){buffer, mask_apply(&mask, buffer, held + piece.length)});
    stream = view_from(stream, piece.length);
  }
  text_add(out, (struct view){buffer, mask_end(&mask, buffer)});
  assert_int_equal(mask.held, 0);
}

static void wherever_it_is_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++)
    for (size_t size = 1; size < 10; size++) {
      scope_text struct text out = {0};
      pass(cases[i].secret, view_of(cases[i].stream), size, &out);
      if (!view_is(text_view(&out), cases[i].shown))
        fail_msg("'%s' without '%s' by %zu came out as '%s'", cases[i].stream, cases[i].secret,
                 size, text_string(&out));
    }
}

/* Against the plain way to do it, with few letters so that much nearly matches. */
static void as_if_it_were_not_cut(void **state) {
  (void)state;
  srand(1);
  for (int round = 0; round < 20000; round++) {
    char secret[6] = "", stream[33] = "", wanted[33];
    size_t length = 1 + (size_t)rand() % 5;
    for (size_t i = 0; i < length; i++)
      secret[i] = (char)('a' + rand() % 2);
    for (size_t i = 0; i < sizeof stream - 1; i++)
      stream[i] = (char)('a' + rand() % 2);
    memcpy(wanted, stream, sizeof wanted);
    for (char *at = wanted; (at = strstr(at, secret)); at += length)
      memset(at, 'x', length);
    scope_text struct text out = {0};
    pass(secret, view_of(stream), 1 + (size_t)rand() % 9, &out);
    if (!view_is(text_view(&out), wanted))
      fail_msg("'%s' without '%s' came out as '%s'", stream, secret, text_string(&out));
  }
}

/* Found where it would have been masked. */
static void found_wherever_it_is_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++)
    for (size_t size = 1; size < 10; size++) {
      struct mask mask = {.secret = view_of(cases[i].secret)};
      struct view stream = view_of(cases[i].stream);
      bool found = false;
      for (; stream.length; stream = view_from(stream, size))
        found = mask_finds(&mask, view_first(stream, size)) || found;
      if (found != (strcmp(cases[i].stream, cases[i].shown) != 0))
        fail_msg("'%s' in '%s' by %zu", cases[i].secret, cases[i].stream, size);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wherever_it_is_cut),
      cmocka_unit_test(as_if_it_were_not_cut),
      cmocka_unit_test(found_wherever_it_is_cut),
  };
  return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}

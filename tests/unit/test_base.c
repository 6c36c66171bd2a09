/* age, text, view, digest. */
#include "base/age.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdio.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

static void ages(void **state) {
  (void)state;
  static const struct {
    int64_t at, now, age;
  } cases[] = {
      {100, 100, 0},
      {100, 101, 1},
      {0, INT64_MAX, INT64_MAX},
      /* a small step of the clock */
      {101, 100, 0},
      {102, 100, 0},
      /* a wrong clock */
      {103, 100, AGE_UNKNOWN},
      {2110000000, 1790000000, AGE_UNKNOWN},
      {INT64_MAX, 0, AGE_UNKNOWN},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_int_equal(age_at(cases[i].at, cases[i].now), cases[i].age);
}

static void text_begins_empty(void **state) {
  (void)state;
  scope_text struct text text = {0};
  assert_true(text_ok(&text));
  assert_string_equal(text_string(&text), "");
  assert_int_equal(text_view(&text).length, 0);
  assert_non_null(text_view(&text).at);
  text_add(&text, (struct view){0});
  assert_true(text_ok(&text));
}

static void text_grows(void **state) {
  (void)state;
  scope_text struct text text = {0};
  for (int i = 0; i < 1000; i++) {
    text_add(&text, VIEW("ab"));
    text_add_char(&text, 'c');
    text_printf(&text, "%d", i % 10);
  }
  assert_true(text_ok(&text));
  assert_int_equal(text.length, 4000);
  assert_int_equal(strlen(text_string(&text)), 4000);
  assert_memory_equal(text.at, "abc0abc1", 8);
  assert_memory_equal(text.at + 3992, "abc8abc9", 8);
}

static void text_keeps_nul(void **state) {
  (void)state;
  scope_text struct text text = {0};
  text_add(&text, VIEW("a\0b"));
  text_add_char(&text, '\0');
  assert_int_equal(text.length, 4);
  assert_memory_equal(text.at, "a\0b\0", 5);
}

static void text_has_a_limit(void **state) {
  (void)state;
  scope_text struct text text = {.limit = 4};
  text_add(&text, VIEW("abcd"));
  assert_true(text_ok(&text));
  text_add(&text, VIEW(""));
  assert_true(text_ok(&text));
  text_add_char(&text, 'e');
  assert_false(text_ok(&text));
  assert_string_equal(text_string(&text), "abcd");
}

/* A piece that does not fit is left out whole, and so is all that follows. */
static void text_keeps_its_first_failure(void **state) {
  (void)state;
  scope_text struct text text = {.limit = 4};
  text_add(&text, VIEW("ab"));
  text_printf(&text, "%s", "cde");
  text_add(&text, VIEW("x"));
  assert_false(text_ok(&text));
  assert_string_equal(text_string(&text), "ab");
  assert_null(text_steal(&text));
  text_clear(&text);
  assert_true(text_ok(&text));
  assert_string_equal(text_string(&text), "");
  text_add(&text, VIEW("wxyz"));
  assert_string_equal(text_string(&text), "wxyz");
}

static void text_refuses_huge_pieces(void **state) {
  (void)state;
  scope_text struct text text = {0};
  text_add(&text, VIEW("a"));
  text_add(&text, (struct view){"", SIZE_MAX});
  assert_false(text_ok(&text));
}

static void text_is_stolen(void **state) {
  (void)state;
  scope_text struct text text = {.limit = 10};
  char *empty = text_steal(&text);
  assert_string_equal(empty, "");
  free(empty);
  text_add(&text, VIEW("mine"));
  char *bytes = text_steal(&text);
  assert_string_equal(bytes, "mine");
  free(bytes);
  assert_null(text.at);
  assert_int_equal(text.length, 0);
  assert_int_equal(text.limit, 10);
}

static void view_compares(void **state) {
  (void)state;
  assert_true(view_equal(VIEW("a\0b"), VIEW("a\0b")));
  assert_false(view_equal(VIEW("a\0b"), VIEW("a\0c")));
  assert_true(view_equal((struct view){0}, VIEW("")));
  assert_true(view_is(VIEW("ttl"), "ttl"));
  assert_false(view_is(VIEW("ttl"), "ttl2"));
  assert_true(view_starts(VIEW("unix:x"), VIEW("unix:")));
  assert_false(view_starts(VIEW("unix"), VIEW("unix:")));
  assert_true(view_order(VIEW("a"), VIEW("b")) < 0);
  assert_true(view_order(VIEW("ab"), VIEW("a")) > 0);
  assert_true(view_order(VIEW("\x80"), VIEW("a")) > 0);
  assert_int_equal(view_order(VIEW("a"), VIEW("a")), 0);
  assert_int_equal(view_of(NULL).length, 0);
}

static void view_is_cut(void **state) {
  (void)state;
  assert_true(view_is(view_from(VIEW("abc"), 1), "bc"));
  assert_true(view_is(view_from(VIEW("abc"), 9), ""));
  assert_true(view_is(view_first(VIEW("abc"), 2), "ab"));
  assert_true(view_is(view_first(VIEW("abc"), 9), "abc"));
  assert_true(view_is(view_trim(VIEW(" \ta b\t ")), "a b"));
  assert_true(view_is(view_trim(VIEW(" \t ")), ""));
  assert_true(view_is(view_trim(VIEW("\na")), "\na"));
}

static void view_is_split(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *parts[4];
  } cases[] = {
      {"a,,b", {"a", "", "b"}}, {"", {""}}, {",", {"", ""}}, {"a,", {"a", ""}}, {"a", {"a"}},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct view rest = view_of(cases[i].text), part;
    size_t nth = 0;
    for (; view_split(&rest, ',', &part); nth++)
      assert_true(cases[i].parts[nth] && view_is(part, cases[i].parts[nth]));
    assert_null(cases[i].parts[nth]);
  }
  struct view none = {0}, part;
  assert_false(view_split(&none, ',', &part));
}

/* FIPS 180-2. */
static void digest_of_known_texts(void **state) {
  (void)state;
  static const struct {
    const char *text, *hex;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct digest digest = digest_sha256(view_of(cases[i].text)), again = digest;
    assert_string_equal(DIGEST_TEXT(&digest), cases[i].hex);
    assert_true(digest_equal(&digest, &again));
    assert_true(digest_equal_secret(&digest, &again));
  }
}

/* RFC 4231, test case 2. */
static void digest_with_a_key(void **state) {
  (void)state;
  struct digest_key key = digest_key_of(VIEW("Jefe"));
  struct digest digest = digest_keyed(&key, VIEW("what do ya want for nothing?"));
  assert_string_equal(DIGEST_TEXT(&digest),
                      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  struct digest other = digest_keyed(&key, VIEW("what else?"));
  struct digest again = digest_keyed(&key, VIEW("what do ya want for nothing?"));
  assert_false(digest_equal(&digest, &other));
  assert_true(digest_equal(&digest, &again));
}

static void digests_differ(void **state) {
  (void)state;
  struct digest a = digest_sha256(VIEW("a"));
  for (size_t i = 0; i < DIGEST_SIZE; i++) {
    struct digest b = a;
    b.bytes[i] ^= 0x80;
    assert_false(digest_equal(&a, &b));
    assert_false(digest_equal_secret(&a, &b));
  }
}

/* Each byte at each place of three words, before bytes that are plain and before bytes that are
 * not. */
static void plain_text_ends_at_the_first_other_byte(void **state) {
  (void)state;
  for (int byte = 0; byte < 256; byte++) {
    bool is_plain = byte >= 0x20 && byte < 0x80;
    for (size_t at = 0; at < 24; at++) {
      char bytes[24];
      memset(bytes, 'a', sizeof bytes);
      bytes[at] = (char)byte;
      assert_int_equal(utf8_plain((struct view){bytes, sizeof bytes}), is_plain ? 24 : at);
      memset(bytes + at + 1, '\n', sizeof bytes - at - 1);
      assert_int_equal(utf8_plain((struct view){bytes, sizeof bytes}), at + is_plain);
    }
  }
  assert_int_equal(utf8_plain(VIEW("")), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ages),
      cmocka_unit_test(text_begins_empty),
      cmocka_unit_test(text_grows),
      cmocka_unit_test(text_keeps_nul),
      cmocka_unit_test(text_has_a_limit),
      cmocka_unit_test(text_keeps_its_first_failure),
      cmocka_unit_test(text_refuses_huge_pieces),
      cmocka_unit_test(text_is_stolen),
      cmocka_unit_test(plain_text_ends_at_the_first_other_byte),
      cmocka_unit_test(view_compares),
      cmocka_unit_test(view_is_cut),
      cmocka_unit_test(view_is_split),
      cmocka_unit_test(digest_of_known_texts),
      cmocka_unit_test(digest_with_a_key),
      cmocka_unit_test(digests_differ),
  };
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

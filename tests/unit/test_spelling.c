/* Spellings of requests, and the memory of what they mean. */
#include "serve/memo.h"

#include "base/scope.h"
#include "unit/fixture/unit.h"

#include <stdio.h>

#define TOKEN "0123456789abcdef"

#define assert_view(view, text) assert_true(view_equal(view, view_of(text)))

static bool reads(const char *target, const char *authorization, struct spelling *spelling) {
  return spelling_read(view_of(target), view_of(authorization), spelling);
}

static void the_token_is_cut_out_of_the_target(void **state) {
  (void)state;
  struct spelling spelling;
  assert_true(reads("/?from=x&token=" TOKEN "&target=a.example", "", &spelling));
  assert_view(spelling.before, "/?from=x&token=");
  assert_view(spelling.token, TOKEN);
  assert_view(spelling.after, "&target=a.example");
  assert_true(reads("/?token=" TOKEN, "", &spelling));
  assert_view(spelling.token, TOKEN);
  assert_view(spelling.after, "");
}

static void the_key_of_a_call_stands_in_its_header(void **state) {
  (void)state;
  struct spelling spelling;
  assert_true(reads("/v3/a/b?target=a.example", "Bearer " TOKEN, &spelling));
  assert_view(spelling.before, "/v3/a/b?target=a.example");
  assert_view(spelling.token, TOKEN);
  assert_false(reads("/v3/a/b?target=a.example", "Basic " TOKEN, &spelling));
  assert_false(reads("/v3/a/b?token=" TOKEN, "Bearer " TOKEN, &spelling));
}

static void what_is_out_of_the_ordinary_is_read_in_full(void **state) {
  (void)state;
  static const char *const targets[] = {
      "/?from=x",                                 /* no token */
      "/?token=",                                 /* an empty one */
      "/?token=short",                            /* no token is that short */
      "/?token=" TOKEN "&token=" TOKEN "0",       /* two of them */
      "/?token=01234567%61bcdef",                 /* one that has to be decoded */
      "/?token=01234567+abcdef",                  /* likewise */
      "/?tok%65n=%30123456789abcde&token=" TOKEN, /* a name that has to be decoded */
      "/?token=" TOKEN "&a%62=1",                 /* likewise */
      "/?token=" TOKEN "&a+b=1",                  /* likewise */
      "/?mytoken=" TOKEN,                         /* another parameter */
      "token=" TOKEN,                             /* no parameter at all */
      "/?token=" TOKEN "&target=" TOKEN,          /* the token stands elsewhere, too */
      "/?target=x" TOKEN ".com&token=" TOKEN,     /* likewise */
  };
  struct spelling spelling;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
    if (reads(targets[i], "", &spelling))
      fail_msg("%s is taken", targets[i]);
}

static void a_long_target_is_read_in_full(void **state) {
  (void)state;
  char target[SPELLING_MOST + 2];
  struct spelling spelling;
  memset(target, 'a', sizeof target);
  memcpy(target, "/?token=" TOKEN "&a=", sizeof "/?token=" TOKEN "&a=" - 1);
  assert_true(spelling_read((struct view){target, SPELLING_MOST}, VIEW(""), &spelling));
  assert_false(spelling_read((struct view){target, SPELLING_MOST + 1}, VIEW(""), &spelling));
}

static struct spelling spell(const char *target) {
  struct spelling spelling;
  assert_true(reads(target, "", &spelling));
  return spelling;
}

static void only_the_token_may_differ(void **state) {
  (void)state;
  struct spelling a = spell("/?token=" TOKEN "&a=1"), b = spell("/?token=ffff" TOKEN "&a=1");
  struct spelling c = spell("/?token=" TOKEN "&a=2"), d = spell("/?a=1&token=" TOKEN);
  assert_true(spelling_equal(&a, &b));
  assert_false(spelling_equal(&a, &c));
  assert_false(spelling_equal(&a, &d));
}

/* --- the memory --- */

static struct memo_meaning meaning_of(int number) {
  return (struct memo_meaning){.key = {.bytes = {(uint8_t)number, (uint8_t)(number >> 8)}},
                               .target = VIEW("a.example")};
}

static void what_is_learned_is_found_whoever_asks(void **state) {
  scope_free struct memo *memo = calloc(1, sizeof *memo);
  struct spelling a = spell("/?token=" TOKEN "&a=1"), b = spell("/?token=ffff" TOKEN "&a=1");
  struct memo_meaning meaning = meaning_of(7);
  (void)state;
  assert_null(memo_find(memo, &a));
  memo_learn(memo, &a, &meaning);
  const struct memo_meaning *found = memo_find(memo, &b);
  assert_non_null(found);
  assert_true(digest_equal(&found->key, &meaning.key));
  assert_view(found->target, "a.example");
  memo_clear(memo);
  assert_null(memo_find(memo, &a));
}

/* The memory is bounded, and what was asked for last stays. */
static void what_was_not_asked_for_lately_is_forgotten(void **state) {
  scope_free struct memo *memo = calloc(1, sizeof *memo);
  enum { MANY = 8 * MEMO_SETS * MEMO_WAYS };
  struct spelling first = spell("/?token=" TOKEN "&a=first");
  int kept = 0;
  (void)state;
  memo_learn(memo, &first, &(struct memo_meaning){.target = VIEW("first")});
  for (int i = 0; i < MANY; i++) {
    char target[64];
    snprintf(target, sizeof target, "/?token=" TOKEN "&a=%d", i);
    struct spelling spelling = spell(target);
    struct memo_meaning meaning = meaning_of(i);
    memo_learn(memo, &spelling, &meaning);
    assert_true(digest_equal(&memo_find(memo, &spelling)->key, &meaning.key));
    assert_non_null(memo_find(memo, &first));
  }
  for (int i = 0; i < MANY; i++) {
    char target[64];
    snprintf(target, sizeof target, "/?token=" TOKEN "&a=%d", i);
    struct spelling spelling = spell(target);
    kept += memo_find(memo, &spelling) != NULL;
  }
  assert_true(kept > MEMO_SETS && kept < MEMO_SETS * MEMO_WAYS);
  memo_clear(memo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_token_is_cut_out_of_the_target),
      cmocka_unit_test(the_key_of_a_call_stands_in_its_header),
      cmocka_unit_test(what_is_out_of_the_ordinary_is_read_in_full),
      cmocka_unit_test(a_long_target_is_read_in_full),
      cmocka_unit_test(only_the_token_may_differ),
      cmocka_unit_test(what_is_learned_is_found_whoever_asks),
      cmocka_unit_test(what_was_not_asked_for_lately_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

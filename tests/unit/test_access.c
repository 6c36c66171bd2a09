/* What is remembered of tokens: verdicts for a while, and the texts of those that were let in. */
#include "serve/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct digest fingerprint_of(int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  return digest_sha256(view_of(text));
}

static void verdicts_are_kept_for_a_while(void **state) {
  (void)state;
  struct access *access = access_create();
  struct digest one = fingerprint_of(1), two = fingerprint_of(2);
  assert_int_equal(access_look(access, &one), ACCESS_UNKNOWN);
  access_learn(access, &one, ACCESS_YES, 60);
  access_learn(access, &two, ACCESS_NO, 60);
  assert_int_equal(access_look(access, &one), ACCESS_YES);
  assert_int_equal(access_look(access, &two), ACCESS_NO);
  access_learn(access, &one, ACCESS_NO, 60);
  assert_int_equal(access_look(access, &one), ACCESS_NO);
  access_learn(access, &one, ACCESS_YES, 0);
  assert_int_equal(access_look(access, &one), ACCESS_UNKNOWN);
  access_release(&access);
  assert_null(access);
}

struct list {
  int count;
  char last[16];
};

static void note(void *context, const struct digest *fingerprint, struct view token) {
  struct list *list = context;
  struct digest expected = digest_sha256(token);
  assert_true(digest_equal(fingerprint, &expected));
  list->count++;
  snprintf(list->last, sizeof list->last, "%.*s", VIEW_ARGS(token));
}

static void keep(struct access *access, int number) {
  char text[16];
  struct digest fingerprint = fingerprint_of(number);
  int length = snprintf(text, sizeof text, "%d", number);
  access_keep(access, &fingerprint, (struct view){text, (size_t)length});
}

static void tokens_are_kept_once(void **state) {
  (void)state;
  struct access *access = access_create();
  struct list list = {0};
  keep(access, 1);
  keep(access, 2);
  keep(access, 1);
  access_list(access, note, &list);
  assert_int_equal(list.count, 2);
  assert_string_equal(list.last, "2");
  access_release(&access);
}

static void no_more_are_kept_than_there_may_be(void **state) {
  (void)state;
  struct access *access = access_create();
  struct list list = {0};
  for (int number = 0; number < ACCESS_REMEMBERED + 5; number++) {
    struct digest fingerprint = fingerprint_of(number);
    keep(access, number);
    access_learn(access, &fingerprint, ACCESS_YES, 60);
  }
  access_list(access, note, &list);
  assert_int_equal(list.count, ACCESS_REMEMBERED);
  struct digest oldest = fingerprint_of(4), youngest = fingerprint_of(5);
  assert_int_equal(access_look(access, &oldest), ACCESS_UNKNOWN);
  assert_int_equal(access_look(access, &youngest), ACCESS_YES);
  access_release(&access);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verdicts_are_kept_for_a_while),
      cmocka_unit_test(tokens_are_kept_once),
      cmocka_unit_test(no_more_are_kept_than_there_may_be),
  };
  return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}

/* Secrets from files: what is taken, what is refused, and that no fault tells them. */
#include "settings/secret.h"

#include "base/token_text.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char file[sizeof directory + 8];

static int begin(void **state) {
  int failed = make_directory(state);
  snprintf(file, sizeof file, "%s", path_of("token"));
  return failed;
}

static void put(struct view text) {
  FILE *stream = fopen(file, "w");
  assert_non_null(stream);
  assert_int_equal(fwrite(text.at, 1, text.length, stream), text.length);
  assert_int_equal(fclose(stream), 0);
  assert_int_equal(chmod(file, 0600), 0);
}

static bool load(const char *name, size_t least, struct secret **out, struct fault *fault) {
  return secret_load("upstream.token_file", name, least, out, fault);
}

static void a_line_is_taken(void **state) {
  (void)state;
  static const struct view texts[] = {VIEW("5ecret"), VIEW("5ecret\n"), VIEW("5ecret\r\n")};
  struct fault fault;
  for (size_t i = 0; i < COUNT(texts); i++) {
    struct secret *secret, *again;
    put(texts[i]);
    assert_true(load(file, 6, &secret, &fault));
    assert_true(view_is(secret_view(secret), "5ecret"));
    again = secret_hold(secret);
    secret_release(&secret);
    assert_null(secret);
    assert_true(view_is(secret_view(again), "5ecret"));
    secret_release(&again);
  }
}

static void no_file_is_no_secret(void **state) {
  (void)state;
  struct fault fault;
  struct secret *secret = (struct secret *)file;
  assert_true(load("", 1, &secret, &fault));
  assert_null(secret);
  assert_null(secret_hold(secret));
  assert_int_equal(secret_view(secret).length, 0);
  secret_release(&secret);
}

static void check_refused(const char *name, size_t least, const char *what) {
  struct fault fault;
  struct secret *secret;
  if (load(name, least, &secret, &fault))
    fail_msg("taken: %s", what);
  assert_null(secret);
  assert_int_equal(fault.kind, FAULT_MALFORMED);
  assert_non_null(strstr(fault.text, "upstream.token_file: '"));
  assert_null(strstr(fault.text, "5ecret"));
}

static void what_is_no_line_is_refused(void **state) {
  (void)state;
  static const struct view texts[] = {VIEW(""),
                                      VIEW("\n"),
                                      VIEW("5ecret\n5ecret\n"),
                                      VIEW("5ecret\n\n"),
                                      VIEW("5ecret 5ecret"),
                                      VIEW(" 5ecret"),
                                      VIEW("5ecret\t"),
                                      VIEW("5ecret\0"),
                                      VIEW("5ecr\xc3\xa9t")};
  for (size_t i = 0; i < COUNT(texts); i++) {
    put(texts[i]);
    check_refused(file, 1, texts[i].at);
  }
}

static void its_length_is_bounded(void **state) {
  (void)state;
  static char text[2 * TOKEN_TEXT_MOST];
  struct fault fault;
  struct secret *secret;
  memset(text, 'a', sizeof text);
  put((struct view){text, TOKEN_TEXT_MOST});
  assert_true(load(file, 1, &secret, &fault));
  assert_int_equal(secret_view(secret).length, TOKEN_TEXT_MOST);
  secret_release(&secret);
  put((struct view){text, TOKEN_TEXT_MOST + 1});
  check_refused(file, 1, "one too many");
  put((struct view){text, sizeof text});
  check_refused(file, 1, "far too many");
  put(VIEW("5ecret"));
  check_refused(file, 7, "one too few");
}

static void what_cannot_be_read_is_refused(void **state) {
  (void)state;
  unlink(file);
  check_refused(file, 1, "no such file");
  check_refused(directory, 1, "a directory");
  assert_int_equal(mkfifo(file, 0600), 0);
  check_refused(file, 1, "a pipe");
  unlink(file);
}

static void a_name_alone_is_a_credential(void **state) {
  (void)state;
  struct fault fault;
  struct secret *secret;
  put(VIEW("5ecret\n"));
  unsetenv("CREDENTIALS_DIRECTORY");
  check_refused("token", 1, "without credentials");
  setenv("CREDENTIALS_DIRECTORY", directory, 1);
  assert_true(load("token", 1, &secret, &fault));
  assert_true(view_is(secret_view(secret), "5ecret"));
  secret_release(&secret);
  check_refused("other", 1, "no such credential");
  unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_is_taken),
      cmocka_unit_test(no_file_is_no_secret),
      cmocka_unit_test(what_is_no_line_is_refused),
      cmocka_unit_test(its_length_is_bounded),
      cmocka_unit_test(what_cannot_be_read_is_refused),
      cmocka_unit_test(a_name_alone_is_a_credential),
  };
  return cmocka_run_group_tests_name("secret", tests, begin, remove_directory);
}

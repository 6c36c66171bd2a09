/* The settings in force, and whoever keeps a reference of them from request to request. */
#include "settings/current.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "unit/fixture/unit.h"

#define THREADS 4
#define RELOADS 500

/* cache.ttl says which they are. */
static struct settings *settings_of(int seconds) {
  struct settings *settings;
  struct fault fault;
  char line[64];
  const struct settings_override ttl = {line};
  snprintf(line, sizeof line, "cache.ttl=%ds", seconds);
  if (!settings_parse("x.conf", VIEW(""), &ttl, 1, &settings, &fault))
    fail_msg("%s", fault.text);
  return settings;
}

static struct current *current_of(int seconds) {
  struct settings *settings = settings_of(seconds);
  struct current *current = current_create(settings, NULL);
  assert_non_null(current);
  settings_release(&settings);
  return current;
}

static void reload(struct current *current, int seconds) {
  struct settings *settings = settings_of(seconds);
  current_replace(current, settings, NULL);
  settings_release(&settings);
}

static void a_request_keeps_the_settings_that_it_began_with(void **state) {
  (void)state;
  struct current *current = current_of(1);
  struct settings *before = current_settings(current), *after;
  struct secret *own_token;
  reload(current, 2);
  current_hold(current, &after, &own_token);
  assert_int_equal(before->ttl, 1);
  assert_int_equal(after->ttl, 2);
  assert_null(own_token);
  current_release(&current);
  assert_int_equal(after->ttl, 2);
  settings_release(&before);
  settings_release(&after);
}

static void the_generation_rises_with_each_reload(void **state) {
  (void)state;
  struct current *current = current_of(1);
  uint64_t first = current_generation(current);
  struct settings *settings = current_settings(current);
  assert_true(current_generation(current) == first);
  reload(current, 2);
  uint64_t second = current_generation(current);
  assert_true(second > first);
  current_replace(current, settings, NULL); /* the first ones once more */
  assert_true(current_generation(current) > second);
  settings_release(&settings);
  current_release(&current);
}

struct reader {
  struct current *current;
  atomic_int *reloaded; /* the settings of the last reload that has returned */
};

/* Keeps a reference as a listener's thread does. Returns its argument if it never used settings that
 * were older than the last reload. */
static void *keep_reference(void *argument) {
  const struct reader *reader = argument;
  struct settings *settings = current_settings(reader->current);
  uint64_t kept = UINT64_MAX;
  bool obeyed = true;
  for (int least = 0; least < RELOADS;) {
    least = atomic_load(reader->reloaded);
    uint64_t now = current_generation(reader->current);
    if (now != kept) {
      settings_release(&settings);
      settings = current_settings(reader->current);
    }
    kept = now;
    obeyed &= settings->ttl >= least;
  }
  settings_release(&settings);
  return obeyed ? argument : NULL;
}

static void kept_settings_obey_a_reload_that_has_returned(void **state) {
  (void)state;
  struct current *current = current_of(1);
  struct reader reader = {current, &(atomic_int){1}};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, keep_reference, &reader), 0);
  for (int seconds = 2; seconds <= RELOADS; seconds++) {
    reload(current, seconds);
    atomic_store(reader.reloaded, seconds);
  }
  for (int i = 0; i < THREADS; i++) {
    void *obeyed;
    pthread_join(threads[i], &obeyed);
    assert_non_null(obeyed);
  }
  current_release(&current);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_keeps_the_settings_that_it_began_with),
      cmocka_unit_test(the_generation_rises_with_each_reload),
      cmocka_unit_test(kept_settings_obey_a_reload_that_has_returned),
  };
  return cmocka_run_group_tests_name("current", tests, NULL, NULL);
}

/* The machine's clock: waits end when they should, and not before. */
#include "base/clock.h"

#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>
/* cmocka needs those above. */
#include "unit/fixture/unit.h"

#define SOON (20 * CLOCK_MILLISECOND)

static void the_clocks_agree(void **state) {
  (void)state;
  int64_t seconds = clock_seconds(), milliseconds = clock_milliseconds();
  assert_in_range(milliseconds / 1000 - seconds, 0, 60);
  int64_t before = clock_monotonic();
  assert_true(clock_monotonic() >= before);
}

static void a_timeout_is_rounded_up(void **state) {
  (void)state;
  int64_t now = clock_monotonic();
  assert_int_equal(clock_timeout(CLOCK_NEVER), -1);
  assert_int_equal(clock_timeout(now), 0);
  assert_int_equal(clock_timeout(now - CLOCK_SECOND), 0);
  assert_int_equal(clock_timeout(0), 0);
  assert_in_range(clock_timeout(now + 3600 * CLOCK_SECOND), 3540000, 3600001);
  assert_in_range(clock_timeout(clock_monotonic() + 3600 * CLOCK_SECOND), 1, 3600001);
  assert_int_equal(clock_timeout(CLOCK_NEVER - 1), INT_MAX);
}

static void a_sleep_has_an_end(void **state) {
  (void)state;
  int64_t until = clock_monotonic() + SOON;
  clock_sleep(until);
  assert_true(clock_monotonic() >= until);
  clock_sleep(until); /* it has passed */
}

static void a_file_is_waited_for_until_the_deadline(void **state) {
  (void)state;
  int file = eventfd(0, EFD_CLOEXEC);
  int64_t until = clock_monotonic() + SOON;
  assert_false(clock_poll(file, until));
  assert_true(clock_monotonic() >= until);
  assert_false(clock_poll(file, 0));
  assert_int_equal(eventfd_write(file, 1), 0);
  assert_true(clock_poll(file, 0));
  assert_true(clock_poll(file, CLOCK_NEVER));
  close(file);
}

static void a_condition_is_waited_for_until_the_deadline(void **state) {
  (void)state;
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  int64_t until = clock_monotonic() + SOON;
  pthread_mutex_lock(&lock);
  while (clock_wait(&condition, &lock, until))
    continue; /* for no reason */
  assert_true(clock_monotonic() >= until);
  assert_false(clock_wait(&condition, &lock, until));
  pthread_mutex_unlock(&lock);
}

static void the_coarse_clock_is_not_ahead(void **state) {
  (void)state;
  int64_t before = clock_coarse();
  for (int i = 0; i < 1000; i++) {
    int64_t now = clock_coarse();
    assert_true(before <= now && now <= clock_monotonic());
    before = now;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clocks_agree),
      cmocka_unit_test(a_timeout_is_rounded_up),
      cmocka_unit_test(a_sleep_has_an_end),
      cmocka_unit_test(a_file_is_waited_for_until_the_deadline),
      cmocka_unit_test(a_condition_is_waited_for_until_the_deadline),
      cmocka_unit_test(the_coarse_clock_is_not_ahead),
  };
  return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

/* Requests are counted by outcome and by how long they took. */
#include "observe/counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "unit/fixture/unit.h"

#define THREADS 20 /* more than there are shards */
#define EACH 5000

static void nothing_is_counted_at_first(void **state) {
  (void)state;
  struct counters *counters = counters_create();
  assert_non_null(counters);
  for (int outcome = 0; outcome < OUTCOMES; outcome++) {
    struct tally tally, none = {0};
    memset(&tally, 0xff, sizeof tally);
    counters_read(counters, outcome, &tally);
    assert_int_equal(tally.requests, none.requests);
    assert_memory_equal(tally.buckets, none.buckets, sizeof none.buckets);
    assert_true(tally.seconds == 0);
  }
  counters_release(&counters);
  assert_null(counters);
}

static void a_request_is_in_the_bucket_of_its_duration(void **state) {
  (void)state;
  static const struct {
    int64_t nanoseconds;
    int bucket;
  } cases[] = {
      {0, 0},
      {500000, 0},
      {500001, 1},
      {999999, 1},
      {120000000000, COUNTERS_BUCKETS - 1},
      {120000000001, COUNTERS_BUCKETS},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct counters *counters = counters_create();
    struct tally hits, misses;
    counters_add(counters, OUTCOME_HIT, cases[i].nanoseconds);
    counters_read(counters, OUTCOME_HIT, &hits);
    counters_read(counters, OUTCOME_MISS, &misses);
    assert_int_equal(hits.requests, 1);
    assert_int_equal(hits.buckets[cases[i].bucket], 1);
    assert_true(hits.seconds == (double)cases[i].nanoseconds / 1e9);
    assert_int_equal(misses.requests, 0);
    counters_release(&counters);
  }
}

static void *count_many(void *counters) {
  for (int i = 0; i < EACH; i++) {
    counters_add(counters, OUTCOME_HIT, 1000);
    counters_add(counters, OUTCOME_DERIVED, 2000000);
  }
  return NULL;
}

static void what_many_threads_count_is_added_up(void **state) {
  (void)state;
  struct counters *counters = counters_create();
  pthread_t threads[THREADS];
  struct tally hits, derived;
  int64_t before = 0;
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, count_many, counters), 0);
  for (int i = 0; i < 100; i++) { /* it never falls */
    counters_read(counters, OUTCOME_HIT, &hits);
    assert_true(hits.requests >= before);
    before = hits.requests;
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  counters_read(counters, OUTCOME_HIT, &hits);
  counters_read(counters, OUTCOME_DERIVED, &derived);
  assert_int_equal(hits.requests, THREADS * EACH);
  assert_int_equal(hits.buckets[0], THREADS * EACH);
  assert_true(hits.seconds == THREADS * EACH * 1000 / 1e9);
  assert_int_equal(derived.buckets[2], THREADS * EACH);
  counters_release(&counters);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_counted_at_first),
      cmocka_unit_test(a_request_is_in_the_bucket_of_its_duration),
      cmocka_unit_test(what_many_threads_count_is_added_up),
  };
  return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}

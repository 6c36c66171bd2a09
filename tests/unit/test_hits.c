/* Hits that are counted with hot results, over a cache on real files. */
#include "unit/fixture/unit.h"

#include "base/clock.h"
#include "fake/clock.h"
#include "unit/fixture/hot.h"

/* They are counted with the hot result, which goes before they are written. */
static void test_hits_outlive_the_hot_result(void **state) {
  (void)state;
  put_of(1, 10 * KIB, 50);
  assert_true(serve(1));
  hit(cache, 1, 3);
  struct cache_hold *hold = find(cache, 1);
  set_memory(0);
  assert_true(hits_write(cache, NULL));
  assert_int_equal(ask("SELECT hits FROM entry"), 1 + 3); /* although it is still read */
  cache_count_hit(hold, cache_hold_entry(hold)->cost);
  cache_count_hit(hold, cache_hold_entry(hold)->cost);
  cache_count_hit(hold, amount_of_rows(ROWS(7))); /* an answer that is computed from it */
  cache_release(&hold);
  assert_true(hits_write(cache, NULL));
  assert_int_equal(ask("SELECT hits FROM entry"), 1 + 3 + 2 + 1);
  assert_int_equal(ask("SELECT saved FROM entry"), (6 * 50 + 7) * 10);
}

enum { HITTERS = 4, HITS_EACH = 3000, HIT_KEYS = 3, COPY = HIT_KEYS };

static void put_copy(int key) {
  struct fault fault;
  struct cache_hold *source = find(cache, key);
  struct order order = {.key = COPY, .length = 20 * KIB, .cost = ROWS(10), .source = source};
  assert_true(put_order(cache, &order, &fault));
  cache_release(&source);
}

static void *hit_and_heat(void *argument) {
  atomic_int *left = argument;
  for (int i = 0; i < HITS_EACH; i++)
    (void)serve(1 + i % HIT_KEYS);
  atomic_fetch_sub(left, 1);
  return NULL;
}

/* Meanwhile batches are written, and the memory comes and goes. */
static void test_no_hit_of_many_threads_is_lost(void **state) {
  (void)state;
  pthread_t threads[HITTERS];
  atomic_int left = HITTERS;
  for (int key = 1; key < COPY; key++)
    put_of(key, 20 * KIB, 10);
  put_copy(1);
  for (int i = 0; i < HITTERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hit_and_heat, &left), 0);
  for (int i = 0; atomic_load(&left); i++) {
    assert_true(hits_write(cache, NULL));
    set_memory(i % 4 ? MEMORY : 0);
  }
  for (int i = 0; i < HITTERS; i++)
    pthread_join(threads[i], NULL);
  assert_true(hits_write(cache, NULL));
  /* those of the copy count for its source, too */
  assert_int_equal(ask("SELECT sum(hits) FROM entry"), HITTERS * HITS_EACH / HIT_KEYS * 4);
  assert_int_equal(ask("SELECT sum(saved) FROM entry"), HITTERS * HITS_EACH / HIT_KEYS * 400);
  assert_int_equal(ask("SELECT hits FROM entry WHERE source IS NOT NULL"),
                   HITTERS * HITS_EACH / HIT_KEYS);
}

/* So many are listed once in a batch, and make none due. */
static void test_many_hot_results(void **state) {
  (void)state;
  enum { MANY = 4200 };
  set_memory(64 * (int64_t)MIB);
  for (int key = 1; key <= MANY; key++)
    put_of(key, 1 * KIB, 1);
  for (int key = 1; key <= MANY; key++)
    assert_true(serve(key));
  assert_true(hits_write(cache, NULL));
  int64_t next = cache->hits.next;
  assert_true(next > clock_monotonic());
  for (int key = 1; key <= MANY; key++)
    assert_true(serve(key));
  assert_int_equal(cache->hits.next, next);
  assert_true(hits_write(cache, NULL));
  assert_int_equal(ask("SELECT sum(hits) FROM entry"), 2 * MANY);
}

/* What has left the heap is given back to the system in a batch of hits. */
static void test_gaps_in_the_heap(void **state) {
  (void)state;
  enum { SHORT_ONES = 1200 };
  for (int key = 2; key <= SHORT_ONES; key++)
    put_of(key, 2 * KIB, 1);
  put_of(1, 20 * KIB, 1);
  for (int key = 2; key <= SHORT_ONES; key++)
    assert_true(serve(key));
  assert_true(hits_write(cache, NULL)); /* the batch that was due is written: it would look, too */
  assert_false(tier_has_gaps(&cache->tier, clock_monotonic()));
  set_memory(0);
  fake_clock_pass(1000);
  assert_true(tier_has_gaps(&cache->tier, clock_monotonic()));
  for (int i = 0; i < 256; i++) /* so often it is looked whether a batch is due */
    (void)serve(1);
  assert_true(hits_write(cache, NULL));
  assert_int_equal(cache->tier.gaps.freed, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_hot_cache, close_hot_cache)
  const struct CMUnitTest tests[] = {
      TEST(hits_outlive_the_hot_result),
      TEST(no_hit_of_many_threads_is_lost),
      TEST(many_hot_results),
      TEST(gaps_in_the_heap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

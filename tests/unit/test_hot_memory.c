/* What cache.memory holds: the bound, and who displaces whom. Over a cache on real files. */
#include "unit/fixture/unit.h"

#include "unit/fixture/hot.h"

#define SMALL (100 * KIB)
#define SMALL_TAKES ((int64_t)(SMALL + BESIDE)) /* a little less */

/* Those of the keys from `first` on that are hot. */
static int count_hot(int first, int count) {
  int hot = 0;
  for (int key = first; key < first + count; key++)
    hot += is_hot(key);
  return hot;
}

static void serve_all(int first, int count, int times) {
  for (int i = 0; i < times; i++)
    for (int key = first; key < first + count; key++)
      (void)serve(key);
}

/* True if it becomes hot, asked for again and again. */
static bool insist(int key) {
  for (int i = 0; i < 100; i++)
    if (serve(key))
      return true;
  return false;
}

static void test_the_bound(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 30; key++) {
    put_of(key, SMALL, key);
    assert_true(insist(key));
    assert_in_range(bytes_used(), SMALL, 10 * SMALL_TAKES);
  }
  assert_int_equal(count_hot(1, 30), 10);
}

/* Half as many again as there is memory for: what has a place is there when it is asked for again. */
static void test_more_in_turn_than_there_is_memory(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 15; key++)
    put_of(key, SMALL, 10);
  serve_all(1, 15, 1);
  for (int i = 0; i < 20; i++) {
    serve_all(1, 15, 1);
    assert_int_equal(count_hot(1, 10), 10);
  }
}

static void test_the_memory_becomes_smaller(void **state) {
  (void)state;
  for (int key = 1; key <= 12; key++)
    put_of(key, SMALL, key);
  serve_all(1, 12, 1);
  set_memory(9 * SMALL_TAKES);
  assert_int_equal(count_hot(1, 12), 9);
  assert_int_equal(count_hot(4, 9), 9); /* the others were worth less */
  set_memory(0);
  assert_int_equal(count_hot(1, 12), 0);
  assert_int_equal(bytes_used(), 0);
  set_memory(MEMORY);
  serve_all(1, 12, 1);
  assert_int_equal(count_hot(1, 12), 12);
}

/* What is filled cannot go at once, but all others do, and in the end this, too. */
static void test_the_memory_becomes_smaller_meanwhile(void **state) {
  (void)state;
  put_of(1, AT_ONCE + 1, 10);
  put_of(2, SMALL, 10);
  struct body *body = body_of(1);
  assert_int_equal(read_some(body, 1000), 1000);
  assert_true(serve(2));
  set_memory(0);
  assert_false(is_hot(2));
  assert_int_equal(read_some(body, SIZE_MAX), AT_ONCE + 1 - 1000);
  assert_false(is_hot(1));
  body_release(&body);
  assert_int_equal(bytes_used(), 0);
}

/* Who reads slowly keeps the bytes, and these count. So others are answered from the disk. */
static void test_slow_readers(void **state) {
  (void)state;
  struct fault fault;
  struct cache_hold *holds[10];
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 20; key++)
    put_of(key, SMALL, key <= 10 ? 1 : 1000);
  serve_all(1, 10, 1);
  for (int i = 0; i < 10; i++)
    holds[i] = find(cache, i + 1);
  serve_all(11, 10, 3);
  assert_int_equal(count_hot(1, 20), 10);
  purge_key(1);
  assert_int_equal(count_hot(1, 20), 0);
  serve_all(11, 10, 3);
  assert_int_equal(count_hot(1, 20), 0);
  assert_in_range(bytes_used(), 10 * SMALL, 10 * SMALL_TAKES);
  for (int i = 0; i < 10; i++) {
    assert_true(same_body(holds[i], (uint64_t)i + 1, SMALL, &fault));
    cache_release(&holds[i]);
  }
  serve_all(11, 10, 1);
  assert_int_equal(count_hot(11, 10), 10);
}

/* Many short ones that are hit, and a large export. */
static void test_an_export_displaces_nothing(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  for (int key = 1; key <= 80; key++)
    put_of(key, SMALL, 5);
  put_of(100, MIB - BESIDE, 40); /* its hit saves more than theirs, but not by the byte */
  serve_all(1, 80, 3);
  int hot = count_hot(1, 80);
  assert_in_range(hot, 70, 80);
  for (int i = 0; i < 5; i++) {
    serve_long(100);
    serve_all(1, 80, 1);
  }
  assert_false(is_hot(100));
  assert_int_equal(count_hot(1, 80), hot);
}

static void test_a_dear_export_displaces(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  for (int key = 1; key <= 80; key++)
    put_of(key, SMALL, 5);
  put_of(100, MIB - BESIDE, 40000);
  serve_all(1, 80, 3);
  serve_long(100);
  assert_true(is_hot(100));
  assert_in_range(count_hot(1, 80), 60, 75);
}

/* All save the same by the byte, but a hit that is not in memory is the same work for each. */
static void test_short_ones_displace_long_ones(void **state) {
  (void)state;
  set_memory(2 * (int64_t)MIB);
  for (int key = 1; key <= 10; key++)
    put_of(key, 200 * KIB, 20);
  for (int key = 11; key <= 50; key++)
    put_of(key, 10 * KIB, 1);
  serve_all(1, 10, 5);
  assert_in_range(count_hot(1, 10), 9, 10);
  serve_all(11, 40, 2);
  assert_int_equal(count_hot(11, 40), 40);
  assert_in_range(count_hot(1, 10), 6, 8);
}

/* What was asked for very often once, and is not any more. */
static void test_what_was_hot_goes_in_the_end(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 50; key++)
    put_of(key, SMALL, 10);
  serve_all(1, 10, 1000);
  assert_int_equal(count_hot(1, 10), 10);
  serve_all(11, 20, 1);
  assert_int_equal(count_hot(1, 10), 10); /* not at once */
  for (int i = 0; i < 100 && count_hot(1, 10) > 0; i++)
    serve_all(11, 40, 1);
  assert_int_equal(count_hot(1, 10), 0);
}

/* A client that reads slowly does not keep short results out. */
static void test_a_slow_filling(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  put_of(1, MIB - BESIDE, 10);
  put_of(2, MIB - BESIDE, 10);
  put_of(3, SMALL, 10);
  struct body *body = body_of(1);
  assert_int_equal(read_some(body, 1000), 1000);
  assert_true(serve(3));
  serve_long(2);
  assert_false(is_hot(2)); /* two such are too much */
  body_release(&body);
  serve_long(2);
  assert_true(is_hot(2) && is_hot(3));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_hot_cache, close_hot_cache)
  const struct CMUnitTest tests[] = {
      TEST(the_bound),
      TEST(more_in_turn_than_there_is_memory),
      TEST(the_memory_becomes_smaller),
      TEST(the_memory_becomes_smaller_meanwhile),
      TEST(slow_readers),
      TEST(an_export_displaces_nothing),
      TEST(a_dear_export_displaces),
      TEST(short_ones_displace_long_ones),
      TEST(what_was_hot_goes_in_the_end),
      TEST(a_slow_filling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

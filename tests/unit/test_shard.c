/* Shards of threads. */
#include "base/shard.h"

#include <pthread.h>
#include <stdint.h>

#include "unit/fixture/unit.h"

#define THREADS (2 * SHARDS)

static void *note_shard(void *shard) {
  *(unsigned *)shard = shard_of_thread();
  return *(unsigned *)shard == shard_of_thread() ? shard : NULL;
}

static void a_thread_keeps_its_shard_and_they_are_given_out_in_turn(void **state) {
  (void)state;
  unsigned shards[THREADS], users[SHARDS] = {0};
  for (int i = 0; i < THREADS; i++) {
    pthread_t thread;
    void *kept;
    assert_int_equal(pthread_create(&thread, NULL, note_shard, &shards[i]), 0);
    pthread_join(thread, &kept);
    assert_non_null(kept);
    assert_in_range(shards[i], 0, SHARDS - 1);
    users[shards[i]]++;
  }
  for (int i = 0; i < SHARDS; i++)
    assert_int_equal(users[i], THREADS / SHARDS);
}

static void memory_of_shards_begins_a_line_and_is_zeroed(void **state) {
  (void)state;
  static const char zeros[3 * SHARD_LINE];
  for (size_t size = 1; size < sizeof zeros; size++) {
    void *memory = shard_alloc(size);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % SHARD_LINE, 0);
    assert_memory_equal(memory, zeros, size);
    free(memory);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_keeps_its_shard_and_they_are_given_out_in_turn),
      cmocka_unit_test(memory_of_shards_begins_a_line_and_is_zeroed),
  };
  return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}

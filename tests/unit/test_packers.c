/* Chunks are packed ahead, and taken in the keeper's own order. */
#include "cache/packers.h"

#include "cache/chunk.h"
#include "unit/fixture/unit.h"

#include <stdlib.h>
#include <string.h>

#define CHUNKS (3 * PACKED_AHEAD)
#define LENGTH 20000

struct stage {
  struct packers packers;
  struct packing packings[CHUNKS];
  char raw[CHUNKS][LENGTH];
};

static struct stage *begin(void) {
  struct stage *stage = calloc(1, sizeof *stage);
  struct fault fault;
  assert_non_null(stage);
  assert_true(packers_open(&stage->packers, &fault));
  for (int i = 0; i < CHUNKS; i++)
    memset(stage->raw[i], 'a' + i, LENGTH);
  return stage;
}

static void give(struct stage *stage, int i) {
  packers_give(&stage->packers, &stage->packings[i], (struct view){stage->raw[i], LENGTH});
}

static void end(struct stage *stage) {
  packers_close(&stage->packers);
  free(stage);
}

/* Takes a packing, and reads what it has become. */
static void take(struct stage *stage, int i) {
  static char buffer[CACHE_CHUNK_SIZE];
  struct chunk_values values = {.body_length = LENGTH, .raw_length = LENGTH};
  struct view bytes;
  struct fault fault;
  ZSTD_DCtx *unpacker = ZSTD_createDCtx();
  assert_true(packers_take(&stage->packers, &stage->packings[i], &values.data, &fault));
  assert_true(chunk_unpack(unpacker, &values, buffer, &bytes));
  assert_int_equal(bytes.length, LENGTH);
  assert_memory_equal(bytes.at, stage->raw[i], LENGTH);
  packers_end(&stage->packers, &stage->packings[i]);
  ZSTD_freeDCtx(unpacker);
}

static void a_chunk_is_taken_when_the_keeper_comes_to_it(void **state) {
  (void)state;
  struct stage *stage = begin();
  for (int i = 0; i < CHUNKS; i++) {
    give(stage, i);
    take(stage, i);
  }
  end(stage);
}

static void more_may_be_given_than_is_packed_ahead(void **state) {
  (void)state;
  struct stage *stage = begin();
  for (int i = 0; i < CHUNKS; i++)
    give(stage, i);
  for (int i = 0; i < CHUNKS; i++)
    take(stage, i);
  end(stage);
}

/* Two writers may give to the packers and to the keeper in different orders. */
static void the_order_of_taking_need_not_be_that_of_giving(void **state) {
  (void)state;
  struct stage *stage = begin();
  for (int i = 0; i < CHUNKS; i++)
    give(stage, i);
  for (int i = CHUNKS; i-- > 0;)
    take(stage, i);
  end(stage);
}

static void what_is_not_taken_leaves_its_place_to_others(void **state) {
  (void)state;
  struct stage *stage = begin();
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < CHUNKS; i++)
      give(stage, i);
    for (int i = 0; i < CHUNKS; i++)
      packers_end(&stage->packers, &stage->packings[i]);
  }
  give(stage, 0);
  take(stage, 0);
  assert_int_equal(stage->packers.spare_count, PACKED_AHEAD);
  end(stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chunk_is_taken_when_the_keeper_comes_to_it),
      cmocka_unit_test(more_may_be_given_than_is_packed_ahead),
      cmocka_unit_test(the_order_of_taking_need_not_be_that_of_giving),
      cmocka_unit_test(what_is_not_taken_leaves_its_place_to_others),
  };
  return cmocka_run_group_tests_name("packers", tests, NULL, NULL);
}

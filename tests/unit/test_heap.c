/* The heap gives the least first, whatever was added, removed and changed in between. */
#include "unit/fixture/unit.h"

#include "cache/heap.h"
#include "unit/fixture/chance.h"

#define ITEMS 300

static double drawn_rank(void) {
  return (double)chance_below(50); /* many are equal */
}

/* The least rank of those that are in the heap, the slow way; -1: there is none. */
static double least_of(const struct heap_item *items) {
  double least = -1;
  for (int i = 0; i < ITEMS; i++)
    if (items[i].place && (least < 0 || items[i].rank < least))
      least = items[i].rank;
  return least;
}

static void test_empty(void **state) {
  (void)state;
  struct heap heap = {0};
  struct heap_item item = {.rank = 1};
  assert_null(heap_least(&heap));
  heap_remove(&heap, &item); /* it is in no heap */
  assert_true(heap_add(&heap, &item));
  assert_ptr_equal(heap_least(&heap), &item);
  heap_remove(&heap, &item);
  assert_null(heap_least(&heap));
  assert_int_equal(item.place, 0);
  heap_free(&heap);
}

static void test_order(void **state) {
  (void)state;
  struct heap heap = {0};
  struct heap_item items[ITEMS] = {0};
  double before = -1;
  for (int i = 0; i < ITEMS; i++) {
    items[i].rank = drawn_rank();
    assert_true(heap_add(&heap, &items[i]));
  }
  for (struct heap_item *item; (item = heap_least(&heap)); heap_remove(&heap, item)) {
    assert_true(item->rank >= before);
    before = item->rank;
  }
  for (int i = 0; i < ITEMS; i++)
    assert_int_equal(items[i].place, 0);
  heap_free(&heap);
}

static void change_one(struct heap *heap, struct heap_item *item) {
  if (!item->place) {
    item->rank = drawn_rank();
    assert_true(heap_add(heap, item));
  } else if (chance_below(2))
    heap_remove(heap, item);
  else
    heap_change(heap, item, drawn_rank());
}

static void test_changes(void **state) {
  (void)state;
  struct heap heap = {0};
  struct heap_item items[ITEMS] = {0};
  for (int turn = 0; turn < 20000; turn++) {
    change_one(&heap, &items[chance_below(ITEMS)]);
    const struct heap_item *least = heap_least(&heap);
    assert_true((least ? least->rank : -1) == least_of(items));
    for (size_t i = 0; i < heap.count; i++)
      assert_int_equal(heap.items[i]->place, i + 1);
  }
  heap_free(&heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cache/heap.h"

#include <stdlib.h>

/* Places count from 1, so that the two below place n are 2n and 2n + 1. */
static struct heap_item *at(const struct heap *heap, size_t place) {
  return heap->items[place - 1];
}

static void put(struct heap *heap, struct heap_item *item, size_t place) {
  heap->items[place - 1] = item;
  item->place = place;
}

static void rise(struct heap *heap, struct heap_item *item) {
  size_t place = item->place;
  for (; place > 1 && at(heap, place / 2)->rank > item->rank; place /= 2)
    put(heap, at(heap, place / 2), place);
  put(heap, item, place);
}

static void sink(struct heap *heap, struct heap_item *item) {
  size_t place = item->place, below;
  while ((below = 2 * place) <= heap->count) {
    if (below < heap->count && at(heap, below + 1)->rank < at(heap, below)->rank)
      below++;
    if (at(heap, below)->rank >= item->rank)
      break;
    put(heap, at(heap, below), place);
    place = below;
  }
  put(heap, item, place);
}

void heap_free(struct heap *heap) {
  free(heap->items);
  *heap = (struct heap){0};
}

static bool grow(struct heap *heap) {
  size_t room = heap->room ? 2 * heap->room : 64;
  struct heap_item **items = reallocarray(heap->items, room, sizeof *items);
  if (!items)
    return false;
  heap->items = items;
  heap->room = room;
  return true;
}

bool heap_add(struct heap *heap, struct heap_item *item) {
  CHECK(!item->place);
  if (heap->count == heap->room && !grow(heap))
    return false;
  put(heap, item, ++heap->count);
  rise(heap, item);
  return true;
}

void heap_remove(struct heap *heap, struct heap_item *item) {
  size_t place = item->place;
  if (!place)
    return;
  struct heap_item *last = at(heap, heap->count--);
  item->place = 0;
  if (last == item)
    return;
  put(heap, last, place);
  rise(heap, last);
  sink(heap, last);
}

void heap_change(struct heap *heap, struct heap_item *item, double rank) {
  CHECK(item->place);
  item->rank = rank;
  rise(heap, item);
  sink(heap, item);
}

struct heap_item *heap_least(const struct heap *heap) {
  return heap->count ? at(heap, 1) : NULL;
}

/* A binary heap of items with a rank, the least first. An item knows its place, so that it can be
 * removed from anywhere. Pure; its owner serializes the calls, and owns the items. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

struct heap_item {
  double rank;
  size_t place; /* private; from 1 on while it is in a heap, else 0 */
};

/* Begins as {0}. */
struct heap {
  struct heap_item **items;
  size_t count, room;
};

/* Frees the heap's own memory; the items stay. */
void heap_free(struct heap *heap);

/* Adds an item that is in no heap. False: no memory. */
bool heap_add(struct heap *heap, struct heap_item *item) MUST_CHECK;
/* Removes an item; one that is in no heap is left alone. */
void heap_remove(struct heap *heap, struct heap_item *item);
/* Gives an item in the heap another rank. */
void heap_change(struct heap *heap, struct heap_item *item, double rank);
/* The item with the least rank; NULL: the heap is empty. */
struct heap_item *heap_least(const struct heap *heap);

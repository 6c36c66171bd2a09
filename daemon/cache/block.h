/* Memory for bodies of hot results, which come and go in all lengths. From the heap they would leave
 * gaps, so that more is resident than is used. So those of a page or more are mapped, and go back to
 * the system at once; shorter ones would waste too much of a page. Any thread; nothing blocks. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

struct block {
  void *at; /* NULL: there is none */
  size_t size;
  bool is_mapped;
};

/* A block of `size` bytes; {0}: no memory. A block of 0 bytes has memory, too. */
struct block block_make(size_t size) MUST_CHECK;
/* Leaves {0}; {0} is allowed. */
void block_free(struct block *block);
/* The bytes that a block of this size takes. */
size_t block_takes(size_t size);
/* Those of them that are in the C library's heap. */
size_t block_takes_of_heap(const struct block *block);

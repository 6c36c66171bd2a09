#include "cache/block.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
/* Linux allows a process 65,530 mappings by default (vm.max_map_count). */
#define MAPPED_MOST 32768

static atomic_int mapped;

static size_t round_up(size_t size) {
  return (size + PAGE - 1) / PAGE * PAGE;
}

size_t block_takes(size_t size) {
  return size < PAGE ? size : round_up(size);
}

size_t block_takes_of_heap(const struct block *block) {
  return block->at && !block->is_mapped ? block->size : 0;
}

static bool map(size_t size, struct block *block) {
  if (size < PAGE || atomic_fetch_add(&mapped, 1) >= MAPPED_MOST) {
    atomic_fetch_sub(&mapped, size >= PAGE);
    return false;
  }
  void *at = mmap(NULL, round_up(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    atomic_fetch_sub(&mapped, 1);
    return false;
  }
  *block = (struct block){at, size, true};
  return true;
}

struct block block_make(size_t size) {
  struct block block = {0};
  if (!map(size, &block))
    block = (struct block){malloc(size ? size : 1), size, false};
  return block;
}

void block_free(struct block *block) {
  if (!block->is_mapped) {
    free(block->at);
  } else {
    munmap(block->at, round_up(block->size));
    atomic_fetch_sub(&mapped, 1);
  }
  *block = (struct block){0};
}

#include "derived/source.h"

#include <stdlib.h>

void source_forget(struct source *source) {
  for (size_t i = 0; i < SOURCE_CHUNKS; i++) {
    free(source->chunks[i].bytes);
    source->chunks[i] = (struct source_chunk){0};
  }
}

void source_release(struct source *source) {
  source_forget(source);
  cache_release(&source->hold);
}

int64_t source_length(const struct source *source) {
  return cache_hold_entry(source->hold)->body_length;
}

bool source_is_small(const struct source *source) {
  return source_length(source) <= (int64_t)DERIVED_SMALL;
}

/* Puts a copy into its place. Without memory for it, it is read again when it is wanted again. */
static void put(struct source_chunk *chunk, int64_t number, struct view bytes) {
  if (!chunk->bytes)
    chunk->bytes = malloc(CACHE_CHUNK_SIZE);
  if (!chunk->bytes)
    return;
  memcpy(chunk->bytes, bytes.at, bytes.length);
  chunk->length = bytes.length;
  chunk->number = number;
}

bool source_read(struct source *source, int64_t number, bool keep, struct view *bytes,
                 struct fault *fault) {
  struct source_chunk *chunk = &source->chunks[(size_t)number % SOURCE_CHUNKS];
  if (chunk->bytes && chunk->number == number) {
    *bytes = (struct view){chunk->bytes, chunk->length};
    return true;
  }
  if (!cache_read(source->hold, number, bytes, fault))
    return false;
  if (keep)
    put(chunk, number, *bytes);
  return true;
}

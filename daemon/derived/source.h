/* The bytes of a stored result, in any order. Some of its chunks stay in memory: of a source up to
 * DERIVED_SMALL all, otherwise the last ones that were kept. Of the derived room only. */
#pragma once

#include "cache/cache.h"
#include "derived/derived.h"

#define SOURCE_CHUNKS (DERIVED_SMALL / CACHE_CHUNK_SIZE)

/* A chunk in memory; `bytes` NULL: none. */
struct source_chunk {
  char *bytes;
  size_t length;
  int64_t number;
};

/* Begins as {.hold = ...}, which it owns. One thread at a time. */
struct source {
  struct cache_hold *hold;
  /* Chunk n is in place n % SOURCE_CHUNKS, or not here. */
  struct source_chunk chunks[SOURCE_CHUNKS];
};

void source_release(struct source *source);
/* Frees the chunks in memory. */
void source_forget(struct source *source);

/* The length of the body, in bytes. */
int64_t source_length(const struct source *source);
bool source_is_small(const struct source *source);

/* Chunk `number`. `keep`: it will be wanted again, and stays in memory. The bytes are valid until
 * the next call. Fails as cache_read(). Blocks on the disk. */
bool source_read(struct source *source, int64_t number, bool keep, struct view *bytes,
                 struct fault *fault) MUST_CHECK;

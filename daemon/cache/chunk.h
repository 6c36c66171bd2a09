/* A chunk as it is stored: one zstd frame with a checksum. Bytes from the disk are not trusted.
 * Pure. */
#pragma once

#include "cache/cache.h"

#include <zstd.h>

/* The most bytes that a packed chunk can have. */
#define CHUNK_BOUND ZSTD_COMPRESSBOUND(CACHE_CHUNK_SIZE)
/* Bytes that a chunk takes in the file beside its data: its cell, and its share of half-filled
 * pages. Measured on JSON rows with pages of 4096 bytes, the file is 2 to 4 % larger than the
 * data. */
#define CHUNK_OVERHEAD 400

/* A context for packing; NULL: no memory. The caller frees it with ZSTD_freeCCtx(). */
ZSTD_CCtx *chunk_packer(void) MUST_CHECK;
/* Packs `bytes`, at most CACHE_CHUNK_SIZE, into `buffer` of CHUNK_BOUND bytes; `*packed` is in
 * it. */
bool chunk_pack(ZSTD_CCtx *packer, struct view bytes, char *buffer, struct view *packed,
                struct fault *fault) MUST_CHECK;

/* One chunk as it was read from the disk. */
struct chunk_values {
  int64_t body_length; /* bytes of the whole result */
  int64_t number;      /* the chunk's, from 0 */
  int64_t raw_length;  /* bytes of the chunk, unpacked */
  struct view data;    /* packed */
};

/* The number of bytes that the chunk must have, unpacked; 0: the result ends before it. */
size_t chunk_length(const struct chunk_values *values);
/* Unpacks into `buffer` of CACHE_CHUNK_SIZE bytes; `*bytes` are in it. False: the chunk is
 * damaged. */
bool chunk_unpack(ZSTD_DCtx *context, const struct chunk_values *values, char *buffer,
                  struct view *bytes) MUST_CHECK;

#include "cache/chunk.h"

/* Measured on 60 MB of JSON rows in chunks of 64 KiB: level 1 packs to 1/4.7 in 153 ms, level -1 to
 * 1/3.8 in 157, level -3 to 1/3.4 in 134, level -5 to 1/3.0 in 118; the simulator's rows, whose
 * names repeat more, to 1/6.4 in 122 ms, 1/5.5 in 109, 1/4.8 in 107, 1/4.3 in 95. What the negative
 * levels save is spent on the pages that they add. Level 3 packs to 1/4.9 in 190 ms with twice the
 * memory, level 6 to 1/5.0 in three times as long. */
#define LEVEL 1

ZSTD_CCtx *chunk_packer(void) {
  ZSTD_CCtx *packer = ZSTD_createCCtx();
  if (!packer)
    return NULL;
  size_t level = ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, LEVEL);
  size_t checksum = ZSTD_CCtx_setParameter(packer, ZSTD_c_checksumFlag, 1);
  CHECK(!ZSTD_isError(level) && !ZSTD_isError(checksum));
  return packer;
}

bool chunk_pack(ZSTD_CCtx *packer, struct view bytes, char *buffer, struct view *packed,
                struct fault *fault) {
  size_t size = ZSTD_compress2(packer, buffer, CHUNK_BOUND, bytes.at, bytes.length);
  *packed = (struct view){buffer, size};
  return !ZSTD_isError(size) ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot compress: %s", ZSTD_getErrorName(size));
}

size_t chunk_length(const struct chunk_values *values) {
  const int64_t size = (int64_t)CACHE_CHUNK_SIZE;
  if (values->body_length / size < values->number)
    return 0;
  int64_t left = values->body_length - values->number * size;
  return left <= 0 ? 0 : left < size ? (size_t)left : CACHE_CHUNK_SIZE;
}

bool chunk_unpack(ZSTD_DCtx *context, const struct chunk_values *values, char *buffer,
                  struct view *bytes) {
  size_t length = chunk_length(values);
  struct view data = values->data;
  *bytes = (struct view){buffer, length};
  return length && values->raw_length == (int64_t)length &&
         ZSTD_decompressDCtx(context, buffer, length, data.at, data.length) == length;
}

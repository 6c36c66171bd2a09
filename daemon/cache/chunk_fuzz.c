/* Fuzz target: a chunk as the disk has it: the length of the body and of the chunk (eight bytes
 * each), its number (four), then the packed bytes. And the same bytes as a chunk to be stored, of
 * which the disk then changes a bit. */
#include "base/check.h"
#include "cache/chunk.h"
#include "cache/rowid.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ZSTD_DCtx *unpacker;
static ZSTD_CCtx *packer;

static void read_any(const struct chunk_values *values) {
  char *buffer = malloc(CACHE_CHUNK_SIZE);
  struct view bytes;
  CHECK(buffer);
  if (chunk_unpack(unpacker, values, buffer, &bytes)) {
    CHECK(bytes.at == buffer && bytes.length > 0 && bytes.length <= CACHE_CHUNK_SIZE);
    CHECK((int64_t)bytes.length == values->raw_length && values->raw_length <= values->body_length);
  }
  free(buffer);
}

/* The bytes that were stored are read back, or none are. */
static void read_stored(struct view raw, uint64_t damage) {
  char *packed = malloc(CHUNK_BOUND), *buffer = malloc(CACHE_CHUNK_SIZE);
  struct chunk_values values = {.body_length = (int64_t)raw.length,
                                .raw_length = (int64_t)raw.length};
  struct view bytes;
  CHECK(packed && buffer && chunk_pack(packer, raw, packed, &values.data, NULL));
  CHECK(chunk_unpack(unpacker, &values, buffer, &bytes) && view_equal(bytes, raw));
  packed[damage / 8 % values.data.length] ^= (char)(1 << damage % 8);
  CHECK(!chunk_unpack(unpacker, &values, buffer, &bytes) || view_equal(bytes, raw));
  free(packed);
  free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct chunk_values values;
  uint32_t number;
  if (!unpacker) {
    unpacker = ZSTD_createDCtx();
    packer = chunk_packer();
  }
  if (size < 20)
    return 0;
  memcpy(&values.body_length, data, 8);
  memcpy(&values.raw_length, data + 8, 8);
  memcpy(&number, data + 16, 4);
  values.number = number % ROWID_CHUNKS_MOST;
  values.data = (struct view){(const char *)data + 20, size - 20};
  read_any(&values);
  if (values.data.length > 0 && values.data.length <= CACHE_CHUNK_SIZE)
    read_stored(values.data, (uint64_t)values.raw_length);
  return 0;
}

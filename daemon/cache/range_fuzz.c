/* Fuzz target: the first hex digits of keys. */
#include "base/check.h"
#include "cache/range.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool begins(const struct digest *key, struct view hex) {
  const char *text = DIGEST_TEXT(key);
  for (size_t i = 0; i < hex.length; i++)
    if (text[i] != tolower((unsigned char)hex.at[i]))
      return false;
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view hex = {(const char *)data, size};
  struct range range;
  if (!range_of_prefix(hex, &range, NULL))
    return 0;
  CHECK(size >= RANGE_LEAST_DIGITS && size <= (size_t)2 * DIGEST_SIZE);
  CHECK(begins(&range.first, hex) && begins(&range.last, hex));
  CHECK(memcmp(range.first.bytes, range.last.bytes, DIGEST_SIZE) <= 0);
  CHECK(size < (size_t)2 * DIGEST_SIZE || digest_equal(&range.first, &range.last));
  return 0;
}

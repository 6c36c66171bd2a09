/* Fuzz target: the value of an Accept-Encoding line. */
#include "base/check.h"
#include "http/coding.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_named(struct view value) {
  for (size_t i = 0; i < value.length; i++)
    if (value.at[i] == '*' ||
        ((value.at[i] | 0x20) == 'g' && value.length - i >= 4 && (value.at[i + 3] | 0x20) == 'p'))
      return true;
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view value = {size ? (const char *)data : "", size}, rest = value, element;
  struct coding one = CODING_NONE, many = CODING_NONE;
  coding_add(&one, value);
  CHECK(!coding_takes_gzip(&one) || is_named(value));
  /* Lines are one list (RFC 9110 5.3). */
  while (view_split(&rest, ',', &element))
    coding_add(&many, element);
  CHECK(one.gzip == many.gzip && one.identity == many.identity && one.any == many.any);
  coding_add(&one, VIEW("gzip;q=0"));
  CHECK(!coding_takes_gzip(&one));
  return 0;
}

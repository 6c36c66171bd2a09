#include "cache/range.h"

#include "base/num.h"

#include <string.h>

bool range_of_prefix(struct view hex, struct range *range, struct fault *fault) {
  if (hex.length < RANGE_LEAST_DIGITS || hex.length > (size_t)2 * DIGEST_SIZE)
    return fault_set(fault, FAULT_MALFORMED, "a key is given by %d to %d hex digits",
                     RANGE_LEAST_DIGITS, 2 * DIGEST_SIZE);
  memset(&range->first, 0x00, sizeof range->first);
  memset(&range->last, 0xff, sizeof range->last);
  for (size_t i = 0; i < hex.length; i++) {
    int digit = num_hex_digit(hex.at[i]);
    if (digit < 0)
      return fault_set(fault, FAULT_MALFORMED, "a key consists of hex digits");
    int shift = i % 2 ? 0 : 4;
    range->first.bytes[i / 2] |= (uint8_t)(digit << shift);
    range->last.bytes[i / 2] &= (uint8_t) ~((15 - digit) << shift);
  }
  return true;
}

/* Fuzz target: bytes that may be UTF-8. */
#include "base/check.h"
#include "base/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The length of the character at the front, found by its code point instead of by ranges of bytes;
 * 0: none. */
static size_t character(struct view text) {
  static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char first = (unsigned char)text.at[0];
  if (first < 0x80)
    return 1;
  size_t length = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (!length || text.length < length)
    return 0;
  int32_t code = first & (0x7f >> length);
  for (size_t i = 1; i < length; i++) {
    if (((unsigned char)text.at[i] & 0xc0) != 0x80)
      return 0;
    code = code << 6 | ((unsigned char)text.at[i] & 0x3f);
  }
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code >= least[length] && code <= 0x10ffff && !surrogate ? length : 0;
}

/* utf8_plain(), byte by byte. */
static size_t plain(struct view text) {
  size_t length = 0;
  while (length < text.length && (unsigned char)text.at[length] >= 0x20 &&
         (unsigned char)text.at[length] < 0x80)
    length++;
  return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view text = {size ? (const char *)data : "", size}, rest = text;
  struct utf8 utf8 = {0};
  while (rest.length) {
    size_t length = character(rest);
    CHECK(utf8_character(rest) == length);
    CHECK(utf8_plain(rest) == plain(rest));
    if (!length)
      break;
    for (size_t i = 0; i < length; i++)
      CHECK(utf8_takes(&utf8, (unsigned char)rest.at[i]) &&
            (utf8.wanted == 0) == (i == length - 1));
    rest = view_from(rest, length);
  }
  CHECK(utf8_is(text) == (rest.length == 0));
  return 0;
}

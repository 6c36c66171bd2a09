#include "base/utf8.h"

#include <endian.h>
#include <string.h>

/* RFC 3629, "Syntax of UTF-8 Byte Sequences": how many bytes follow the first one of a character, and
 * the bounds of the second. Rows of zeros begin none. */
static const struct lead {
  unsigned char more, least, most;
} leads[0x40] = {
    /* from 0xc0 on */
    [0x02 ... 0x1f] = {1, 0x80, 0xbf}, [0x20] = {2, 0xa0, 0xbf},
    [0x21 ... 0x2c] = {2, 0x80, 0xbf}, [0x2d] = {2, 0x80, 0x9f},
    [0x2e ... 0x2f] = {2, 0x80, 0xbf}, [0x30] = {3, 0x90, 0xbf},
    [0x31 ... 0x33] = {3, 0x80, 0xbf}, [0x34] = {3, 0x80, 0x8f},
};

/* Of a byte from 0x80 on. */
static const struct lead *lead_of(unsigned char byte) {
  static const struct lead none;
  return byte < 0xc0 ? &none : &leads[byte - 0xc0];
}

static bool begins(struct utf8 *utf8, unsigned char byte) {
  if (byte < 0x80)
    return true;
  const struct lead *lead = lead_of(byte);
  if (lead->more)
    *utf8 = (struct utf8){lead->more, lead->least, lead->most};
  return lead->more > 0;
}

bool utf8_takes(struct utf8 *utf8, unsigned char byte) {
  if (utf8->wanted == 0)
    return begins(utf8, byte);
  bool fits = byte >= utf8->least && byte <= utf8->most;
  *utf8 = (struct utf8){utf8->wanted - 1, 0x80, 0xbf};
  return fits;
}

size_t utf8_character(struct view text) {
  const unsigned char *bytes = (const unsigned char *)text.at;
  if (!text.length || bytes[0] < 0x80)
    return text.length > 0;
  const struct lead *lead = lead_of(bytes[0]);
  if (!lead->more || text.length <= lead->more || bytes[1] < lead->least || bytes[1] > lead->most)
    return 0;
  for (size_t i = 2; i <= lead->more; i++)
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
  return (size_t)lead->more + 1;
}

bool utf8_take(struct view *rest, uint32_t *character) {
  static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  size_t length = utf8_character(*rest);
  if (!length)
    return false;
  *character = (unsigned char)rest->at[0] & first_bits[length];
  for (size_t i = 1; i < length; i++)
    *character = *character << 6 | ((unsigned char)rest->at[i] & 0x3f);
  *rest = view_from(*rest, length);
  return true;
}

size_t utf8_plain(struct view text) {
  size_t length = 0;
  while (text.length - length >= 8) {
    uint64_t word;
    memcpy(&word, text.at + length, sizeof word);
    word = le64toh(word);
    /* A byte below 0x20 becomes one with its highest bit set. It borrows from those behind it, so
     * the first one that is found is certain. */
    uint64_t found = (word | (word - UINT64_C(0x2020202020202020))) & UINT64_C(0x8080808080808080);
    if (found)
      return length + (size_t)__builtin_ctzll(found) / 8;
    length += 8;
  }
  while (length < text.length && text.at[length] >= 0x20 && !(text.at[length] & 0x80))
    length++;
  return length;
}

bool utf8_is(struct view text) {
  while (text.length) {
    size_t length = utf8_plain(text);
    if (!length)
      length = utf8_character(text);
    if (!length)
      return false;
    text = view_from(text, length);
  }
  return true;
}

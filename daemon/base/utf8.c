#include "base/utf8.h"

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

bool utf8_is(struct view text) {
  struct utf8 utf8 = {0};
  for (size_t i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char)text.at[i];
    bool is_ascii = byte < 0x80 && utf8.wanted == 0; /* most text is; this is faster */
    if (!is_ascii && !utf8_takes(&utf8, byte))
      return false;
  }
  return utf8.wanted == 0;
}

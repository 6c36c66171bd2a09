#include "base/utf8.h"

/* RFC 3629, "Syntax of UTF-8 Byte Sequences", without ASCII. */
static const struct row {
  unsigned char first, last, least, most;
  int more;
} rows[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
    {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2}, {0xf0, 0xf0, 0x90, 0xbf, 3},
    {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
};

static bool begins(struct utf8 *utf8, unsigned char byte) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (byte < rows[i].first || byte > rows[i].last)
      continue;
    *utf8 = (struct utf8){rows[i].more, rows[i].least, rows[i].most};
    return true;
  }
  return byte < 0x80;
}

bool utf8_takes(struct utf8 *utf8, unsigned char byte) {
  if (utf8->wanted == 0)
    return begins(utf8, byte);
  bool fits = byte >= utf8->least && byte <= utf8->most;
  *utf8 = (struct utf8){utf8->wanted - 1, 0x80, 0xbf};
  return fits;
}

size_t utf8_character(struct view text) {
  struct utf8 utf8 = {0};
  for (size_t i = 0; i < text.length; i++) {
    if (!utf8_takes(&utf8, (unsigned char)text.at[i]))
      return 0;
    if (utf8.wanted == 0)
      return i + 1;
  }
  return 0;
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

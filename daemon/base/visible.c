#include "base/visible.h"

#include "base/utf8.h"

#include <stdio.h>

/* From the Unicode Character Database, version 15, in order: general categories Cc, Cf, Zl, Zp, and
 * Zs except the space; Default_Ignorable_Code_Point; the noncharacters in the Arabic block. */
static const struct range {
  int32_t first, last;
} hidden[] = {
    {0x0000, 0x001f},   {0x007f, 0x00a0},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x1680, 0x1680},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x206f},   {0x3000, 0x3000},   {0x3164, 0x3164},   {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* The last two code points of each plane are noncharacters. */
static bool is_hidden(int32_t code) {
  if ((code & 0xfffe) == 0xfffe)
    return true;
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden && code >= hidden[i].first; i++)
    if (code <= hidden[i].last)
      return true;
  return false;
}

/* `length` is utf8_character()'s. */
static int32_t decode(struct view text, size_t length) {
  static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  int32_t code = (unsigned char)text.at[0] & masks[length];
  for (size_t i = 1; i < length; i++)
    code = code << 6 | ((unsigned char)text.at[i] & 0x3f);
  return code;
}

struct visible visible_first(struct view text) {
  size_t length = utf8_character(text);
  if (length == 0)
    return (struct visible){1, -1, false};
  int32_t code = decode(text, length);
  return (struct visible){length, code, !is_hidden(code)};
}

size_t visible_take(struct view text, char out[VISIBLE_SIZE]) {
  struct visible next = visible_first(text);
  unsigned shown = next.code < 0 ? (unsigned char)text.at[0] : (unsigned)next.code;
  if (next.is_plain)
    snprintf(out, VISIBLE_SIZE, "%.*s", (int)next.length, text.at);
  else
    snprintf(out, VISIBLE_SIZE,
             shown < 0x100     ? "\\x%02x"
             : shown < 0x10000 ? "\\u%04x"
                               : "\\U%08x",
             shown);
  return next.length;
}

void visible_add(struct text *out, struct view text) {
  char shown[VISIBLE_SIZE];
  while (text.length) {
    text = view_from(text, visible_take(text, shown));
    text_add(out, view_of(shown));
  }
}

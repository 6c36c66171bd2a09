#include "derive/letters.h"

#include "base/utf8.h"

/* From the blocks and decompositions of Unicode 15. A range leaves out what decomposes into, or has
 * the primary weight of, something that its class does not say: superscripts, fractions, digits of
 * other scripts, letters in circles, letters of full width. */
static const struct range {
  uint32_t first, last;
  enum letter class_;
} ranges[] = {
    {0x0000, 0x001f, LETTER_SIGN},    {0x0020, 0x007e, LETTER_ASCII},
    {0x007f, 0x00a9, LETTER_SIGN},    {0x00ab, 0x00b1, LETTER_SIGN},
    {0x00b4, 0x00b4, LETTER_SIGN},    {0x00b6, 0x00b8, LETTER_SIGN},
    {0x00bb, 0x00bb, LETTER_SIGN},    {0x00bf, 0x00bf, LETTER_SIGN},
    {0x00c0, 0x00d6, LETTER_LATIN},   {0x00d7, 0x00d7, LETTER_SIGN},
    {0x00d8, 0x00f6, LETTER_LATIN},   {0x00f7, 0x00f7, LETTER_SIGN},
    {0x00f8, 0x0148, LETTER_LATIN},   {0x014a, 0x01bf, LETTER_LATIN},
    {0x01c4, 0x024f, LETTER_LATIN},   {0x0300, 0x0362, LETTER_SIGN},
    {0x0388, 0x03ce, LETTER_FOREIGN}, {0x0400, 0x0482, LETTER_FOREIGN},
    {0x0483, 0x0489, LETTER_SIGN},    {0x048a, 0x052f, LETTER_FOREIGN},
    {0x0531, 0x0556, LETTER_FOREIGN}, {0x0561, 0x0586, LETTER_FOREIGN},
    {0x0591, 0x05c7, LETTER_SIGN},    {0x05d0, 0x05ea, LETTER_FOREIGN},
    {0x060c, 0x061f, LETTER_SIGN},    {0x0620, 0x064a, LETTER_FOREIGN},
    {0x064b, 0x065f, LETTER_SIGN},    {0x0671, 0x06d3, LETTER_FOREIGN},
    {0x0900, 0x0965, LETTER_SIGN},    {0x0970, 0x0983, LETTER_SIGN},
    {0x0e01, 0x0e4f, LETTER_SIGN},    {0x1e00, 0x1e99, LETTER_LATIN},
    {0x1e9b, 0x1eff, LETTER_LATIN},   {0x2009, 0x2027, LETTER_SIGN},
    {0x2028, 0x205e, LETTER_SIGN},    {0x2060, 0x206f, LETTER_SIGN},
    {0x20ac, 0x20ac, LETTER_SIGN},    {0x2190, 0x21ff, LETTER_SIGN},
    {0x2600, 0x2775, LETTER_SIGN},    {0x2794, 0x27bf, LETTER_SIGN},
    {0x3000, 0x3003, LETTER_SIGN},    {0x3008, 0x3011, LETTER_SIGN},
    {0x3041, 0x3096, LETTER_FOREIGN}, {0x3099, 0x309a, LETTER_SIGN},
    {0x30a1, 0x30fa, LETTER_FOREIGN}, {0x30fb, 0x30fc, LETTER_SIGN},
    {0x3400, 0x4dbf, LETTER_FOREIGN}, {0x4e00, 0x9fff, LETTER_FOREIGN},
    {0xac00, 0xd7a3, LETTER_FOREIGN}, {0xe000, 0xf8ff, LETTER_SIGN},
    {0xfe00, 0xfe0f, LETTER_SIGN},    {0xfeff, 0xfeff, LETTER_SIGN},
    {0x1f300, 0x1faff, LETTER_SIGN},  {0xf0000, 0x10ffff, LETTER_SIGN},
};

static enum letter class_of(uint32_t character) {
  size_t low = 0, high = sizeof ranges / sizeof *ranges;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (character > ranges[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  bool is_found = low < sizeof ranges / sizeof *ranges && character >= ranges[low].first;
  return is_found ? ranges[low].class_ : LETTER_DOUBTFUL;
}

bool letters_take(struct view *rest, uint32_t *character, enum letter *class_) {
  if (rest->length == 0)
    return false;
  if (utf8_take(rest, character)) {
    *class_ = class_of(*character);
  } else {
    *rest = view_from(*rest, 1);
    *character = 0xfffd;
    *class_ = LETTER_DOUBTFUL;
  }
  return true;
}

/* Russian letters of which no letter is composed, by their small forms. (An и with a breve is й,
 * for example, and an accent may be ignored.) */
static bool is_certain_cyrillic(uint32_t small) {
  static const uint32_t letters[] = {0x431, 0x432, 0x434, 0x43b, 0x43c, 0x43d, 0x43f, 0x440,
                                     0x441, 0x442, 0x444, 0x445, 0x446, 0x448, 0x449};
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    if (letters[i] == small)
      return true;
  return false;
}

uint32_t letters_certain(uint32_t character) {
  if ((character >= 0x4e00 && character <= 0x9fff) || (character >= 0xac00 && character <= 0xd7a3))
    return character;
  uint32_t small = character >= 0x410 && character <= 0x42f ? character + 0x20 : character;
  return is_certain_cyrillic(small) ? small : 0;
}

bool letters_are_plain(struct view text) {
  for (size_t i = 0; i < text.length; i++)
    if (text.at[i] < 0x20 || text.at[i] > 0x7e)
      return false;
  return true;
}

bool letters_are_doubtful(struct view text) {
  uint32_t character;
  enum letter class_;
  while (letters_take(&text, &character, &class_))
    if (class_ == LETTER_DOUBTFUL)
      return true;
  return false;
}

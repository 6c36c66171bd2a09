/* UTF-8 as RFC 3629 4 defines it, in one piece or byte by byte. Pure. */
#pragma once

#include "base/view.h"

/* Begins as {0}. */
struct utf8 {
  int wanted;                /* bytes that the character under way still needs */
  unsigned char least, most; /* bounds of the next one */
};

/* Whether `byte` may come next. Once false, the text is none. */
bool utf8_takes(struct utf8 *utf8, unsigned char byte);

/* The length of the character that `text` (not empty) begins with; 0: none. */
size_t utf8_character(struct view text);

/* Whether the whole is UTF-8. */
bool utf8_is(struct view text);

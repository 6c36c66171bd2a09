/* UTF-8 as in RFC 3629 4, in one piece or byte by byte. Pure. */
#pragma once

#include "base/view.h"

#include <stdint.h>

/* Begins as {0}. */
struct utf8 {
  int wanted;                /* bytes that the present character still needs */
  unsigned char least, most; /* bounds of the next byte */
};

/* False: `byte` cannot come next, and the text is not UTF-8. */
bool utf8_takes(struct utf8 *utf8, unsigned char byte);

/* The length of the first character of `text` (not empty); 0: it is not UTF-8. */
size_t utf8_character(struct view text);

/* The number of bytes at the front of `text` that are ASCII without control characters below 0x20,
 * eight at a time. */
size_t utf8_plain(struct view text);

/* Takes the first character off `rest`. False: `rest` is empty, or does not begin with UTF-8. */
bool utf8_take(struct view *rest, uint32_t *character);

/* True if all of `text` is UTF-8. */
bool utf8_is(struct view text);

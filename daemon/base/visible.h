/* Text from outside, made safe for a terminal or a line of a log.
 *
 * Some characters control a terminal (C0, C1), reorder the text around them (bidirectional
 * controls), or are invisible, so that a line seems to say something else. These, and bytes that
 * are not UTF-8, become escapes: \xNN, \uNNNN or \UNNNNNNNN by code point, \xNN for a byte.
 * Everything else stays as it is. Pure. */
#pragma once

#include "base/text.h"

#include <stdint.h>

struct visible {
  size_t length; /* in bytes; at least 1 */
  int32_t code;  /* code point; -1: the byte is not UTF-8 */
  bool is_plain; /* shown as it is */
};

/* The first character of `text` (not empty). */
struct visible visible_first(struct view text);

#define VISIBLE_SIZE (sizeof "\\U0010ffff")
/* Writes the first character of `text` (not empty) as it is shown, and a NUL, to `out`. Returns its
 * length in `text`. */
size_t visible_take(struct view text, char out[VISIBLE_SIZE]);

/* Appends all of `text` as it is shown. */
void visible_add(struct text *out, struct view text);

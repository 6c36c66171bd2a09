/* Text from outside, made fit for a terminal or a line of a log.
 *
 * Some characters command a terminal (C0, C1), turn the order of what is shown (bidirectional
 * controls), or show nothing at all, so that a line says other than it seems to. These, and bytes
 * that are no UTF-8, are written as escapes: \xNN, \uNNNN or \UNNNNNNNN by their code point, \xNN
 * for a byte. Everything else stays as it is. Pure. */
#pragma once

#include "base/text.h"

#include <stdint.h>

struct visible {
  size_t length; /* bytes that it takes; at least 1 */
  int32_t code;  /* its code point; -1: the byte is no UTF-8 */
  bool is_plain; /* it can be shown as it is */
};

/* The character that `text` (not empty) begins with. */
struct visible visible_first(struct view text);

#define VISIBLE_SIZE (sizeof "\\U0010ffff")
/* The same, as it is to be shown: writes to `out` with a NUL behind, and returns how many bytes of
 * `text` that was. */
size_t visible_take(struct view text, char out[VISIBLE_SIZE]);

/* Appends the whole of `text`. */
void visible_add(struct text *out, struct view text);

/* What a character may be read as when texts are compared with folding. Pure.
 *
 * A comparison may ignore case, accents, width, ligatures, or marks and signs (READINGS.md,
 * "Text"). The classes say what a character can stand for among the ASCII characters under any of
 * these foldings, so that "these texts differ" can be told where it is certain. */
#pragma once

#include "base/view.h"

#include <stdint.h>

enum letter {
  LETTER_ASCII,    /* printable ASCII: itself, or its other case */
  LETTER_LATIN,    /* an accented letter or a ligature: one or two letters of ASCII */
  LETTER_FOREIGN,  /* a letter of another script: nothing in ASCII */
  LETTER_SIGN,     /* a sign, a mark or a control: nothing, or any run of ASCII characters that are
                      neither letters nor digits */
  LETTER_DOUBTFUL, /* anything else, and what is not UTF-8: it may stand for anything */
};

/* Takes the first character off `rest` and returns its class. False: `rest` is empty. */
bool letters_take(struct view *rest, uint32_t *character, enum letter *class_);

/* The one spelling of a character that equals no other but its other case, and decomposes into
 * nothing, under any folding; 0: `character` is not one. */
uint32_t letters_certain(uint32_t character);

/* True if all of `text` is printable ASCII, blanks included. */
bool letters_are_plain(struct view text);

/* True if `text` holds a DOUBTFUL character. */
bool letters_are_doubtful(struct view text);

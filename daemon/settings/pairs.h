/* Splits INI text into sections and pairs, each with its line. Private to the settings room. Pure.
 *
 * inih splits a line into key and value. This file first refuses what inih would ignore: a line
 * longer than its buffer, control characters, text after a section's `]`, and an indented line
 * without a value above it. Debian builds inih without line numbers in its handler, so this file
 * counts the lines that it hands to inih.
 *
 * inih accepts `[section]`, `key = value` or `key: value`, whole-line comments after `;` or `#`, a
 * comment at the end of a line that is not indented after a space and `;`, and CR LF. An indented
 * line continues the value above it. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

/* Valid during the call only. */
struct pair {
  const char *section; /* "" before the first */
  const char *key;
  const char *value; /* without the space around it */
  int line;          /* from 1 */
  bool continued;    /* an indented line: `value` continues the value of the same key */
};

/* Called in the order of the text; false ends the reading. */
struct pairs_calls {
  bool (*section)(void *context, struct view name, int line, struct fault *fault);
  bool (*pair)(void *context, const struct pair *pair, struct fault *fault);
};

/* `name`: of the file, for the fault. The fault is that of the first line with one. */
bool pairs_read(const char *name, struct view text, const struct pairs_calls *calls, void *context,
                struct fault *fault) MUST_CHECK;

/* True if `text` has no control character but the tab, so that a message can repeat it. */
bool pairs_printable(struct view text);

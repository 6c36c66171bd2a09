/* INI text to sections and pairs, each with its line. Of the settings room only. Pure.
 *
 * inih cuts a line into key and value; what it would pass over in silence is refused here before it
 * sees it: a line longer than its buffer, control characters, text behind a section's `]`, and an
 * indented line where nothing stands above that it could go on with. inih's handler knows no line
 * numbers as Debian builds it, so the lines are counted where they are handed to it.
 *
 * What inih takes: `[section]`, `key = value` or `key: value`, whole-line comments behind `;` or
 * `#`, a comment at the end of a line (but not of an indented one) behind a space and `;`, CR LF.
 * An indented line goes on with the value above it. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

/* Valid during the call only. */
struct pair {
  const char *section; /* "" before the first */
  const char *key;
  const char *value; /* without the space around it */
  int line;          /* from 1 */
  bool continued;    /* an indented line: `value` goes on with the value of the same key */
};

/* What is found, in the order of the text; false ends the reading. */
struct pairs_calls {
  bool (*section)(void *context, struct view name, int line, struct fault *fault);
  bool (*pair)(void *context, const struct pair *pair, struct fault *fault);
};

/* `name` is the file's, for the fault. The fault is that of the first line that has one. */
bool pairs_read(const char *name, struct view text, const struct pairs_calls *calls, void *context,
                struct fault *fault) MUST_CHECK;

/* No control character but the tab: can stand in a message as it is. */
bool pairs_printable(struct view text);

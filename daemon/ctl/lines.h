/* Takes a file apart into lines, as its bytes come. Pure. */
#pragma once

#include "base/fault.h"
#include "base/text.h"

#include <stdint.h>

/* Bytes of one line: more than any request line that the daemon takes. */
#define LINES_MOST ((size_t)128 * 1024)

/* Begins as {0}. */
struct lines {
  struct text line; /* what has come of the present line, at most LINES_MOST bytes */
  int64_t number;   /* of the present line, from 1; 0: none has begun */
  bool is_whole;    /* its end was read */
  bool is_too_long; /* bytes of it were dropped */
};

/* Takes bytes off the front of `rest` up to the end of the line. True: the line is whole, and
 * lines_read() may be called; the next call begins the next line. False: all of `rest` is taken. */
bool lines_take(struct lines *lines, struct view *rest);

/* After the end of the file: true if there is a last line, which nothing ended. */
bool lines_end(struct lines *lines);

/* The line, without blanks at its ends; a byte order mark before the first line is dropped. `*query`
 * is empty for a line to skip: a blank one, or one that begins with '#'. It is valid until the next
 * call. Fails if the line is too long or not UTF-8, or for lack of memory. */
bool lines_read(const struct lines *lines, struct view *query, struct fault *fault) MUST_CHECK;

void lines_free(struct lines *lines);

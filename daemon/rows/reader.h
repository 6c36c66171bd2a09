/* Reads an answer in JSON as it arrives, in pieces of any size, and judges it: is it one whole JSON
 * object, how many rows does it hold, is there an error at the top level.
 *
 * - The rows are the elements of one array at the top level, whose name the caller gives. Null
 *   instead of the array means no rows.
 * - `error` at the top level is an error, unless it is empty (null, false, "", [] or {}) and the
 *   rows are there, too: then a serializer wrote the member although there was nothing to report. A
 *   number is not empty: no code is documented to mean success.
 * - A byte order mark before the object is skipped, as RFC 8259 8.1 allows.
 *
 * The reader changes nothing: upstream's own bytes are stored and sent on, with the byte order
 * mark, and numbers keep their text. yajl parses (RFC 8259, UTF-8 checked). The depth of nesting
 * and the length of one value are bounded, so memory is, too. Pure; one thread at a time uses a
 * reader. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stdint.h>

#define READER_MAX_VALUE ((size_t)4 * 1024 * 1024) /* one string or number, bytes */

/* The shape that an answer must have. */
struct reader_shape {
  /* The name of the array of rows. It must occur once, unless there is an error. Empty: any object
   * is accepted, and the elements of every array at the top level count as rows. Must live as long
   * as the reader. */
  struct view rows;
};

struct reader;

/* A reader for one answer, the caller's. Nesting deeper than `max_depth` is a fault. NULL: no
 * memory. */
struct reader *reader_create(const struct reader_shape *shape, int64_t max_depth) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void reader_release(struct reader **reader);

/* Reads the next bytes, and keeps none. False (FAULT_UPSTREAM): the answer is broken, for good. */
bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) MUST_CHECK;

/* The answer has ended. False (FAULT_UPSTREAM): it is not whole. */
bool reader_finish(struct reader *reader, struct fault *fault) MUST_CHECK;

/* Rows counted so far. */
int64_t reader_results(const struct reader *reader);

/* True if there was an error at the top level so far: `error`, unless it is empty and the array of
 * rows is there, too (if that has no name: any other member). */
bool reader_is_error(const struct reader *reader);

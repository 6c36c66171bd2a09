/* Reads an answer in JSON as it arrives, in any split of the bytes, and judges it: is it one whole
 * JSON object, how many rows does it hold, does an error stand at the top level.
 *
 * - The rows are the elements of one array at the top level, whose name the caller gives. Null in
 *   its place means no rows.
 * - `error` at the top level is an error, unless it is empty (null, false, "", [] or {}) and stands
 *   beside what was asked for: a serializer wrote the member although there was nothing to report.
 *   A number is not empty: no code is documented to mean success.
 * - A byte order mark before the object is skipped, as RFC 8259 8.1 allows.
 *
 * The reader changes nothing: upstream's own bytes are stored and sent on, the byte order mark
 * among them, and numbers keep their text. yajl parses (RFC 8259, UTF-8 checked). Nesting depth and
 * the length of one value are bounded, and so is memory. Pure. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stdint.h>

#define READER_MAX_VALUE ((size_t)4 * 1024 * 1024) /* one string or number, bytes */

/* What an answer has to look like. */
struct reader_shape {
  /* The name of the array of rows: it must be there, once, unless there is an error. Empty: any
   * object will do, and the elements of every array at the top level are counted. Lives as long as
   * the reader. */
  struct view rows;
};

struct reader;

/* A reader for one answer; deeper nesting than `max_depth` is a fault. NULL: no memory. */
struct reader *reader_create(const struct reader_shape *shape, int64_t max_depth) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void reader_release(struct reader **reader);

/* Reads the next bytes. False (FAULT_UPSTREAM): the answer is broken, and stays broken. */
bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) MUST_CHECK;

/* The answer has ended. False (FAULT_UPSTREAM): it is not whole. */
bool reader_finish(struct reader *reader, struct fault *fault) MUST_CHECK;

/* Rows counted so far. */
int64_t reader_results(const struct reader *reader);

/* True if an error stood at the top level so far: `error`, unless it is empty and stands beside the
 * array of rows (where that has no name: beside any other member). */
bool reader_is_error(const struct reader *reader);

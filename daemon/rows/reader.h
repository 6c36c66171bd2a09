/* Reads an answer of v2 (JSON) as it arrives, in any split of the bytes, and judges it: is it one
 * whole JSON object, how many elements has `refpages`, does an error stand at the top level.
 *
 * - `refpages` is an array, or null: no results.
 * - `error` is an error, unless it is empty (null, false, "", [] or {}) and stands beside what was
 *   asked for: a serializer wrote the member although there was nothing to say. A number is not
 *   empty: what code means success is not documented.
 * - A byte order mark before the object is skipped, as RFC 8259 8.1 allows.
 *
 * It looks and changes nothing: the bytes that are stored and sent on are upstream's own (a byte
 * order mark among them), so numbers keep their text. yajl does the reading (RFC 8259, UTF-8
 * checked). Nesting depth and the length of one value are bounded, and with them the memory. Pure. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stdint.h>

#define READER_MAX_VALUE ((size_t)4 * 1024 * 1024) /* one string or number, bytes */

enum reader_table {
  READER_REFPAGES, /* `refpages` must be there, once, unless there is an error */
  READER_ANY,      /* another table: elements of every top-level array are counted */
};

struct reader;

/* A reader for one answer; `max_depth`: nested deeper than that is a fault. NULL: no memory. */
struct reader *reader_create(enum reader_table table, int64_t max_depth) MUST_CHECK;
void reader_release(struct reader **reader);

/* The next bytes. False (FAULT_UPSTREAM): the answer is broken, and stays so. */
bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) MUST_CHECK;

/* The answer has ended: is it whole? */
bool reader_finish(struct reader *reader, struct fault *fault) MUST_CHECK;

/* Elements counted so far. */
int64_t reader_results(const struct reader *reader);

/* Whether an error stood at the top level so far: `error`, unless it is empty and stands beside
 * `refpages` (READER_ANY: beside any other member). */
bool reader_is_error(const struct reader *reader);

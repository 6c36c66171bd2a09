/* Reads an answer as it arrives, in pieces of any size, and judges it: is it whole, how many rows
 * does it hold, is there an error at the top level. On request it also hands out the rows.
 *
 * JSON (yajl), and PHP's serialize format in the same way:
 * - The document is one object (PHP: one array). The rows are the elements of one array at its top
 *   level, whose name the caller gives. Null instead of the array means no rows. Where the name is
 *   not known, see struct reader_shape.
 * - `error` at the top level is an error, unless it is empty (null, false, "", [] or {}) and the
 *   rows are there, too: then a serializer wrote the member although there was nothing to report. A
 *   number is not empty: no code is documented to mean success.
 * - JSON follows RFC 8259, its UTF-8 RFC 3629. A byte order mark before it is skipped, as RFC 8259
 *   8.1 allows. The strings of PHP may hold any bytes, as PHP's own may.
 *
 * XML (expat): it is well-formed, without a document type, and its root has the name that the caller
 * gives. The layout of rows below it is not documented, so none are counted. An element `error`
 * directly below the root is an error.
 *
 * The reader changes nothing: upstream's own bytes are stored and sent on, with the byte order
 * mark, and numbers keep their text. The depth of nesting and the length of one value are bounded,
 * so memory is, too. Pure; one thread at a time uses a reader. */
#pragma once

#include "base/fault.h"
#include "base/view.h"
#include "query/output.h"
#include "rows/value.h"

#include <stdint.h>

#define READER_MAX_VALUE ((size_t)4 * 1024 * 1024) /* one string or number, bytes */
/* The longest element that is handed out as a row, bytes. */
#define READER_MAX_ROW ((size_t)1024 * 1024)

/* The shape that an answer must have. Must live as long as the reader. */
struct reader_shape {
  /* The name of the array of rows. It must occur once, unless there is an error. Empty: any object
   * is accepted, and the elements of every array at the top level count as rows. */
  struct view rows;
  enum query_output format; /* JSON by default */
  struct view root;         /* XML: the name of the root element; empty: any */
  bool takes_arrays; /* JSON without a name: the document may be an array, whose elements are rows */
};

/* What wants the rows of an answer. The parts of a sound answer reach it in their order: bytes
 * before the rows, the rows, bytes behind them. Views hold during the call only. */
struct reader_sink {
  void *context;
  /* Bytes of the answer outside the array of rows, its brackets among them, as they came: together
   * all bytes but the elements, the commas and the white space between the brackets. */
  void (*frame)(void *context, struct view bytes);
  /* One element. False: no more rows are wanted; the frame still is. */
  bool (*row)(void *context, const struct row *row);
};

struct reader;

/* A reader for one answer, the caller's. Nesting deeper than `max_depth` is a fault. NULL: no
 * memory. */
struct reader *reader_create(const struct reader_shape *shape, int64_t max_depth) MUST_CHECK;
/* The same for an answer in JSON whose array of rows has a name. `sink` is copied. */
struct reader *reader_create_rows(const struct reader_shape *shape, int64_t max_depth,
                                  const struct reader_sink *sink) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void reader_release(struct reader **reader);

/* Reads the next bytes, and keeps none. False (FAULT_UPSTREAM): the answer is broken, for good. */
bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) MUST_CHECK;

/* The answer has ended. False (FAULT_UPSTREAM): it is not whole. */
bool reader_finish(struct reader *reader, struct fault *fault) MUST_CHECK;

/* Rows counted so far. -1: the format does not tell. XML tells only that there are none: as long as
 * nothing but `error` stands below the root. */
int64_t reader_results(const struct reader *reader);

/* True if the answer, which is whole, can have `results` rows. XML, whose layout is not documented:
 * somewhere below the root so many elements stand at one depth. */
bool reader_agrees(const struct reader *reader, int64_t results);

/* True if there was an error at the top level so far: `error`, unless it is empty and the array of
 * rows is there, too (if that has no name: any other member). */
bool reader_is_error(const struct reader *reader);

/* True if the top level held nothing but the array of rows so far. */
bool reader_is_plain(const struct reader *reader);

/* Where the array of rows lies in the answer, in bytes: from behind its opening bracket (`begin`) to
 * its closing one (`end`). For a reader with a sink, after reader_finish(). False: null stands in
 * its place, or nothing. */
bool reader_rows_place(const struct reader *reader, int64_t *begin, int64_t *end) MUST_CHECK;

/* NULL: every element so far was handed out as a row, unless no more were wanted. Otherwise why one
 * could not be (a constant); the sink is not called any more then. The answer is judged all the
 * same. An
 * element is no row if it is no object, is longer than READER_MAX_ROW, has more members than
 * ROW_MEMBERS_MOST or two of one name, or holds half of a surrogate pair, which has no UTF-8. */
const char *reader_no_rows(const struct reader *reader);

/* Writes an answer from the rows of another: bytes of the source in, bytes of the answer out, as they
 * come, in any split, in bounded memory. Pure.
 *
 *     create  { feed  { pull }* }*  finish  { pull }*  release
 *
 * The source is an answer in JSON, sound or not yet known to be. The answer is in a form (struct
 * writer_form). In JSON its bytes are exactly:
 * - all bytes of the source up to the opening bracket of the array of rows, and all from the closing
 *   bracket on, other members of the top level among them;
 * - the rows of the window that the recipe keeps, in their order, with a comma between two;
 * - of a row, its bytes in the source if the recipe takes all columns. Otherwise the members that it
 *   takes, in the order in which the source has them, name and value as the source spells them,
 *   without white space between tokens.
 * Where the source has white space between the rows, or in a row of which members are left out, that
 * is the one thing in which the answer may differ from what the same upstream would have written.
 *
 * The source's order of members is that of upstream only if upstream wrote all columns: a source with
 * a narrower `select` may have them in the order of that. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "rows/reader.h"
#include "rows/recipe.h"

/* The most bytes that one feed takes. */
#define WRITER_PIECE_MOST ((size_t)1024 * 1024)

/* The form of the answer. */
struct writer_form {
  /* The answer states its count before the first row. */
  bool needs_count;
  /* It cannot show what stands beside the array of rows: the source must hold nothing else. */
  bool needs_plain;
  /* Before the first row and behind the last. NULL: nothing. `count`: of the rows of the answer. */
  void (*begin)(struct text *out, struct view rows, int64_t count);
  void (*end)(struct text *out);
  /* A part of the source's frame. NULL: it is left out. */
  void (*frame)(struct text *out, struct view bytes);
  /* The row that is number `index`, from 0, in the answer. Returns NULL, or a constant: why its text
   * in this form is not determined. */
  const char *(*row)(struct text *out, const struct row *row, const struct rows_recipe *recipe,
                     int64_t index)MUST_CHECK;
};

extern const struct writer_form writer_json;

struct writer;

/* `shape` (as reader_create_rows()), `form` and `recipe` with its context must outlive the writer.
 * `count`: the rows of the answer, -1 if they are not known, which a form may forbid; if it turns
 * out to be wrong, writer_finish() fails. NULL: no memory. */
struct writer *writer_create(const struct reader_shape *shape, int64_t max_depth,
                             const struct rows_recipe *recipe, const struct writer_form *form,
                             int64_t count) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void writer_release(struct writer **writer);

/* Takes the next bytes of the source, at most WRITER_PIECE_MOST. What is not pulled stays in memory,
 * TEXT_LIMIT at most. False: the answer cannot be written, and what was pulled is worthless.
 * FAULT_UPSTREAM: the source is broken. FAULT_UNAVAILABLE: it, or a row, cannot be understood
 * without a guess. FAULT_INTERNAL: no memory. */
bool writer_feed(struct writer *writer, struct view bytes, struct fault *fault) MUST_CHECK;
/* The source has ended. False: as writer_feed(). */
bool writer_finish(struct writer *writer, struct fault *fault) MUST_CHECK;

/* Copies at most `size` of the answer's next bytes; returns how many. 0: the next feed may give
 * some; after writer_finish() that was all. */
size_t writer_pull(struct writer *writer, char *buffer, size_t size);

/* Rows written so far. */
int64_t writer_results(const struct writer *writer);
/* Rows of the source so far, those that are left out among them. */
int64_t writer_source_results(const struct writer *writer);
/* True if the window is full: of the rest of the source, only the frame counts. */
bool writer_is_full(const struct writer *writer);

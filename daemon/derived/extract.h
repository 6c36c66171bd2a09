/* An answer made of one stored result: pass 1 decides, pass 2 writes. Of the derived room only.
 *
 *   extract_decide -> { extract_next }* -> extract_release
 *
 * Blocks on the disk; one thread at a time. */
#pragma once

#include "base/text.h"
#include "derive/apply.h"
#include "derived/source.h"
#include "rows/writer.h"

#define EXTRACT_MISCOUNTED "it has another number of rows than was counted"

/* Where the source's bytes come from, for pass 2. */
enum extract_way {
  EXTRACT_THROUGH,  /* they are the answer */
  EXTRACT_IN_ORDER, /* one after the other; the recipe takes its rows out of them */
  EXTRACT_GATHERED, /* what stands before the rows, the answer's rows alone, what stands behind */
};

/* Begins as {0} with these members. */
struct extract {
  struct source source; /* with its hold */
  bool may_be_cut;      /* the source: see struct derive_source; likewise: */
  int64_t cap;
  const struct reader_shape *shape; /* of the source's body */
  int64_t max_depth;
  /* Asked for each chunk of the source; false: nobody wants the answer any more, so it fails. NULL:
   * somebody does. */
  bool (*is_wanted)(void *context);
  void *context;

  /* Pass 1. */
  struct query *wanted, *stored;
  struct derive_recipe recipe;
  const struct writer_form *form;
  enum extract_way way;
  int64_t results;   /* rows of the answer; -1 until they are known */
  int64_t length;    /* of the answer, in bytes; an estimate if it was not rehearsed */
  bool is_kept;      /* all of it is in `bytes` */
  struct text bytes; /* of the answer, if it is kept */
  size_t passed;     /* of `bytes` */

  struct apply *apply;     /* of the present pass; sorted: of pass 1 */
  struct row_place *taken; /* rows that were taken in the order of the source; owned */
  size_t taken_count, taken_capacity;
  const struct row_place *places; /* gathered: of all rows of the answer; of `apply`, or `taken` */
  int64_t begin, end;             /* of the source's array of rows, in bytes; if they were judged */

  /* Pass 2. */
  struct rows_recipe rows;
  struct writer *writer;
  char *piece;      /* FLIGHT_CHUNK_SIZE bytes */
  int64_t chunk;    /* the next one, in order */
  int64_t span;     /* gathered: the number of the next piece of the source */
  int64_t from, to; /* gathered: what is left of the present piece, in bytes of the source */
  bool has_ended;   /* the writer has had all of the source */
};

/* Pass 1, from two normalized queries, which are copied: that of the answer, and that of the
 * source. POSSIBLE, or the reason why not; SOURCE and MEMORY come with a fault. */
enum derive_reason extract_decide(struct extract *extract, struct view wanted, struct view stored,
                                  struct fault *fault) MUST_CHECK;
void extract_release(struct extract *extract);
/* Frees all that both passes have made; pass 1 may run again. */
void extract_forget(struct extract *extract);

/* Pass 2: the next bytes, at most FLIGHT_CHUNK_SIZE; empty: that was all. Valid until the next
 * call. False: the rest cannot be made. */
bool extract_next(struct extract *extract, struct view *bytes, struct fault *fault) MUST_CHECK;

/* --- within extract_decide() --- */

/* Begins pass 2, or a rehearsal of it. False: no memory. */
bool extract_rewind(struct extract *extract, struct fault *fault) MUST_CHECK;
/* True if what stands beside the source's rows may be another in the answer. */
bool extract_needs_plain(const struct extract *extract);
/* The rows of the source, as they were counted when it came. */
int64_t extract_source_results(const struct extract *extract);
/* False, with a fault: nobody wants it. */
bool extract_is_wanted(const struct extract *extract, struct fault *fault) MUST_CHECK;
/* "The answer cannot be computed": FAULT_UNAVAILABLE. */
bool extract_refuse(struct fault *fault, const char *why);

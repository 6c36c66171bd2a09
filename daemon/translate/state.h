/* A translation, for the files of this room that work on it:
 *
 *   translate  its life, and the order of calls
 *   gather     the rows of a page
 *   progress   how far the answer is certain, and what a page that has ended means for it */
#pragma once

#include "rows/reader.h"
#include "translate/conditions.h"
#include "translate/links.h"
#include "translate/pages.h"
#include "translate/sort.h"
#include "translate/translate.h"

struct translation {
  const struct query *query;
  struct window window;
  int64_t offset, end;            /* of the rows that are wanted, end = offset + limit */
  unsigned shown[SCHEMA_COLUMNS]; /* v2's columns, in the order of the answer's members */
  size_t shown_count;
  uint32_t columns; /* v2's columns that are needed, a set of schema_bit() */
  struct streams streams;
  struct pages pages[STREAMS_MOST];     /* one for each stream */
  struct sort_place seen[STREAMS_MOST]; /* all its rows before that have come */
  struct sort *sort;
  int64_t cap;       /* as the pages showed it; 0: they did not */
  bool is_cap_known; /* by the caller or by them, if there is one */
  int64_t most_rows; /* of a page: the cap is no smaller */
  /* Enough rows are known to stand up to here, so that nothing behind it can be in the answer. */
  bool has_bound;
  struct sort_place bound;

  /* The present page. */
  struct reader *reader; /* NULL: there is none */
  size_t stream;
  size_t begin, group;   /* numbers of rows before it, and before its last group */
  int64_t certain;       /* rows before it */
  struct sort_place row; /* of the last row that came */
  bool is_alone;         /* it is of a phase with one stream */
  bool has_failed;
  struct fault fault;
  struct link_row made;
  struct text text;

  bool is_done;
  struct text answer;
  int64_t results;
};

/* --- gather --- */

/* What takes the rows of the present page. They are kept, or `has_failed` is set, with a fault. */
struct reader_sink gather_sink(struct translation *translation);

/* --- progress --- */

/* The stream that is furthest back; false: all have ended. */
bool progress_find(const struct translation *translation, size_t *found);
/* Rows that are certainly the first ones of the answer: nothing that is still to come stands before
 * them. */
int64_t progress_certain(const struct translation *translation);
/* The days of which the present stream still has to tell. */
struct window progress_window(const struct translation *translation);
/* The present page has ended with `rows` rows. Rows that v3 may have cut through are dropped, unless
 * what came is enough as it is. False: the translation has failed. */
bool progress_end_page(struct translation *translation, int64_t rows) MUST_CHECK;

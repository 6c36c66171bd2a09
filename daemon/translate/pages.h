/* One stream of links, page by page. Pure.
 *
 * v3 has no offset. A page is asked in an explicit order, and the next one from the last value on:
 * `gte` (or `lte`), as the rows with that value may not all have come. Those of them that came are
 * dropped, and taken whole from the next page: rows have no id, and two may be alike.
 *
 * If one value fills a page that cannot well be larger, its rows are asked for alone, in the order
 * of another column (a deeper level), and then the level above goes on behind them. If there is a
 * next column of `order_by` that v3 knows, it is that one, and the rows are all that v2 takes for
 * one value: a whole rating, a day. So it is also done if one such value has more rows than are
 * needed: in the order of the next column, not all of them have to be bought.
 *
 * A page that is as long as its limit, or as the plan's cap, may be cut: v3 cuts without a word.
 * Caps have moved, so a page of exactly as many rows as some plan gives is not taken for complete
 * either, whatever the limit: the next page tells, and if it brings more, that number is the
 * cap. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "query/columns.h"
#include "translate/level.h"
#include "translate/links.h"
#include "translate/streams.h"

#define PAGES_LEVELS_MOST 12

struct pages {
  const struct stream *stream;
  const struct columns *by; /* order_by */
  struct level levels[PAGES_LEVELS_MOST];
  size_t depth;
  bool has_ended;        /* all rows of the stream have come */
  int64_t limit;         /* of the last page; 0: there was none */
  int64_t again;         /* rows that were dropped, and come again with the next page */
  bool can_grow;         /* that is not the most that v3 gives */
  bool is_slow;          /* the last page did not help; the next one shall be larger */
  int64_t suspect;       /* rows to which the last page may have been cut; 0: it was not */
  int64_t suspect_again; /* `again` behind that page */

  /* The present page. */
  int64_t taken;       /* rows that were not dropped at once */
  bool is_uniform;     /* all of them have one value, as v3 shows it */
  bool is_one_group;   /* ... as v2 shows it */
  int64_t last, group; /* the value of the last one, and how many rows have it */
};

/* `stream` and `by` must outlive it. */
void pages_begin(struct pages *pages, const struct stream *stream, const struct columns *by);

/* The columns of v3 that a page has: a set. */
uint32_t pages_sources(const struct pages *pages);
/* Appends the filters of the next page, each with a comma in front, and its order. */
void pages_filter(const struct pages *pages, struct text *out);
void pages_order(const struct pages *pages, struct text *out);

/* The number of columns of order_by in whose order the rows come; the rows before the last one that
 * came, by these, have all come. */
size_t pages_known(const struct pages *pages);

/* The number of rows to ask for: `wanted` (at least 1) if all that come count. `cap`: that v3 gives
 * at once, 0: not known. `affordable`: -1: no bound. */
int64_t pages_limit(const struct pages *pages, int64_t wanted, int64_t cap, int64_t affordable);

/* A page with that limit is on its way. `can_grow`: a larger one could have been asked for. */
void pages_ask(struct pages *pages, int64_t limit, bool can_grow);

enum pages_row { PAGES_TAKE, PAGES_TAKE_OTHER, PAGES_SKIP };
/* Its next row. SKIP: it has come before. TAKE_OTHER: its value is another one than that of the row
 * taken before. False (FAULT_UPSTREAM): the rows are not in the order that was asked for. */
bool pages_row(struct pages *pages, const struct link *link, enum pages_row *verdict,
               struct fault *fault) MUST_CHECK;

enum pages_end {
  PAGES_COMPLETE, /* all its rows count; the level has ended */
  PAGES_CUT,      /* those with the last value do not count */
  PAGES_SPLIT,    /* none counts */
};
/* It has ended with `rows` rows in all. `may_be_cap`: no plan's cap is known, and it may be this
 * number. `has_enough`: there are more rows than are needed, and only
 * further columns of order_by keep them from being certain. *cap becomes the plan's cap, if this has
 * shown it. False: the stream cannot be paged. */
bool pages_end(struct pages *pages, int64_t rows, bool may_be_cap, bool has_enough, int64_t *cap,
               enum pages_end *end, struct fault *fault) MUST_CHECK;

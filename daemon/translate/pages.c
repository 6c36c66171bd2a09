#include "translate/pages.h"

#include "query/plans.h"

#include <inttypes.h>

/* A page of fewer rows costs little, so it is made larger before its rows are asked for in another
 * order because all of them have one value. */
#define LARGE 20

/* What v2 shows alike. */
static enum level_grouping meant_by(const struct pages *pages, const struct level *level) {
  if (level->key < 0)
    return level_shown(level);
  switch (mapping_of(pages->by->items[level->key].column->index)->way) {
  case WAY_ROUNDED:
    return GROUP_ROUNDED;
  case WAY_DAY:
    return GROUP_DAY;
  default:
    return level_shown(level);
  }
}

void pages_begin(struct pages *pages, const struct stream *stream, const struct columns *by) {
  *pages = (struct pages){.stream = stream, .by = by, .depth = 1};
  pages->levels[0] =
      (struct level){.order = stream->order, .descending = stream->descending, .key = stream->key};
}

static struct level *innermost(struct pages *pages) {
  return &pages->levels[pages->depth - 1];
}

/* True if all rows of the stream have one value in v2's column. */
static bool is_constant(const struct pages *pages, const struct column *column) {
  return column->index == SCHEMA_type && pages->stream->changes != CHANGES_BOTH;
}

size_t pages_known(const struct pages *pages) {
  size_t known = pages->stream->key < 0 ? pages->by->count : 0;
  for (size_t i = 0; i < pages->depth; i++)
    if (pages->levels[i].key >= 0)
      known = (size_t)pages->levels[i].key + 1;
  while (known < pages->by->count && is_constant(pages, pages->by->items[known].column))
    known++;
  return known;
}

/* --- what is asked --- */

uint32_t pages_sources(const struct pages *pages) {
  uint32_t sources = pages->stream->sources;
  for (size_t i = 0; i < pages->depth; i++)
    sources |= mapping_bit(pages->levels[i].order);
  return sources;
}

void pages_filter(const struct pages *pages, struct text *out) {
  for (size_t i = 0; i < pages->depth; i++)
    level_filter(&pages->levels[i], out);
}

void pages_order(const struct pages *pages, struct text *out) {
  const struct level *level = &pages->levels[pages->depth - 1];
  text_add(out, mapping_name(level->order));
  text_add(out, level->descending ? VIEW(":desc") : VIEW(":asc"));
}

static int64_t lesser(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* With one row more than come again, a page gets on. */
int64_t pages_limit(const struct pages *pages, int64_t wanted, int64_t cap, int64_t affordable) {
  int64_t limit = wanted + pages->again;
  if (pages->is_slow)
    limit = greater(limit, 2 * pages->limit);
  limit = lesser(limit, cap > 0 ? lesser(cap, QUERY_LIMIT_MAX) : QUERY_LIMIT_MAX);
  int64_t least = lesser(limit, pages->again + 1);
  return affordable < 0 ? limit : greater(least, lesser(limit, affordable));
}

/* --- its rows --- */

void pages_ask(struct pages *pages, int64_t limit, bool can_grow) {
  pages->limit = limit;
  pages->can_grow = can_grow && limit < QUERY_LIMIT_MAX;
  pages->taken = pages->group = 0;
  pages->is_uniform = pages->is_one_group = true;
}

/* Fills `value` with that of the innermost level. */
static bool read_value(const struct pages *pages, const struct link *link, int64_t *value,
                       bool *belongs, struct fault *fault) {
  *belongs = true;
  for (size_t i = 0; i < pages->depth; i++) {
    if (!links_scalar(link, pages->levels[i].order, value, fault))
      return false;
    *belongs = *belongs && level_has(&pages->levels[i], *value);
  }
  return true;
}

static enum pages_row take(struct pages *pages, int64_t value) {
  enum level_grouping meant = meant_by(pages, innermost(pages));
  bool is_other = pages->taken > 0 && value != pages->last;
  if (is_other) {
    pages->is_uniform = false;
    pages->is_one_group =
        pages->is_one_group && level_group(meant, value) == level_group(meant, pages->last);
  }
  pages->group = is_other ? 1 : pages->group + 1;
  pages->last = value;
  pages->taken++;
  return is_other ? PAGES_TAKE_OTHER : PAGES_TAKE;
}

bool pages_row(struct pages *pages, const struct link *link, enum pages_row *verdict,
               struct fault *fault) {
  const struct level *level = innermost(pages);
  int64_t value;
  bool belongs;
  *verdict = PAGES_SKIP;
  if (!read_value(pages, link, &value, &belongs, fault))
    return false;
  if (!belongs)
    return true;
  if (pages->taken && level_is_before(level, value, pages->last))
    return fault_set(fault, FAULT_UPSTREAM,
                     "the rows of upstream's answer are not in the order of '%.*s'",
                     VIEW_ARGS(mapping_name(level->order)));
  *verdict = take(pages, value);
  return true;
}

/* --- the end of a page --- */

/* The page before this one may have been cut. If this one brings more than came again, it was. */
static void learn(struct pages *pages, int64_t rows, bool may_be_cap, int64_t *cap) {
  if (pages->suspect && pages->taken > pages->suspect_again)
    *cap = pages->suspect;
  bool is_suspect = rows < pages->limit && may_be_cap && !pages->is_uniform;
  pages->suspect = is_suspect ? rows : 0;
  pages->suspect_again = pages->group;
}

/* Columns whose values differ from link to link, and are never null. */
static const enum mapping_source splitting[] = {
    SOURCE_first_seen_link, SOURCE_last_visited,       SOURCE_links_internal,
    SOURCE_links_external,  SOURCE_url_rating_source,  SOURCE_domain_rating_source,
    SOURCE_http_code,       SOURCE_ahrefs_rank_source, SOURCE_page_size,
};

static bool is_used(const struct pages *pages, enum mapping_source source) {
  for (size_t i = 0; i < pages->depth; i++)
    if (pages->levels[i].order == source)
      return true;
  return false;
}

/* One that is bought anyway, else any. MAPPING_SOURCES: none is left. */
static enum mapping_source next_order(const struct pages *pages) {
  uint32_t bought = pages_sources(pages);
  enum mapping_source best = MAPPING_SOURCES;
  for (size_t i = 0; i < sizeof splitting / sizeof *splitting; i++) {
    if (is_used(pages, splitting[i]))
      continue;
    if (bought & mapping_bit(splitting[i]))
      return splitting[i];
    if (best == MAPPING_SOURCES || splitting[i] == SOURCE_ahrefs_rank_source)
      best = splitting[i];
  }
  return best;
}

static bool push(struct pages *pages, struct level deeper, enum level_grouping grouping) {
  struct level *level = innermost(pages);
  if (pages->depth == PAGES_LEVELS_MOST)
    return false;
  level->has_group = true;
  level->is_done = false;
  level->grouping = grouping;
  level->group = level_group(grouping, pages->last);
  pages->levels[pages->depth++] = deeper;
  pages->again = 0;
  return true;
}

/* The column of v3 in whose order v2's column puts the rows of a stream. MAPPING_SOURCES: there is
 * none, or v3's order is not documented. */
static enum mapping_source order_of_key(const struct pages *pages, const struct column *column) {
  unsigned changes = pages->stream->changes;
  const struct mapping *mapping = mapping_of(column->index);
  if (mapping->way == WAY_DAY)
    return changes == CHANGES_BOTH      ? MAPPING_SOURCES
           : changes & 1u << CHANGE_NEW ? mapping->from[CHANGE_NEW]
                                        : mapping->from[CHANGE_LOST];
  bool is_ordered =
      mapping->way == WAY_ROUNDED || (mapping->way == WAY_SAME && column->type != COLUMN_BOOLEAN);
  return is_ordered ? mapping->from[CHANGE_NEW] : MAPPING_SOURCES;
}

/* By the next column of order_by. False: there is none, or v3 does not know its order. */
static bool split_by_key(struct pages *pages) {
  const struct level *level = innermost(pages);
  size_t key = (size_t)(level->key + 1);
  if (level->key < 0)
    return false;
  while (key < pages->by->count && is_constant(pages, pages->by->items[key].column))
    key++;
  if (key >= pages->by->count)
    return false;
  const struct columns_item *item = &pages->by->items[key];
  struct level deeper = {
      .order = order_of_key(pages, item->column), .descending = item->descending, .key = (int)key};
  if (deeper.order == MAPPING_SOURCES || is_used(pages, deeper.order))
    return false;
  return push(pages, deeper, meant_by(pages, level));
}

static bool split(struct pages *pages, struct fault *fault) {
  struct level deeper = {.order = next_order(pages), .key = -1};
  if (deeper.order != MAPPING_SOURCES && push(pages, deeper, level_shown(innermost(pages))))
    return true;
  return fault_set(fault, FAULT_UNTRANSLATABLE,
                   "at least %" PRId64 " links are alike in all columns that v3 can sort by, and "
                   "it gives no more at once: they cannot be told apart",
                   pages->taken);
}

static void go_on(struct pages *pages) {
  struct level *level = innermost(pages);
  level->has_from = true;
  level->from = pages->last;
  level->has_group = false;
  pages->again = pages->group;
}

/* The innermost level has ended, and with it the group of the level above. */
static void rise(struct pages *pages) {
  pages->again = 0;
  if (pages->depth == 1)
    pages->has_ended = true;
  else
    pages->levels[--pages->depth - 1].is_done = true;
}

/* All rows of the page have one value. */
static bool go_into(struct pages *pages, bool has_enough, enum pages_end *end,
                    struct fault *fault) {
  bool is_large = !pages->can_grow || pages->limit >= LARGE;
  *end = PAGES_SPLIT;
  if ((has_enough || is_large) && split_by_key(pages))
    return true;
  if (is_large)
    return split(pages, fault);
  *end = PAGES_CUT;
  pages->again = pages->limit;
  return true;
}

/* What to do after a page that may be cut. */
static bool go_behind(struct pages *pages, bool has_enough, enum pages_end *end,
                      struct fault *fault) {
  if (pages->taken && pages->is_uniform)
    return go_into(pages, has_enough, end, fault);
  *end = PAGES_CUT;
  if (pages->taken && pages->is_one_group && has_enough && split_by_key(pages))
    *end = PAGES_SPLIT;
  else if (pages->taken)
    go_on(pages);
  else if (pages->can_grow)
    pages->again = pages->limit; /* by rows at the edge of a bound that is wider than the group */
  else
    return fault_set(fault, FAULT_UPSTREAM,
                     "a page of upstream's answer has only rows that came before");
  return true;
}

bool pages_end(struct pages *pages, int64_t rows, bool may_be_cap, bool has_enough, int64_t *cap,
               enum pages_end *end, struct fault *fault) {
  may_be_cap = may_be_cap || plans_have_cap(rows);
  learn(pages, rows, may_be_cap, cap);
  if (may_be_cap || rows >= pages->limit)
    return go_behind(pages, has_enough, end, fault);
  *end = PAGES_COMPLETE;
  rise(pages);
  return true;
}

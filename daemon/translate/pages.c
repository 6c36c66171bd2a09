#include "translate/pages.h"

#include "translate/scalar.h"

/* Half of a rating's last decimal. */
#define FLOAT_MARGIN (SCALAR_ONE / 20)

void pages_begin(struct pages *pages, const struct stream *stream) {
  *pages = (struct pages){.stream = stream, .depth = 1};
  pages->levels[0] = (struct pages_level){.order = stream->order, .descending = stream->descending};
}

static struct pages_level *innermost(struct pages *pages) {
  return &pages->levels[pages->depth - 1];
}

/* --- what is asked --- */

uint32_t pages_sources(const struct pages *pages) {
  uint32_t sources = pages->stream->sources;
  for (size_t i = 0; i < pages->depth; i++)
    sources |= mapping_bit(pages->levels[i].order);
  return sources;
}

static int64_t margin_of(enum mapping_source source) {
  return mapping_type(source) == ENDPOINT_FLOAT ? FLOAT_MARGIN : 0;
}

/* A bound that is no stricter than `value`. */
static void put_bound(struct text *out, enum mapping_source source, const char *op, bool is_upper,
                      int64_t value) {
  text_printf(out, ",{\"field\":\"%.*s\",\"is\":[\"%s\",", VIEW_ARGS(mapping_name(source)), op);
  scalar_write(mapping_type(source), value, is_upper, out);
  text_add(out, VIEW("]}"));
}

/* All rows that show one value. */
static void put_group(struct text *out, const struct pages_level *level) {
  int64_t margin = margin_of(level->order);
  put_bound(out, level->order, "gte", false, level->from - margin);
  put_bound(out, level->order, "lte", true, level->from + margin);
}

static void put_rest(struct text *out, const struct pages_level *level) {
  int64_t margin = level->is_done ? 0 : margin_of(level->order);
  if (level->descending)
    put_bound(out, level->order, level->is_done ? "lt" : "lte", true, level->from + margin);
  else
    put_bound(out, level->order, level->is_done ? "gt" : "gte", false, level->from - margin);
}

void pages_filter(const struct pages *pages, struct text *out) {
  for (size_t i = 0; i + 1 < pages->depth; i++)
    put_group(out, &pages->levels[i]);
  const struct pages_level *level = &pages->levels[pages->depth - 1];
  if (level->has_from)
    put_rest(out, level);
}

void pages_order(const struct pages *pages, struct text *out) {
  const struct pages_level *level = &pages->levels[pages->depth - 1];
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
  int64_t limit = lesser(wanted + pages->again, QUERY_LIMIT_MAX);
  if (pages->is_slow || pages->depth > 1)
    limit = lesser(greater(limit, 2 * pages->limit), QUERY_LIMIT_MAX);
  if (cap > 0)
    limit = lesser(limit, cap);
  int64_t least = lesser(limit, pages->again + 1);
  return affordable < 0 ? limit : greater(least, lesser(limit, affordable));
}

/* --- its rows --- */

void pages_ask(struct pages *pages, int64_t limit) {
  pages->limit = limit;
  pages->taken = pages->group = 0;
  pages->is_uniform = true;
}

static bool is_before(const struct pages_level *level, int64_t a, int64_t b) {
  return level->descending ? a > b : a < b;
}

/* True if the row shows the values of the groups around the innermost level. */
static bool is_in_groups(const struct pages *pages, const struct link *link, bool *is_in,
                         struct fault *fault) {
  int64_t value;
  *is_in = true;
  for (size_t i = 0; i + 1 < pages->depth; i++) {
    if (!links_scalar(link, pages->levels[i].order, &value, fault))
      return false;
    *is_in = *is_in && value == pages->levels[i].from;
  }
  return true;
}

static bool has_come(const struct pages_level *level, int64_t value) {
  return level->has_from &&
         (is_before(level, value, level->from) || (level->is_done && value == level->from));
}

static enum pages_row take(struct pages *pages, int64_t value) {
  bool is_other = pages->taken > 0 && value != pages->last;
  if (!pages->taken)
    pages->first = value;
  pages->is_uniform = pages->is_uniform && !is_other;
  pages->group = is_other ? 1 : pages->group + 1;
  pages->last = value;
  pages->taken++;
  return is_other ? PAGES_TAKE_OTHER : PAGES_TAKE;
}

bool pages_row(struct pages *pages, const struct link *link, enum pages_row *verdict,
               struct fault *fault) {
  const struct pages_level *level = innermost(pages);
  int64_t value;
  bool is_in;
  *verdict = PAGES_SKIP;
  if (!is_in_groups(pages, link, &is_in, fault) || !links_scalar(link, level->order, &value, fault))
    return false;
  if (!is_in || has_come(level, value))
    return true;
  if (pages->taken && is_before(level, value, pages->last))
    return fault_set(fault, FAULT_UPSTREAM,
                     "the rows of upstream's answer are not in the order of '%.*s'",
                     VIEW_ARGS(mapping_name(level->order)));
  *verdict = take(pages, value);
  return true;
}

/* --- the end of a page --- */

/* The rows that plans have given at once: 25 and 100 to 500 (v3's reference). */
static bool is_some_cap(int64_t rows) {
  static const int64_t caps[] = {25, 100, 250, 500};
  for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
    if (rows == caps[i])
      return true;
  return false;
}

static bool may_be_cut(const struct pages *pages, int64_t rows) {
  return rows >= pages->limit || is_some_cap(rows);
}

/* The page before this one may have been cut. If this one brings more than came again, it was. */
static void learn(struct pages *pages, int64_t rows, int64_t *cap) {
  if (pages->suspect && pages->taken > pages->suspect_again)
    *cap = pages->suspect;
  bool is_short = rows < pages->limit && is_some_cap(rows);
  pages->suspect = is_short && !pages->is_uniform ? rows : 0;
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

static bool split(struct pages *pages, struct fault *fault) {
  enum mapping_source order = next_order(pages);
  if (pages->depth == PAGES_LEVELS_MOST || order == MAPPING_SOURCES)
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "more than %lld links are alike in all columns that v3 can sort by, and one "
                     "answer holds no more: they cannot be told apart",
                     (long long)pages->taken);
  struct pages_level *level = innermost(pages);
  level->has_from = true;
  level->is_done = false;
  level->from = pages->last;
  pages->levels[pages->depth++] = (struct pages_level){.order = order};
  pages->again = 0;
  return true;
}

static void go_on(struct pages *pages) {
  struct pages_level *level = innermost(pages);
  level->has_from = true;
  level->is_done = false;
  level->from = pages->last;
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

bool pages_end(struct pages *pages, int64_t rows, int64_t *cap, enum pages_end *end,
               struct fault *fault) {
  learn(pages, rows, cap);
  if (!may_be_cut(pages, rows)) {
    rise(pages);
    *end = PAGES_COMPLETE;
    return true;
  }
  if (!pages->taken)
    return fault_set(fault, FAULT_UPSTREAM,
                     "a page of upstream's answer has only rows that came before");
  *end = pages->is_uniform ? PAGES_SPLIT : PAGES_CUT;
  if (pages->is_uniform)
    return split(pages, fault);
  go_on(pages);
  return true;
}

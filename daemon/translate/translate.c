#include "query/columns.h"
#include "translate/asking.h"
#include "translate/state.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rows of the first page, if it may turn out that the query is refused. The next page goes on behind
 * them. */
#define SCOUTS 10

/* Of a page; its rows hold no lists. */
#define PAGE_DEPTH 32

/* --- its life --- */

static bool is_shown(const struct columns *select, unsigned column) {
  if (columns_are_all(select))
    return true;
  for (size_t i = 0; i < select->count; i++)
    if (select->items[i].column->index == column)
      return true;
  return false;
}

/* In the order of v2's table: queries that differ in the order of `select` share the answer. */
static void list_shown(struct translation *translation) {
  const struct columns *select = query_select(translation->query);
  for (unsigned i = 0; i < SCHEMA_COLUMNS; i++)
    if (is_shown(select, i))
      translation->shown[translation->shown_count++] = i;
}

static bool fits(const struct translation *translation, const struct translate_limits *limits) {
  size_t row = SORT_ROW_SIZE + query_order(translation->query)->count * sizeof(int64_t);
  return (uint64_t)translation->end <= limits->most / row;
}

static void begin_streams(struct translation *translation) {
  translation->streams = streams_of(translation->query, translation->window.changes);
  for (size_t i = 0; i < translation->streams.count; i++) {
    const struct stream *stream = &translation->streams.items[i];
    pages_begin(&translation->pages[i], stream, query_order(translation->query));
    translation->seen[i] = (struct sort_place){.phase = stream->phase};
  }
}

static struct translation *refuse_size(struct translation *translation, struct fault *fault) {
  fault_set(fault, FAULT_UNTRANSLATABLE,
            "offset and limit ask for %" PRId64 " rows, for which no memory is set aside "
            "(upstream.max_translated): ask for fewer",
            translation->end);
  translate_release(&translation);
  return NULL;
}

struct translation *translate_create(const struct query *query,
                                     const struct translate_limits *limits, struct fault *fault) {
  struct translation *translation = calloc(1, sizeof *translation);
  if (!translation) {
    fault_no_memory(fault);
    return NULL;
  }
  translation->query = query;
  translation->window = conditions_window(query, limits->today);
  translation->offset = query_offset(query);
  translation->end = translation->offset + query_limit(query);
  translation->columns = streams_columns(query);
  translation->answer.limit = limits->most;
  translation->most_rows = limits->proven;
  if (!fits(translation, limits))
    return refuse_size(translation, fault);
  list_shown(translation);
  begin_streams(translation);
  translation->sort = sort_create(query_order(query)->count, limits->most);
  if (!translation->sort) {
    fault_no_memory(fault);
    translate_release(&translation);
  }
  return translation;
}

size_t translate_memory(const struct translation *translation) {
  size_t rows = translation->sort ? sort_memory(translation->sort) : 0;
  return rows + translation->answer.length;
}

void translate_release(struct translation **translation) {
  struct translation *gone = *translation;
  *translation = NULL;
  if (!gone)
    return;
  reader_release(&gone->reader);
  sort_release(&gone->sort);
  text_free(&gone->text);
  text_free(&gone->answer);
  free(gone);
}

/* --- pages --- */

static bool begin_page(struct translation *translation, int64_t limit, bool can_grow,
                       struct fault *fault) {
  struct reader_shape shape = {.rows = mapping_endpoint()->rows};
  const struct reader_sink sink = gather_sink(translation);
  const struct streams *streams = &translation->streams;
  int phase = streams->items[translation->stream].phase;
  translation->reader = reader_create_rows(&shape, PAGE_DEPTH, &sink);
  if (!translation->reader)
    return fault_no_memory(fault);
  translation->is_alone = streams_in_phase(streams, phase) == 1;
  translation->begin = translation->group = sort_count(translation->sort);
  translation->row = translation->seen[translation->stream];
  pages_ask(&translation->pages[translation->stream], limit, can_grow);
  return true;
}

static int64_t smaller_cap(int64_t a, int64_t b) {
  return a > 0 && (b <= 0 || a < b) ? a : b;
}

static bool ask(struct translation *translation, int64_t wanted, int64_t cap, int64_t affordable,
                struct query **page, struct fault *fault) {
  struct pages *pages = &translation->pages[translation->stream];
  int64_t most = smaller_cap(cap, translation->cap);
  translation->is_cap_known = cap >= 0 || translation->cap > 0;
  if (!pages->limit && wanted > SCOUTS && conditions_are_doubtful(translation->query))
    wanted = SCOUTS;
  int64_t limit = pages_limit(pages, wanted, most, affordable);
  struct window window = progress_window(translation);
  if (!asking_write(translation->query, &window, pages, limit, page, fault))
    return false;
  if (begin_page(translation, limit, most <= 0 || limit < most, fault))
    return true;
  query_release(page);
  return false;
}

static bool finish(struct translation *translation, struct fault *fault) {
  text_add(&translation->answer, VIEW("{\"refpages\":["));
  translation->results =
      sort_write(translation->sort, translation->offset, translation->end, &translation->answer);
  text_add(&translation->answer, VIEW("]}"));
  translation->is_done = true;
  sort_release(&translation->sort);
  return text_ok(&translation->answer) || fault_no_memory(fault);
}

enum translate_step translate_next(struct translation *translation, int64_t cap, int64_t affordable,
                                   struct query **page, struct fault *fault) {
  CHECK(!translation->reader);
  *page = NULL;
  if (translation->has_failed) {
    *fault = translation->fault;
    return TRANSLATE_FAILED;
  }
  if (translation->is_done)
    return TRANSLATE_DONE;
  translation->certain = progress_certain(translation);
  int64_t wanted = translation->end - translation->certain;
  if (wanted <= 0 || !progress_find(translation, &translation->stream))
    return finish(translation, fault) ? TRANSLATE_DONE : TRANSLATE_FAILED;
  return ask(translation, wanted, cap, affordable, page, fault) ? TRANSLATE_ASK : TRANSLATE_FAILED;
}

static bool report(struct translation *translation, struct fault *fault) {
  translation->has_failed = true;
  *fault = translation->fault;
  return false;
}

/* What is wrong with the page so far. */
static bool check_page(struct translation *translation, struct fault *fault) {
  const char *why = reader_no_rows(translation->reader);
  if (!translation->has_failed && reader_is_error(translation->reader))
    fault_set(&translation->fault, FAULT_UPSTREAM, "upstream answered with an error");
  else if (!translation->has_failed && why)
    fault_set(&translation->fault, FAULT_UPSTREAM, "upstream's rows cannot be read: %s", why);
  else if (!translation->has_failed)
    return true;
  return report(translation, fault);
}

bool translate_feed(struct translation *translation, struct view bytes, struct fault *fault) {
  CHECK(translation->reader);
  if (!translation->has_failed && !reader_feed(translation->reader, bytes, &translation->fault))
    return report(translation, fault);
  return check_page(translation, fault);
}

bool translate_end_page(struct translation *translation, struct fault *fault) {
  CHECK(translation->reader);
  if (!translation->has_failed && !reader_finish(translation->reader, &translation->fault))
    return report(translation, fault);
  if (!check_page(translation, fault))
    return false;
  int64_t rows = reader_results(translation->reader);
  reader_release(&translation->reader);
  return progress_end_page(translation, rows) || report(translation, fault);
}

void translate_drop_page(struct translation *translation) {
  CHECK(translation->reader);
  reader_release(&translation->reader);
  sort_cut(translation->sort, translation->begin);
  translation->has_failed = false;
}

int64_t translate_cap(const struct translation *translation) {
  return translation->cap;
}

struct view translate_answer(const struct translation *translation) {
  CHECK(translation->is_done);
  return text_view(&translation->answer);
}

int64_t translate_results(const struct translation *translation) {
  return translation->results;
}

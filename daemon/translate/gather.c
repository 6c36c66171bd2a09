#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "translate/keys.h"
#include "translate/state.h"

static bool fail(struct translation *translation) {
  translation->has_failed = true;
  return false;
}

static void write_row(struct translation *translation) {
  text_clear(&translation->text);
  for (size_t i = 0; i < translation->shown_count; i++) {
    unsigned column = translation->shown[i];
    text_add(&translation->text, i ? VIEW(",\"") : VIEW("{\""));
    text_add(&translation->text, mapping_column(column));
    text_add(&translation->text, VIEW("\":"));
    text_add(&translation->text, translation->made.row.values[column].raw);
  }
  text_add_char(&translation->text, '}');
}

/* All rows of the stream before this one have come. Where no further column of the order decides,
 * any of those that tie with it may stand in their place. */
static void note_place(struct translation *translation, const int64_t *keys) {
  const struct pages *pages = &translation->pages[translation->stream];
  struct sort_place *row = &translation->row;
  row->phase = pages->stream->phase;
  row->known = pages_known(pages);
  row->is_behind = row->known == query_order(translation->query)->count;
  for (size_t i = 0; i < row->known; i++)
    row->keys[i] = keys[i];
}

static bool keep_row(struct translation *translation, const int64_t *keys) {
  write_row(translation);
  if (!text_ok(&translation->text))
    return fault_no_memory(&translation->fault);
  return sort_add(translation->sort, translation->row.phase, keys, text_view(&translation->text),
                  &translation->fault);
}

static bool refuse_open(struct translation *translation, const struct condition *open) {
  const struct value *value = &translation->made.row.values[open->column->index];
  return fault_set(&translation->fault, FAULT_UNTRANSLATABLE,
                   "it is not documented whether v2 would have taken \"%s\" to satisfy %s, and v3 "
                   "has such a row: leave the condition out, or change it",
                   FORM_SHOWN(value->text), FORM_SHOWN(open->text));
}

/* Keeps v2's row of a change, if v2 had it. */
static bool add_change(struct translation *translation, const struct link *link,
                       enum change change) {
  const struct columns *order = query_order(translation->query);
  const struct condition *open = NULL;
  int64_t keys[SCHEMA_COLUMNS];
  if (!links_make(link, change, translation->columns, &translation->made, &translation->fault))
    return false;
  enum truth truth = conditions_judge(translation->query, &translation->made.row, &open);
  if (truth == TRUTH_UNKNOWN)
    return refuse_open(translation, open);
  if (!keys_of(order, &translation->made.row, keys, &translation->fault))
    return false;
  note_place(translation, keys);
  return truth == TRUTH_FALSE || keep_row(translation, keys);
}

/* The changes of a link in the window. */
static bool add_changes(struct translation *translation, const struct link *link) {
  const struct stream *stream = &translation->streams.items[translation->stream];
  const struct window *window = &translation->window;
  for (int i = 0; i < CHANGES; i++) {
    bool happened;
    int32_t day;
    if (!(stream->changes >> i & 1))
      continue;
    if (!links_day(link, (enum change)i, &happened, &day, &translation->fault))
      return false;
    if (happened && day >= window->from && day <= window->to &&
        !add_change(translation, link, (enum change)i))
      return false;
  }
  return true;
}

/* True if what comes cannot change the answer any more. */
static bool is_sated(const struct translation *translation) {
  const struct pages *pages = &translation->pages[translation->stream];
  return translation->is_alone && pages->depth == 1 &&
         pages_known(pages) == query_order(translation->query)->count &&
         (int64_t)sort_count(translation->sort) >= translation->end;
}

static bool on_row(void *context, const struct row *row) {
  struct translation *translation = context;
  struct pages *pages = &translation->pages[translation->stream];
  enum pages_row verdict;
  struct link link;
  if (translation->has_failed || is_sated(translation))
    return false;
  if (!links_read(row, pages_sources(pages), &link, &translation->fault) ||
      !pages_row(pages, &link, &verdict, &translation->fault))
    return fail(translation);
  if (verdict == PAGES_TAKE_OTHER)
    translation->group = sort_count(translation->sort);
  return verdict == PAGES_SKIP || add_changes(translation, &link) || fail(translation);
}

static void on_frame(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

struct reader_sink gather_sink(struct translation *translation) {
  return (struct reader_sink){translation, on_frame, on_row};
}

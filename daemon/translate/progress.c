#include "query/columns.h"
#include "query/plans.h"
#include "translate/state.h"

bool progress_find(const struct translation *translation, size_t *found) {
  bool any = false;
  *found = 0;
  for (size_t i = 0; i < translation->streams.count; i++)
    if (!translation->pages[i].has_ended &&
        (!any || sort_order(&translation->seen[i], &translation->seen[*found]) < 0)) {
      *found = i;
      any = true;
    }
  return any;
}

int64_t progress_certain(const struct translation *translation) {
  size_t stream;
  if (!progress_find(translation, &stream))
    return (int64_t)sort_count(translation->sort);
  return sort_count_before(translation->sort, &translation->seen[stream]);
}

struct window progress_window(const struct translation *translation) {
  const struct stream *stream = &translation->streams.items[translation->stream];
  const struct columns *order = query_order(translation->query);
  struct window window = translation->window;
  if (!translation->has_bound || translation->bound.phase != stream->phase || stream->key < 0 ||
      order->items[stream->key].column->index != SCHEMA_date)
    return window;
  int64_t day = translation->bound.keys[stream->key];
  if (stream->descending)
    window.from = (int32_t)-day;
  else
    window.to = (int32_t)day;
  return window;
}

/* Notes how far the page has come. True if there are enough rows up to there, whatever their
 * order. */
static bool note_page(struct translation *translation) {
  struct sort_place reached = translation->row;
  translation->seen[translation->stream] = reached;
  if (!reached.known && !reached.is_behind)
    return false; /* no row has come */
  reached.is_behind = true;
  if (sort_count_before(translation->sort, &reached) < translation->end)
    return false;
  if (!translation->has_bound || sort_order(&reached, &translation->bound) < 0)
    translation->bound = reached;
  translation->has_bound = true;
  return true;
}

/* The group around a level that has ended has come, too. */
static void note_group(struct translation *translation) {
  struct sort_place *seen = &translation->seen[translation->stream];
  size_t known = pages_known(&translation->pages[translation->stream]);
  if (known >= seen->known)
    return;
  seen->known = known;
  seen->is_behind = true;
}

bool progress_end_page(struct translation *translation, int64_t rows) {
  struct pages *pages = &translation->pages[translation->stream];
  enum pages_end end;
  bool has_enough = note_page(translation);
  int64_t certain = progress_certain(translation);
  if (certain >= translation->end)
    return true;
  bool may_be_cap =
      !translation->is_cap_known && rows >= PLANS_CAP_LEAST && rows >= translation->most_rows;
  translation->most_rows = rows > translation->most_rows ? rows : translation->most_rows;
  if (!pages_end(pages, rows, may_be_cap, has_enough, &translation->cap, &end, &translation->fault))
    return false;
  pages->is_slow = end == PAGES_CUT && certain <= translation->certain;
  if (end == PAGES_COMPLETE)
    note_group(translation);
  if (end == PAGES_CUT)
    sort_cut(translation->sort, translation->group);
  if (end == PAGES_SPLIT)
    sort_cut(translation->sort, translation->begin);
  return true;
}

/* Pass 2: the answer's bytes, one after the other. */
#include "derived/extract.h"

#include "query/query.h"

#include <stdlib.h>

#define CHUNK ((int64_t)CACHE_CHUNK_SIZE)
#define PIECE FLIGHT_CHUNK_SIZE

_Static_assert(FLIGHT_CHUNK_SIZE == CACHE_CHUNK_SIZE, "a chunk of the source is one feed");

/* --- which rows --- */

static enum rows_keep keep_row(void *context, const struct row *row) {
  struct extract *extract = context;
  switch (apply_row(extract->apply, row)) {
  case APPLY_TAKE:
    return ROWS_KEEP;
  case APPLY_GIVE_UP:
    return ROWS_UNKNOWN;
  default:
    return ROWS_DROP;
  }
}

/* apply_row() also judges columns that are missing, and counts the window; where rows may stand in
 * another order, it needs to see those behind the window, too. */
static struct rows_recipe recipe_of(struct extract *extract) {
  const struct derive_recipe *recipe = &extract->recipe;
  struct rows_recipe rows = {.all_columns = recipe->all_columns,
                             .named = recipe->named,
                             .columns = recipe->columns,
                             .may_lack_columns = true,
                             .limit = -1};
  if (extract->way == EXTRACT_GATHERED)
    return rows;
  rows.needs_plain = extract_needs_plain(extract);
  rows.keep = keep_row;
  rows.context = extract;
  rows.limit = recipe->ties ? -1 : recipe->limit;
  return rows;
}

static bool begin_apply(struct extract *extract) {
  if (extract->way != EXTRACT_IN_ORDER)
    return true;
  apply_release(&extract->apply);
  extract->apply = apply_create(&extract->recipe, DERIVED_SORTING);
  return extract->apply != NULL;
}

static bool begin_writer(struct extract *extract) {
  if (extract->way == EXTRACT_THROUGH)
    return true;
  extract->rows = recipe_of(extract);
  extract->writer = writer_create(extract->shape, extract->max_depth, &extract->rows, extract->form,
                                  extract->results);
  return extract->writer != NULL;
}

bool extract_rewind(struct extract *extract, struct fault *fault) {
  writer_release(&extract->writer);
  extract->chunk = extract->span = extract->from = extract->to = 0;
  extract->has_ended = false;
  if (extract->is_kept) {
    source_forget(&extract->source);
    apply_release(&extract->apply);
    return true;
  }
  if (!extract->piece)
    extract->piece = malloc(PIECE);
  return (extract->piece && begin_apply(extract) && begin_writer(extract)) ||
         fault_no_memory(fault);
}

/* --- the source --- */

/* The next chunk; empty: there is none. */
static bool next_chunk(struct extract *extract, struct view *bytes, struct fault *fault) {
  *bytes = VIEW("");
  if (extract->chunk * CHUNK >= source_length(&extract->source))
    return true;
  return source_read(&extract->source, extract->chunk++, false, bytes, fault);
}

/* Goes on to the next piece of the source: what stands before the rows, a row, what stands behind
 * them. False: there is none. */
static bool next_span(struct extract *extract) {
  int64_t row = extract->span++ - 1;
  if (row > extract->results)
    return false;
  extract->from = row < 0 ? 0 : extract->end;
  extract->to = row < 0 ? extract->begin : source_length(&extract->source);
  if (row >= 0 && row < extract->results) {
    const struct row_place *place = &extract->places[row];
    extract->from = place->position;
    extract->to = place->position + (int64_t)place->length;
  }
  return true;
}

/* Rows from the second on have a comma before them. */
static bool wants_comma(const struct extract *extract) {
  int64_t row = extract->span - 1;
  return extract->from == extract->to && row >= 1 && row < extract->results;
}

/* Copies what one chunk has of the present piece, at most `room` bytes. 0: it cannot be read. */
static size_t copy_part(struct extract *extract, char *to, size_t room, struct fault *fault) {
  struct view bytes;
  if (!source_read(&extract->source, extract->from / CHUNK, true, &bytes, fault))
    return 0;
  bytes = view_first(view_from(bytes, (size_t)(extract->from % CHUNK)), room);
  bytes = view_first(bytes, (size_t)(extract->to - extract->from));
  memcpy(to, bytes.at, bytes.length);
  extract->from += (int64_t)bytes.length;
  return bytes.length;
}

/* The next bytes of the gathered source; empty: there are none. */
static bool next_gathered(struct extract *extract, struct view *bytes, struct fault *fault) {
  size_t length = 0;
  while (length < PIECE) {
    if (wants_comma(extract))
      extract->piece[length++] = ',';
    if (extract->from == extract->to && !next_span(extract))
      break;
    if (extract->from == extract->to || length == PIECE)
      continue;
    size_t count = copy_part(extract, extract->piece + length, PIECE - length, fault);
    if (!count)
      return false;
    length += count;
  }
  *bytes = (struct view){extract->piece, length};
  return true;
}

/* --- the writer --- */

/* As pass 1 has found it, or finds it here. */
static bool finish(struct extract *extract, struct fault *fault) {
  extract->has_ended = true;
  if (!writer_finish(extract->writer, fault))
    return false;
  bool is_counted = writer_source_results(extract->writer) == extract_source_results(extract);
  if (extract->way == EXTRACT_IN_ORDER && !is_counted)
    return extract_refuse(fault, EXTRACT_MISCOUNTED);
  extract->results = writer_results(extract->writer);
  return true;
}

static bool feed(struct extract *extract, struct fault *fault) {
  struct view bytes;
  bool gathers = extract->way == EXTRACT_GATHERED;
  if (!extract_is_wanted(extract, fault) ||
      !(gathers ? next_gathered : next_chunk)(extract, &bytes, fault))
    return false;
  return bytes.length ? writer_feed(extract->writer, bytes, fault) : finish(extract, fault);
}

static bool next_written(struct extract *extract, struct view *bytes, struct fault *fault) {
  size_t length;
  while (!(length = writer_pull(extract->writer, extract->piece, PIECE)) && !extract->has_ended)
    if (!feed(extract, fault))
      return false;
  *bytes = (struct view){extract->piece, length};
  return true;
}

bool extract_next(struct extract *extract, struct view *bytes, struct fault *fault) {
  if (extract->is_kept) {
    *bytes = view_first(view_from(text_view(&extract->bytes), extract->passed), PIECE);
    extract->passed += bytes->length;
    return true;
  }
  return (extract->way == EXTRACT_THROUGH ? next_chunk : next_written)(extract, bytes, fault);
}

/* Pass 1: can the answer be made of this result, and of which of its rows? */
#include "derived/extract.h"

#include "base/scope.h"
#include "query/query.h"
#include "render/php.h"

#include <stdlib.h>

/* --- rules --- */

static const struct writer_form *const forms[] = {
    [QUERY_JSON] = &writer_json, [QUERY_PHP] = &php_form};

static enum extract_way way_of(const struct extract *extract) {
  if (extract->recipe.changes_nothing && extract->form == &writer_json)
    return EXTRACT_THROUGH;
  return extract->recipe.order ? EXTRACT_GATHERED : EXTRACT_IN_ORDER;
}

int64_t extract_source_results(const struct extract *extract) {
  return cache_hold_entry(extract->source.hold)->results;
}

/* True if rows of the source may be missing in the answer, or stand elsewhere. */
static bool selects_rows(const struct extract *extract) {
  const struct derive_recipe *recipe = &extract->recipe;
  return recipe->filter_count || recipe->part_count || recipe->order || recipe->offset ||
         recipe->limit < extract_source_results(extract);
}

bool extract_needs_plain(const struct extract *extract) {
  const struct derive_recipe *recipe = &extract->recipe;
  return selects_rows(extract) || (recipe->endpoint && !recipe->changes_nothing);
}

static enum derive_reason take_rules(struct extract *extract, struct view wanted,
                                     struct view stored, struct fault *fault) {
  if (!query_parse_normal(wanted, &extract->wanted, fault) ||
      !query_parse_normal(stored, &extract->stored, fault))
    return DERIVE_SOURCE;
  const struct cache_entry *entry = cache_hold_entry(extract->source.hold);
  const struct derive_source source = {.query = extract->stored,
                                       .results = entry->results,
                                       .may_be_cut = extract->may_be_cut || entry->may_be_cut,
                                       .cap = extract->cap,
                                       .since =
                                           derived_since(entry->cost.currency, entry->answered_at)};
  enum derive_reason reason = rules_derive(extract->wanted, &source, &extract->recipe);
  if (reason != DERIVE_POSSIBLE)
    return reason;
  extract->form = forms[query_output(extract->wanted)];
  extract->way = way_of(extract);
  extract->results = -1;
  return DERIVE_POSSIBLE;
}

void extract_release(struct extract *extract) {
  writer_release(&extract->writer);
  apply_release(&extract->apply);
  query_release(&extract->wanted);
  query_release(&extract->stored);
  source_release(&extract->source);
  text_free(&extract->bytes);
  free(extract->taken);
  extract->taken = NULL;
  free(extract->piece);
  extract->piece = NULL;
}

void extract_forget(struct extract *extract) {
  struct extract again = {.source = {.hold = steal(extract->source.hold)},
                          .may_be_cut = extract->may_be_cut,
                          .cap = extract->cap,
                          .shape = extract->shape,
                          .max_depth = extract->max_depth,
                          .is_wanted = extract->is_wanted,
                          .context = extract->context};
  extract_release(extract);
  *extract = again;
}

/* --- the rows, without an answer --- */

/* The most places that are noted. If more rows are taken, pass 2 reads all rows again. */
#define PLACES (DERIVED_SORTING / sizeof(struct row_place))

static void note_place(struct extract *extract, const struct row *row) {
  if (extract->taken_count == extract->taken_capacity) {
    size_t capacity = extract->taken_capacity ? 2 * extract->taken_capacity : 64;
    size_t size = capacity * sizeof *extract->taken;
    struct row_place *grown = capacity > PLACES ? NULL : realloc(extract->taken, size);
    if (!grown)
      return;
    extract->taken = grown;
    extract->taken_capacity = capacity;
  }
  extract->taken[extract->taken_count++] = (struct row_place){row->position, row->raw.length};
}

static bool on_row(void *context, const struct row *row) {
  struct extract *extract = context;
  enum apply_verdict verdict = apply_row(extract->apply, row);
  if (verdict == APPLY_TAKE)
    note_place(extract, row);
  return verdict < APPLY_ENOUGH;
}

static void on_frame(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

bool extract_refuse(struct fault *fault, const char *why) {
  return fault_set(fault, FAULT_UNAVAILABLE, "the answer cannot be computed: %s", why);
}

/* Why the source, which was read to its end, is not one that rows can be taken out of. */
static const char *flaw(const struct extract *extract, const struct reader *reader) {
  if (reader_is_error(reader))
    return "it is an error";
  if (reader_no_rows(reader))
    return reader_no_rows(reader);
  if (extract_needs_plain(extract) && !reader_is_plain(reader))
    return "something stands beside the rows";
  if (reader_results(reader) != extract_source_results(extract))
    return EXTRACT_MISCOUNTED;
  return NULL;
}

bool extract_is_wanted(const struct extract *extract, struct fault *fault) {
  return !extract->is_wanted || extract->is_wanted(extract->context) ||
         extract_refuse(fault, "nobody reads it");
}

static bool feed_all(struct extract *extract, struct reader *reader, struct fault *fault) {
  struct view bytes;
  int64_t length = source_length(&extract->source);
  bool keep = source_is_small(&extract->source);
  for (int64_t at = 0; at < length; at += (int64_t)CACHE_CHUNK_SIZE)
    if (!extract_is_wanted(extract, fault) ||
        !source_read(&extract->source, at / (int64_t)CACHE_CHUNK_SIZE, keep, &bytes, fault) ||
        !reader_feed(reader, bytes, fault) || apply_reason(extract->apply) != DERIVE_POSSIBLE)
      return false;
  return reader_finish(reader, fault);
}

/* Where the rows lie, for gathering them; without an array all of the source stands before them. */
static void place_rows(struct extract *extract, const struct reader *reader) {
  if (!reader_rows_place(reader, &extract->begin, &extract->end))
    extract->begin = extract->end = source_length(&extract->source);
  if (extract->recipe.order)
    extract->places = apply_places(extract->apply);
  else if ((int64_t)extract->taken_count == extract->results)
    extract->places = extract->taken;
  /* Without a row there are no places. */
  if (extract->places || !extract->results)
    extract->way = EXTRACT_GATHERED;
}

static bool judge_with(struct extract *extract, struct reader *reader, struct fault *fault) {
  if (!feed_all(extract, reader, fault))
    return false;
  const char *why = flaw(extract, reader);
  if (why)
    return extract_refuse(fault, why);
  if (!apply_finish(extract->apply))
    return false;
  extract->results = apply_results(extract->apply);
  place_rows(extract, reader);
  return true;
}

/* Reads all rows, and decides. */
static bool judge_rows(struct extract *extract, struct fault *fault) {
  struct reader_sink sink = {extract, on_frame, on_row};
  extract->apply = apply_create(&extract->recipe, DERIVED_SORTING);
  struct reader *reader = reader_create_rows(extract->shape, extract->max_depth, &sink);
  bool ok = extract->apply && reader ? judge_with(extract, reader, fault) : fault_no_memory(fault);
  reader_release(&reader);
  return ok;
}

/* --- the answer, ahead of its readers --- */

/* Adds what it writes to `out`, as long as there is room, and counts it. */
static bool write_all(struct extract *extract, struct text *out, struct fault *fault) {
  struct view bytes;
  if (!extract_rewind(extract, fault))
    return false;
  extract->length = 0;
  while (extract_next(extract, &bytes, fault)) {
    if (!bytes.length)
      return true;
    text_add(out, bytes);
    extract->length += (int64_t)bytes.length;
  }
  return false;
}

/* A rehearsal of pass 2, which finds whatever cannot be written. An answer that is not too long is
 * kept: then pass 2 only hands it out. */
static bool rehearse(struct extract *extract, struct fault *fault) {
  struct text out = {.limit = DERIVED_ANSWER};
  bool ok = write_all(extract, &out, fault);
  extract->is_kept = ok && text_ok(&out);
  if (extract->is_kept)
    extract->bytes = out;
  else
    text_free(&out);
  return ok;
}

/* The length of a gathered answer: about that of its rows. */
static int64_t measure(const struct extract *extract) {
  int64_t length = 0;
  for (int64_t i = 0; i < extract->results; i++)
    length += (int64_t)extract->places[i].length;
  return length;
}

/* A long answer that needs no rehearsal: its bytes are those of the source. */
static bool is_certain(struct extract *extract) {
  bool gathers = extract->way == EXTRACT_GATHERED;
  extract->length = gathers ? measure(extract) : source_length(&extract->source);
  return extract->length > (int64_t)DERIVED_ANSWER && extract->recipe.all_columns &&
         extract->form == &writer_json;
}

static bool decide(struct extract *extract, struct fault *fault) {
  bool through = extract->way == EXTRACT_THROUGH, gathers = extract->way == EXTRACT_GATHERED;
  if (through)
    extract->results = extract_source_results(extract);
  if ((gathers || extract->form->needs_count) && !judge_rows(extract, fault))
    return false;
  if ((through || gathers) && is_certain(extract))
    return extract_rewind(extract, fault);
  return rehearse(extract, fault) && extract_rewind(extract, fault);
}

enum derive_reason extract_decide(struct extract *extract, struct view wanted, struct view stored,
                                  struct fault *fault) {
  enum derive_reason reason = take_rules(extract, wanted, stored, fault);
  if (reason != DERIVE_POSSIBLE || decide(extract, fault))
    return reason;
  reason = extract->apply ? apply_reason(extract->apply) : DERIVE_POSSIBLE;
  if (reason == DERIVE_MEMORY)
    fault_no_memory(fault);
  return reason == DERIVE_POSSIBLE ? DERIVE_SOURCE : reason;
}

#include "derive/apply.h"

#include "base/text.h"
#include "derive/filter_judge.h"
#include "derive/judge.h"
#include "derive/sorter.h"
#include "derive/ties.h"

#include <stdlib.h>

struct apply {
  const struct derive_recipe *recipe;
  struct sorter *sorter; /* NULL: the rows keep their order */
  struct value *key;     /* of the present row */
  struct ties *ties;     /* NULL: no row may stand elsewhere */
  struct text shown;     /* what the client sees of the present row */
  int64_t passed;        /* rows that satisfy the conditions */
  bool has_enough;
  int64_t results;
  enum derive_reason reason;
};

static int64_t window_end(const struct derive_recipe *recipe) {
  return recipe->offset + recipe->limit;
}

static bool prepare_sorting(struct apply *apply, size_t most) {
  const struct derive_recipe *recipe = apply->recipe;
  apply->sorter = sorter_create(recipe->order, recipe->offset, window_end(recipe), most);
  apply->key = calloc(recipe->order->count + 1, sizeof *apply->key);
  return apply->sorter && apply->key;
}

struct apply *apply_create(const struct derive_recipe *recipe, size_t most) {
  struct apply *apply = calloc(1, sizeof *apply);
  if (!apply)
    return NULL;
  apply->recipe = recipe;
  if (recipe->ties)
    apply->ties = ties_create(recipe->ties, recipe->endpoint);
  if ((recipe->order && !prepare_sorting(apply, most)) || (recipe->ties && !apply->ties))
    apply_release(&apply);
  return apply;
}

void apply_release(struct apply **apply) {
  struct apply *gone = *apply;
  *apply = NULL;
  if (!gone)
    return;
  sorter_release(&gone->sorter);
  ties_release(&gone->ties);
  free(gone->key);
  text_free(&gone->shown);
  free(gone);
}

/* False as soon as one condition is; what comes first does not matter. */
static enum truth satisfies(const struct derive_recipe *recipe, const struct row *row) {
  enum truth all = TRUTH_TRUE;
  for (size_t i = 0; all != TRUTH_FALSE && i < recipe->filter_count; i++) {
    enum truth one = judge_row(recipe->filter[i], row);
    all = one < all ? one : all;
  }
  for (size_t i = 0; all != TRUTH_FALSE && i < recipe->part_count; i++) {
    enum truth one = filter_judge_row(recipe->parts[i], recipe->endpoint, row);
    all = one < all ? one : all;
  }
  return all;
}

static bool lacks_name(const struct columns *named, const struct row *row) {
  for (size_t i = 0; i < named->count; i++)
    if (row_value(row, named->items[i].name)->kind == VALUE_ABSENT)
      return true;
  return false;
}

/* A member that is selected and not there: upstream may show it as null, or not at all. */
static bool lacks_column(const struct derive_recipe *recipe, const struct row *row) {
  if (recipe->named)
    return lacks_name(recipe->named, row);
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++)
    if ((recipe->columns >> i & 1) && row->values[i].kind == VALUE_ABSENT)
      return true;
  return false;
}

static enum apply_verdict give_up(struct apply *apply, enum derive_reason reason) {
  apply->reason = reason;
  return APPLY_GIVE_UP;
}

/* --- what the client sees --- */

static void show_named(struct text *shown, const struct columns *named, const struct row *row) {
  for (size_t i = 0; i < named->count; i++) {
    text_add(shown, row_value(row, named->items[i].name)->raw);
    text_add_char(shown, ','); /* no JSON text ends with one */
  }
}

static void show(struct text *shown, const struct derive_recipe *recipe, const struct row *row) {
  CHECK(row->raw.length > 0);
  text_clear(shown);
  if (recipe->all_columns)
    text_add(shown, row->raw);
  if (recipe->named)
    show_named(shown, recipe->named, row);
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++)
    if (recipe->columns >> i & 1) {
      text_add(shown, row->values[i].raw);
      text_add_char(shown, ',');
    }
}

/* --- in the order of the source --- */

static bool is_full(const struct apply *apply) {
  return apply->passed >= window_end(apply->recipe);
}

/* A row may have to stand before the last one: it is then not certain which rows come, and how. */
static enum apply_verdict place(struct apply *apply, const struct row *row) {
  show(&apply->shown, apply->recipe, row);
  if (!text_ok(&apply->shown))
    return give_up(apply, DERIVE_MEMORY);
  struct digest shown = digest_sha256(text_view(&apply->shown));
  enum tie tie = ties_find(apply->ties, row, &shown);
  if (tie == TIE_OPEN)
    return give_up(apply, DERIVE_TIE);
  if (is_full(apply))
    return tie == TIE_SAME ? APPLY_LEAVE : APPLY_ENOUGH;
  return ties_keep(apply->ties, row, &shown) ? APPLY_TAKE : give_up(apply, DERIVE_MEMORY);
}

/* A row of the source that satisfies the conditions. */
static enum apply_verdict take(struct apply *apply, const struct row *row) {
  enum apply_verdict verdict = apply->ties ? place(apply, row) : APPLY_TAKE;
  if (verdict != APPLY_TAKE || apply->passed++ < apply->recipe->offset)
    return verdict == APPLY_TAKE ? APPLY_LEAVE : verdict;
  if (lacks_column(apply->recipe, row))
    return give_up(apply, DERIVE_ROW);
  apply->results++;
  return APPLY_TAKE;
}

static enum apply_verdict pass(struct apply *apply, const struct row *row) {
  enum truth truth = satisfies(apply->recipe, row);
  if (truth == TRUTH_UNKNOWN && !is_full(apply))
    return give_up(apply, DERIVE_ROW);
  return truth == TRUTH_FALSE ? APPLY_LEAVE : take(apply, row);
}

/* --- sorted --- */

static enum apply_verdict hold(struct apply *apply, const struct row *row) {
  enum truth truth = satisfies(apply->recipe, row);
  if (truth == TRUTH_FALSE)
    return APPLY_LEAVE;
  const struct columns *order = apply->recipe->order;
  for (size_t i = 0; i < order->count; i++)
    apply->key[i] = row->values[order->items[i].column->index];
  if (sorter_is_behind(apply->sorter, apply->key))
    return APPLY_LEAVE;
  show(&apply->shown, apply->recipe, row);
  if (!text_ok(&apply->shown))
    return give_up(apply, DERIVE_MEMORY);
  struct sorter_row held = {{row->position, row->raw.length},
                            apply->key,
                            digest_sha256(text_view(&apply->shown)),
                            truth == TRUTH_UNKNOWN || lacks_column(apply->recipe, row)};
  enum derive_reason reason = sorter_add(apply->sorter, &held);
  return reason == DERIVE_POSSIBLE ? APPLY_HOLD : give_up(apply, reason);
}

/* --- both --- */

enum apply_verdict apply_row(struct apply *apply, const struct row *row) {
  CHECK(apply->reason == DERIVE_POSSIBLE);
  if (apply->has_enough || (!apply->sorter && !apply->ties && is_full(apply)))
    return APPLY_ENOUGH;
  enum apply_verdict verdict = (apply->sorter ? hold : pass)(apply, row);
  apply->has_enough = verdict == APPLY_ENOUGH;
  return verdict;
}

bool apply_finish(struct apply *apply) {
  if (apply->sorter && apply->reason == DERIVE_POSSIBLE) {
    size_t count;
    apply->reason = sorter_finish(apply->sorter);
    sorter_places(apply->sorter, &count);
    apply->results = (int64_t)count;
  }
  return apply->reason == DERIVE_POSSIBLE;
}

int64_t apply_results(const struct apply *apply) {
  return apply->results;
}

const struct row_place *apply_places(const struct apply *apply) {
  size_t count;
  CHECK(apply->sorter);
  return sorter_places(apply->sorter, &count);
}

enum derive_reason apply_reason(const struct apply *apply) {
  return apply->reason;
}

#include "derive/rules.h"

#include "base/check.h"
#include "base/num.h"
#include "derive/call_rules.h"
#include "derive/imply.h"
#include "derive/judge.h"
#include "query/columns.h"
#include "query/form.h"
#include "query/query.h"

/* --- subject --- */

static bool has_same_subject(const struct query *a, const struct query *b) {
  return query_table(a) == QUERY_BACKLINKS_NEW_LOST && query_table(b) == query_table(a) &&
         query_mode(a) != QUERY_MODE_UNKNOWN && query_mode(a) == query_mode(b) &&
         view_equal(query_target_text(a), query_target_text(b));
}

static bool has_form(const struct query *wanted, const struct query *source) {
  bool is_computed = query_output(wanted) == QUERY_JSON || query_output(wanted) == QUERY_PHP;
  return is_computed && query_output(source) == QUERY_JSON;
}

static bool has_unknown_parameters(const struct query *query) {
  const struct form_pair *rest[QUERY_PARAMETERS_MAX];
  return query_rest(query, rest) > 0;
}

/* A limit of 0 may mean none, or no limit. */
static bool has_sound_limit(const struct query *wanted, const struct derive_source *source) {
  return query_limit(wanted) > 0 && query_limit(source->query) > 0 && source->results >= 0 &&
         source->results <= query_limit(source->query);
}

/* --- columns --- */

static bool has_name(const struct columns *columns, struct view name) {
  for (size_t i = 0; i < columns->count; i++)
    if (view_equal(columns->items[i].name, name))
      return true;
  return false;
}

/* `a` and `b` list the same names, none of them twice. */
static bool has_same_names(const struct columns *a, const struct columns *b) {
  for (size_t i = 0; i < a->count; i++)
    if (!has_name(b, a->items[i].name))
      return false;
  return a->count == b->count;
}

static bool selects_the_same(const struct columns *a, const struct columns *b) {
  if (columns_are_all(a) || columns_are_all(b))
    return columns_are_all(a) && columns_are_all(b);
  return a->parsed && b->parsed ? has_same_names(a, b)
                                : a->parsed == b->parsed && view_equal(a->raw, b->raw);
}

/* Every column of the schema that a source selects. */
static uint32_t bits_of(const struct columns *select) {
  uint32_t bits = 0;
  if (columns_are_all(select))
    return (UINT32_C(1) << SCHEMA_COLUMNS) - 1;
  for (size_t i = 0; i < select->count; i++)
    if (select->items[i].column)
      bits |= schema_bit(select->items[i].column);
  return bits;
}

/* `*` among other names, or an unknown name, stays upstream's business. */
static bool are_all_known(const struct columns *columns) {
  for (size_t i = 0; i < columns->count; i++)
    if (!columns->items[i].column)
      return false;
  return columns->parsed;
}

bool rules_columns(const struct columns *select, uint32_t *columns) {
  bool are_listed = !columns_are_all(select) && are_all_known(select);
  *columns = are_listed ? bits_of(select) : 0;
  return are_listed;
}

static bool take_columns(const struct query *wanted, const struct query *source,
                         struct derive_recipe *recipe) {
  const struct columns *select = query_select(wanted);
  recipe->all_columns = selects_the_same(select, query_select(source));
  if (recipe->all_columns)
    return true;
  bool are_known = rules_columns(select, &recipe->columns);
  recipe->needed = recipe->columns;
  return are_known;
}

static bool has_columns(const struct query *source, uint32_t needed) {
  return (needed & ~bits_of(query_select(source))) == 0;
}

/* --- conditions --- */

/* The two sets of a query. */
struct sets {
  const struct conditions *of[2];
};

static struct sets sets_of(const struct query *query) {
  return (struct sets){{query_where(query), query_having(query)}};
}

static bool is_text(const struct conditions *set) {
  return set->present && !set->parsed;
}

/* A set that was not understood must be there as the same text. */
static bool has_text(const struct sets *sets, const struct conditions *set) {
  for (size_t i = 0; i < 2; i++)
    if (is_text(sets->of[i]) && view_equal(sets->of[i]->raw, set->raw))
      return true;
  return false;
}

static bool has_texts_of(const struct sets *sets, const struct sets *other) {
  for (size_t i = 0; i < 2; i++)
    if (is_text(other->of[i]) && !has_text(sets, other->of[i]))
      return false;
  return true;
}

typedef bool relation(const struct condition *a, const struct condition *b);

/* A condition of `sets` that stands in a relation to `one` on its right. */
static const struct condition *find(const struct sets *sets, relation *holds,
                                    const struct condition *one) {
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < sets->of[i]->count; j++)
      if (holds(&sets->of[i]->items[j], one))
        return &sets->of[i]->items[j];
  return NULL;
}

/* True if every condition of `other` has one in `sets` that stands in the relation to it. */
static bool covers(const struct sets *sets, relation *holds, const struct sets *other) {
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < other->of[i]->count; j++)
      if (!find(sets, holds, &other->of[i]->items[j]))
        return false;
  return true;
}

static void add_filter(struct derive_recipe *recipe, const struct condition *condition) {
  CHECK(recipe->filter_count < sizeof recipe->filter / sizeof *recipe->filter);
  recipe->filter[recipe->filter_count++] = condition;
  recipe->needed |= schema_bit(condition->column);
}

/* Takes the conditions of `wanted` that `source` lacks. False: one of them cannot be judged. */
static bool take_filter(const struct sets *wanted, const struct sets *source,
                        struct derive_recipe *recipe) {
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < wanted->of[i]->count; j++) {
      const struct condition *one = &wanted->of[i]->items[j];
      if (find(source, imply_same, one))
        continue;
      if (!judge_accepts(one))
        return false;
      add_filter(recipe, one);
    }
  return has_texts_of(source, wanted);
}

static enum derive_reason take_conditions(const struct sets *wanted, const struct sets *source,
                                          struct derive_recipe *recipe) {
  if (!take_filter(wanted, source, recipe))
    return DERIVE_CONDITION;
  if (!covers(wanted, imply_condition, source) || !has_texts_of(wanted, source))
    return DERIVE_NARROWER;
  return DERIVE_POSSIBLE;
}

/* --- the period --- */

/* True if a row that satisfies the condition is of a day after `day`. */
static bool is_after(const struct condition *one, int32_t day) {
  int32_t bound;
  bool is_bound = one->op == CONDITION_EQ || one->op == CONDITION_GT || one->op == CONDITION_GE;
  return one->column && one->column->index == SCHEMA_date && is_bound && judge_accepts(one) &&
         num_date(one->value, &bound) && bound > day;
}

static bool are_after(const struct sets *sets, int32_t day) {
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < sets->of[i]->count; j++)
      if (is_after(&sets->of[i]->items[j], day))
        return true;
  return false;
}

static bool has_bound(const struct sets *sets) {
  return are_after(sets, NUM_FIRST_DAY - 1);
}

/* A query without a lower bound has the source's period, if that has none either. */
static bool has_period(const struct sets *wanted, const struct sets *theirs, int32_t since) {
  return since == 0 || has_bound(theirs) || !has_bound(wanted) || are_after(wanted, since);
}

/* --- order and window --- */

static bool orders_the_same(const struct columns *a, const struct columns *b) {
  if (!a->parsed || !b->parsed)
    return a->present == b->present && a->parsed == b->parsed && view_equal(a->raw, b->raw);
  for (size_t i = 0; i < a->count && i < b->count; i++)
    if (!view_equal(a->items[i].name, b->items[i].name) ||
        a->items[i].descending != b->items[i].descending)
      return false;
  return a->count == b->count;
}

static bool has_repetition(const struct columns *order) {
  for (size_t i = 0; i < order->count; i++)
    for (size_t j = 0; j < i; j++)
      if (order->items[i].column == order->items[j].column)
        return true;
  return false;
}

/* Without order_by upstream's order is not known; then `order` has no items, and all rows tie. */
static bool take_order(const struct columns *order, struct derive_recipe *recipe) {
  recipe->order = order;
  if (!order->present)
    return true;
  recipe->needed |= bits_of(order);
  return are_all_known(order) && !has_repetition(order);
}

static bool reaches_end(const struct derive_source *source) {
  return source->results < query_limit(source->query) && !source->may_be_cut;
}

bool rules_is_complete(const struct derive_source *source) {
  return reaches_end(source) && query_offset(source->query) == 0;
}

/* The windows of two queries for the same rows in the same order. */
static bool has_window(const struct query *wanted, const struct derive_source *source) {
  int64_t begin = query_offset(source->query), end = begin + source->results;
  int64_t first = query_offset(wanted);
  return first >= begin && (reaches_end(source) || first + query_limit(wanted) <= end);
}

/* Conditions and order are those of the source: the answer is a part of it. */
static enum derive_reason take_part(const struct query *wanted, const struct derive_source *source,
                                    struct derive_recipe *recipe) {
  if (!has_window(wanted, source))
    return DERIVE_WINDOW;
  recipe->offset -= query_offset(source->query);
  recipe->changes_nothing =
      recipe->all_columns && recipe->offset == 0 && recipe->limit >= source->results;
  return DERIVE_POSSIBLE;
}

static enum derive_reason take_rows(const struct query *wanted, const struct derive_source *source,
                                    struct derive_recipe *recipe) {
  bool same_order = orders_the_same(query_order(wanted), query_order(source->query));
  recipe->offset = query_offset(wanted);
  recipe->limit = query_limit(wanted);
  /* All conditions of the query are the source's; those of the source are implied by them, but
   * another condition that is implied is one more all the same. */
  struct sets theirs = sets_of(source->query), ours = sets_of(wanted);
  bool same_rows = recipe->filter_count == 0 && covers(&ours, imply_same, &theirs);
  if (same_order && same_rows)
    return take_part(wanted, source, recipe);
  if (!rules_is_complete(source))
    return DERIVE_INCOMPLETE;
  return same_order || take_order(query_order(wanted), recipe) ? DERIVE_POSSIBLE : DERIVE_ORDER;
}

static enum derive_reason check_subject(const struct query *wanted,
                                        const struct derive_source *source) {
  if (!has_same_subject(wanted, source->query))
    return DERIVE_SUBJECT;
  if (!has_form(wanted, source->query))
    return DERIVE_FORM;
  if (has_unknown_parameters(wanted) || has_unknown_parameters(source->query))
    return DERIVE_PARAMETERS;
  return has_sound_limit(wanted, source) ? DERIVE_POSSIBLE : DERIVE_LIMIT;
}

enum derive_reason rules_derive(const struct query *wanted, const struct derive_source *source,
                                struct derive_recipe *recipe) {
  *recipe = (struct derive_recipe){0};
  if (query_call(wanted))
    return call_rules_derive(wanted, source, recipe);
  enum derive_reason reason = check_subject(wanted, source);
  if (reason == DERIVE_POSSIBLE && !take_columns(wanted, source->query, recipe))
    reason = DERIVE_COLUMNS;
  struct sets ours = sets_of(wanted), theirs = sets_of(source->query);
  if (reason == DERIVE_POSSIBLE)
    reason = take_conditions(&ours, &theirs, recipe);
  if (reason == DERIVE_POSSIBLE && !has_period(&ours, &theirs, source->since))
    reason = DERIVE_PERIOD;
  if (reason == DERIVE_POSSIBLE)
    reason = take_rows(wanted, source, recipe);
  if (reason == DERIVE_POSSIBLE && !has_columns(source->query, recipe->needed))
    reason = DERIVE_COLUMNS;
  return reason;
}

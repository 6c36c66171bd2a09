#include "derive/call_rules.h"

#include "base/digest.h"
#include "derive/filter_judge.h"
#include "query/call.h"
#include "query/plans.h"
#include "query/query.h"

#define CAP_STEP 500 /* plans that are not known may give a multiple of it at once */

/* --- subject --- */

static bool has_same_subject(const struct query *a, const struct query *b) {
  struct digest ours, theirs;
  return query_subject(a, &ours) && query_subject(b, &theirs) && digest_equal(&ours, &theirs);
}

static enum derive_reason check_subject(const struct query *wanted,
                                        const struct derive_source *source) {
  const struct call *call = query_call(wanted), *other = query_call(source->query);
  if (!other || !call->endpoint || call->endpoint != other->endpoint ||
      !has_same_subject(wanted, source->query))
    return DERIVE_ENDPOINT;
  if (query_output(wanted) != QUERY_JSON || query_output(source->query) != QUERY_JSON)
    return DERIVE_FORM;
  bool has_limits = call->limit > 0 && other->limit > 0 && source->results >= 0;
  return has_limits && source->results <= other->limit ? DERIVE_POSSIBLE : DERIVE_LIMIT;
}

/* True if both have the parameter with one value, or neither has it. */
static bool has_same(const struct call *a, const struct call *b, const char *name) {
  struct view ours = call_value(a, name), theirs = call_value(b, name);
  return !ours.at == !theirs.at && view_equal(ours, theirs);
}

/* --- columns --- */

static bool has_name(const struct columns *columns, struct view name) {
  for (size_t i = 0; i < columns->count; i++)
    if (view_equal(columns->items[i].name, name))
      return true;
  return false;
}

/* Names that are not in the table may stand for anything. */
static bool is_part(const struct call *wanted, const struct call *source) {
  const struct columns *select = &wanted->select;
  for (size_t i = 0; i < select->count; i++) {
    struct view name = select->items[i].name;
    const struct endpoint_column *column = endpoint_column(wanted->endpoint, name);
    if (!column || !column->selectable || !has_name(&source->select, name))
      return false;
  }
  return select->parsed && source->select.parsed && select->count > 0;
}

static bool take_columns(const struct call *wanted, const struct call *source,
                         struct derive_recipe *recipe) {
  recipe->all_columns = has_same(wanted, source, "select");
  if (recipe->all_columns)
    return true;
  recipe->named = &wanted->select;
  return is_part(wanted, source);
}

/* --- where --- */

/* The parts of a filter of which each must hold. */
struct parts {
  struct filter *const *at;
  size_t count;
};

static struct parts parts_of(struct filter *const *filter) {
  if (!*filter)
    return (struct parts){0};
  bool is_and = (*filter)->kind == FILTER_AND;
  return is_and ? (struct parts){(*filter)->parts, (*filter)->count} : (struct parts){filter, 1};
}

static bool has_part(struct parts parts, const struct filter *one) {
  for (size_t i = 0; i < parts.count; i++)
    if (view_equal(parts.at[i]->text, one->text))
      return true;
  return false;
}

static bool has_parts(struct parts parts, struct parts others) {
  for (size_t i = 0; i < others.count; i++)
    if (!has_part(parts, others.at[i]))
      return false;
  return true;
}

struct source_columns {
  const struct call *source;
  bool has_all;
};

static void check_field(void *context, struct view field) {
  struct source_columns *columns = context;
  columns->has_all = columns->has_all && has_name(&columns->source->select, field);
}

static enum derive_reason take_part(const struct call *source, const struct filter *part,
                                    struct derive_recipe *recipe) {
  struct source_columns columns = {source, source->select.parsed};
  if (recipe->part_count == DERIVE_PARTS_MOST || !filter_judge_accepts(part, source->endpoint))
    return DERIVE_CONDITION;
  filter_each_field(part, check_field, &columns);
  recipe->parts[recipe->part_count++] = part;
  return columns.has_all ? DERIVE_POSSIBLE : DERIVE_COLUMNS;
}

/* True if the filter is understood, and not so long that rows would take too long to judge. */
static bool is_short(const struct call *call) {
  return call->where ? filter_count(call->where) <= QUERY_CONDITIONS_MAX : !call->has_where;
}

/* Takes the parts of the wanted filter that the source lacks. */
static enum derive_reason take_parts(const struct call *wanted, const struct call *source,
                                     struct derive_recipe *recipe) {
  struct parts ours = parts_of(&wanted->where), theirs = parts_of(&source->where);
  enum derive_reason reason = DERIVE_POSSIBLE;
  if (!is_short(wanted))
    return DERIVE_CONDITION;
  if (!is_short(source) || !has_parts(ours, theirs))
    return DERIVE_NARROWER;
  for (size_t i = 0; reason == DERIVE_POSSIBLE && i < ours.count; i++)
    if (!has_part(theirs, ours.at[i]))
      reason = take_part(source, ours.at[i], recipe);
  return reason;
}

/* --- rows --- */

/* Which plan the key had is not known. */
static bool is_cap(int64_t results) {
  return results > 0 && (plans_have_cap(results) || results % CAP_STEP == 0);
}

static bool may_be_cut(const struct derive_source *source) {
  return source->may_be_cut || is_cap(source->results) ||
         (source->cap > 0 && source->results == source->cap);
}

/* A call with a `timeout` may have been answered with what was found in time. */
static bool is_complete(const struct call *call, const struct derive_source *source) {
  return source->results < call->limit && !may_be_cut(source) && !call_value(call, "timeout").at;
}

/* The same question: the answer is the beginning of the source. */
static enum derive_reason take_beginning(const struct call *wanted, const struct call *call,
                                         const struct derive_source *source,
                                         struct derive_recipe *recipe) {
  if (wanted->limit > source->results && !is_complete(call, source))
    return DERIVE_WINDOW;
  recipe->changes_nothing = recipe->all_columns && wanted->limit >= source->results;
  return DERIVE_POSSIBLE;
}

/* Rows that the order does not tell apart may stand in another order for each question. */
static enum derive_reason take_filtered(const struct call *wanted, const struct call *call,
                                        const struct derive_source *source,
                                        struct derive_recipe *recipe) {
  bool has_groups = !endpoint_default(call->endpoint, VIEW("aggregation")).at ||
                    !view_is(call_value(call, "aggregation"), "all");
  if (has_groups)
    return DERIVE_GROUPED;
  if (!is_complete(call, source))
    return DERIVE_INCOMPLETE;
  recipe->ties = &wanted->order;
  return take_parts(wanted, call, recipe);
}

static enum derive_reason take_rows(const struct call *wanted, const struct call *call,
                                    const struct derive_source *source,
                                    struct derive_recipe *recipe) {
  recipe->limit = wanted->limit;
  if (!has_same(wanted, call, "order_by"))
    return DERIVE_ORDER;
  bool is_same = has_same(wanted, call, "where");
  return (is_same ? take_beginning : take_filtered)(wanted, call, source, recipe);
}

enum derive_reason call_rules_derive(const struct query *wanted, const struct derive_source *source,
                                     struct derive_recipe *recipe) {
  enum derive_reason reason = check_subject(wanted, source);
  if (reason != DERIVE_POSSIBLE)
    return reason;
  const struct call *ours = query_call(wanted), *theirs = query_call(source->query);
  recipe->endpoint = ours->endpoint;
  if (!take_columns(ours, theirs, recipe))
    return DERIVE_COLUMNS;
  return take_rows(ours, theirs, source, recipe);
}

#include "translate/streams.h"

#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "translate/conditions.h"

/* --- what is refused --- */

static bool is_empty(const struct columns *columns) {
  return !columns->present || view_trim(columns->raw).length == 0;
}

static bool refuse(struct fault *fault, const char *parameter, struct view value, const char *why) {
  return fault_set(fault, FAULT_UNTRANSLATABLE, "Ahrefs API v3 cannot be asked for '%s' in %s: %s",
                   FORM_SHOWN(value), parameter, why);
}

static bool check_select(const struct columns *select, struct fault *fault) {
  if (columns_are_all(select))
    return true;
  if (!select->parsed)
    return refuse(fault, "select", select->raw, "it is no list of columns");
  for (size_t i = 0; i < select->count; i++)
    if (!select->items[i].column)
      return refuse(fault, "select", select->items[i].name,
                    "backlinks_new_lost has no such column");
  return true;
}

static bool is_repeated(const struct columns *order, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (order->items[i].column == order->items[index].column)
      return true;
  return false;
}

static bool check_key(const struct columns *order, size_t index, struct fault *fault) {
  const struct columns_item *item = &order->items[index];
  if (!item->column)
    return refuse(fault, "order_by", item->name, "backlinks_new_lost has no such column");
  if (!mapping_of(item->column->index)->is_exact)
    return refuse(fault, "order_by", item->name, "v3 does not have this column");
  if (item->column->type == COLUMN_STRING && item->column->index != SCHEMA_type)
    return refuse(fault, "order_by", item->name, "how v2 sorted text is not documented");
  if (is_repeated(order, index))
    return refuse(fault, "order_by", item->name, "it stands there twice");
  return true;
}

static bool check_order(const struct columns *order, struct fault *fault) {
  if (is_empty(order))
    return true;
  if (!order->parsed)
    return refuse(fault, "order_by", order->raw, "it is no list of columns");
  for (size_t i = 0; i < order->count; i++)
    if (!check_key(order, i, fault))
      return false;
  return true;
}

bool streams_check(const struct query *query, struct fault *fault) {
  return check_select(query_select(query), fault) && check_order(query_order(query), fault);
}

/* --- columns --- */

static uint32_t columns_of(const struct columns *columns) {
  uint32_t set = 0;
  for (size_t i = 0; i < columns->count; i++)
    set |= schema_bit(columns->items[i].column);
  return set;
}

/* Of the answer's rows. */
static uint32_t selected(const struct query *query) {
  const struct columns *select = query_select(query);
  return columns_are_all(select) ? (UINT32_C(1) << SCHEMA_COLUMNS) - 1 : columns_of(select);
}

uint32_t streams_columns(const struct query *query) {
  return selected(query) | conditions_columns(query) | columns_of(query_order(query));
}

/* --- streams --- */

struct plan {
  struct streams streams;
  const struct columns *order;
  const struct condition *bound; /* NULL: none */
  uint32_t columns;
};

/* Adds a stream in the present phase. `key`: the column of order_by that it follows; -1: none. */
static void add(struct plan *plan, struct stream stream, int key, enum mapping_source order) {
  CHECK(plan->streams.count < STREAMS_MOST);
  stream.phase = plan->streams.phases;
  stream.key = key;
  stream.order = order;
  if (key >= 0)
    stream.descending = plan->order->items[key].descending;
  stream.sources = mapping_sources(plan->columns, stream.changes) | mapping_bit(order);
  plan->streams.items[plan->streams.count++] = stream;
}

static enum mapping_source time_of(unsigned changes) {
  return mapping_of(SCHEMA_date)->from[changes & 1u << CHANGE_NEW ? CHANGE_NEW : CHANGE_LOST];
}

/* One stream for each change. */
static void add_by_date(struct plan *plan, struct stream stream, int key) {
  unsigned changes = stream.changes;
  for (int change = 0; change < CHANGES; change++) {
    stream.changes = changes & 1u << change;
    if (stream.changes)
      add(plan, stream, key, time_of(stream.changes));
  }
  plan->streams.phases++;
}

static void add_phase(struct plan *plan, struct stream stream, int key, enum mapping_source order) {
  add(plan, stream, key, order);
  plan->streams.phases++;
}

/* Rows that tie in all columns of order_by: those first that may show a condition to be open, else
 * the latest. */
static void add_unordered(struct plan *plan, struct stream stream) {
  const struct condition *bound = plan->bound;
  enum mapping_source order = time_of(stream.changes);
  stream.descending = !bound || bound->op == CONDITION_LT || bound->op == CONDITION_LE;
  if (bound)
    order = mapping_of(bound->column->index)->from[CHANGE_NEW];
  add_phase(plan, stream, -1, order);
}

/* Columns with two parts, in ascending order. */
static const struct parts {
  unsigned column;
  unsigned changes[2];
  const char *filters[2];
  int sorted; /* the part within which values differ; -1: none */
} splits[] = {
    {SCHEMA_type, {1u << CHANGE_LOST, 1u << CHANGE_NEW}, {NULL, NULL}, -1},
    {SCHEMA_nofollow,
     {CHANGES_BOTH, CHANGES_BOTH},
     {"{\"field\":\"is_nofollow\",\"is\":[\"eq\",false]}",
      "{\"field\":\"is_nofollow\",\"is\":[\"eq\",true]}"},
     -1},
    {SCHEMA_original,
     {CHANGES_BOTH, CHANGES_BOTH},
     {"{\"or\":[{\"field\":\"discovered_status\",\"is\":\"is_null\"},"
      "{\"field\":\"discovered_status\",\"is\":[\"neq\",\"pagefound\"]}]}",
      "{\"field\":\"discovered_status\",\"is\":[\"eq\",\"pagefound\"]}"},
     -1},
    {SCHEMA_redirect,
     {CHANGES_BOTH, CHANGES_BOTH},
     {"{\"or\":[{\"field\":\"redirect_code\",\"is\":\"is_null\"},"
      "{\"field\":\"redirect_code\",\"is\":[\"eq\",0]}]}",
      "{\"field\":\"redirect_code\",\"is\":[\"gt\",0]}"},
     1},
};

static const struct parts *parts_of(unsigned column) {
  for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
    if (splits[i].column == column)
      return &splits[i];
  return NULL;
}

static void add_from(struct plan *plan, struct stream stream, int key);

static void add_part(struct plan *plan, struct stream stream, int key, const struct parts *parts,
                     int part) {
  stream.changes &= parts->changes[part];
  if (parts->filters[part])
    stream.narrowed[stream.narrowed_count++] = parts->filters[part];
  if (!stream.changes)
    return;
  if (part == parts->sorted)
    add_phase(plan, stream, key, mapping_of(parts->column)->from[CHANGE_NEW]);
  else
    add_from(plan, stream, key + 1);
}

/* By the columns of order_by from number `key` on. */
static void add_from(struct plan *plan, struct stream stream, int key) {
  if ((size_t)key == plan->order->count) {
    add_unordered(plan, stream);
    return;
  }
  const struct columns_item *item = &plan->order->items[key];
  const struct parts *parts = parts_of(item->column->index);
  if (item->column->index == SCHEMA_date)
    add_by_date(plan, stream, key);
  else if (!parts)
    add_phase(plan, stream, key, mapping_of(item->column->index)->from[CHANGE_NEW]);
  else
    for (int i = 0; i < 2; i++)
      add_part(plan, stream, key, parts, item->descending ? 1 - i : i);
}

struct streams streams_of(const struct query *query, unsigned changes) {
  struct plan plan = {.order = query_order(query),
                      .bound = conditions_bound(query),
                      .columns = streams_columns(query)};
  struct stream stream = {.changes = changes};
  if (changes)
    add_from(&plan, stream, 0);
  return plan.streams;
}

int64_t streams_in_phase(const struct streams *streams, int phase) {
  int64_t count = 0;
  for (size_t i = 0; i < streams->count; i++)
    count += streams->items[i].phase == phase;
  return count;
}

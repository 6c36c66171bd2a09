#include "query/columns.h"

#include "base/num.h"
#include "query/limits.h"

#include <stdlib.h>

typedef bool read_item(struct view element, struct columns_item *item);

static bool read_selected(struct view element, struct columns_item *item) {
  *item = (struct columns_item){.name = element, .column = schema_find(element)};
  return element.length > 0;
}

static bool is_name(struct view name) {
  for (size_t i = 0; i < name.length; i++)
    if (!num_is_alpha(name.at[i]) && !num_is_digit(name.at[i]) && name.at[i] != '_')
      return false;
  return name.length > 0;
}

static bool read_ordered(struct view element, struct columns_item *item) {
  struct view direction = element, name;
  if (!view_split(&direction, ':', &name) || !is_name(name))
    return false;
  bool is_silent = !direction.at;
  *item = (struct columns_item){.name = name, .column = schema_find(name)};
  item->descending = !is_silent && view_is(direction, "desc");
  return is_silent || item->descending || view_is(direction, "asc");
}

static bool read_items(struct columns *columns, read_item *read) {
  struct view rest = columns->raw, element;
  while (view_split(&rest, ',', &element)) {
    if (columns->count == QUERY_COLUMNS_MAX ||
        !read(view_trim(element), &columns->items[columns->count]))
      return false;
    columns->count++;
  }
  return true;
}

static size_t count_at_most(struct view raw) {
  size_t count = 1;
  for (size_t i = 0; i < raw.length && count < QUERY_COLUMNS_MAX; i++)
    count += raw.at[i] == ',';
  return count;
}

static bool parse(struct view raw, struct columns *columns, read_item *read, struct fault *fault) {
  *columns = (struct columns){.present = true, .raw = raw};
  columns->items = calloc(count_at_most(raw), sizeof *columns->items);
  if (!columns->items) {
    *columns = (struct columns){0};
    return fault_no_memory(fault);
  }
  columns->parsed = read_items(columns, read);
  if (!columns->parsed)
    columns->count = 0;
  return true;
}

static int order(const void *a, const void *b) {
  const struct columns_item *left = a, *right = b;
  return view_order(left->name, right->name);
}

bool columns_parse_select(struct view raw, struct columns *columns, struct fault *fault) {
  if (!parse(raw, columns, read_selected, fault))
    return false;
  qsort(columns->items, columns->count, sizeof *columns->items, order);
  size_t kept = 0;
  for (size_t i = 0; i < columns->count; i++)
    if (!kept || !view_equal(columns->items[kept - 1].name, columns->items[i].name))
      columns->items[kept++] = columns->items[i];
  columns->count = kept;
  return true;
}

bool columns_parse_order(struct view raw, struct columns *columns, struct fault *fault) {
  return parse(raw, columns, read_ordered, fault);
}

bool columns_are_all(const struct columns *select) {
  if (!select->present)
    return true;
  return select->parsed && select->count == 1 && view_is(select->items[0].name, "*");
}

struct view columns_order_text(const struct columns_item *item) {
  size_t direction = item->descending ? sizeof ":desc" - 1 : 0;
  return (struct view){item->name.at, item->name.length + direction};
}

void columns_release(struct columns *columns) {
  free(columns->items);
  *columns = (struct columns){0};
}

/* Fuzz target: `select`, and the same bytes as `order_by`. */
#include "base/text.h"
#include "query/columns.h"
#include "query/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool parse_columns(struct view raw, struct columns *columns, struct fault *fault);

static void print(const struct columns *columns, struct text *out) {
  for (size_t i = 0; i < columns->count; i++) {
    text_add(out, i ? VIEW("\t, ") : VIEW(""));
    text_add(out, columns->items[i].name);
    text_add(out, columns->items[i].descending ? VIEW(":desc") : VIEW(""));
  }
}

/* A printed list parses to the same list. */
static void check_again(const struct columns *columns, parse_columns *parse) {
  scope_text struct text printed = {0};
  struct columns again = {0};
  print(columns, &printed);
  CHECK(parse(text_view(&printed), &again, NULL));
  CHECK(again.parsed && again.count == columns->count);
  for (size_t i = 0; i < columns->count; i++) {
    CHECK(view_equal(again.items[i].name, columns->items[i].name));
    CHECK(again.items[i].column == columns->items[i].column);
    CHECK(again.items[i].descending == columns->items[i].descending);
  }
  columns_release(&again);
}

static void check_items(const struct columns *columns) {
  CHECK(columns->present && columns->parsed == (columns->count > 0));
  CHECK(columns->count <= QUERY_COLUMNS_MAX);
  for (size_t i = 0; i < columns->count; i++) {
    const struct columns_item *item = &columns->items[i];
    CHECK(item->name.length && !memchr(item->name.at, ',', item->name.length));
    CHECK(!item->column || view_equal(item->column->name, item->name));
  }
}

/* Sorted, and none twice. */
static void check_set(const struct columns *select) {
  for (size_t i = 1; i < select->count; i++)
    CHECK(view_order(select->items[i - 1].name, select->items[i].name) < 0);
  CHECK(!columns_are_all(select) || view_is(view_trim(select->items[0].name), "*"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view raw = {size ? (const char *)data : "", size};
  struct columns select = {0}, order = {0};
  CHECK(columns_parse_select(raw, &select, NULL) && columns_parse_order(raw, &order, NULL));
  check_items(&select);
  check_items(&order);
  check_set(&select);
  if (select.parsed)
    check_again(&select, columns_parse_select);
  if (order.parsed)
    check_again(&order, columns_parse_order);
  columns_release(&select);
  columns_release(&order);
  return 0;
}

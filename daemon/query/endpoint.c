#include "query/endpoint.h"

#include "base/num.h"

#define NEVER_NULL .nullable = false
#define MAY_BE_NULL .nullable = true
#define ANYWHERE .selectable = true, .sortable = true
#define UNSORTED .selectable = true
#define FILTER_ONLY .selectable = false

#define ENDPOINT(id, path, rows, limit, defaults) \
  static const struct endpoint_column id##_columns[] = {
#define COLUMN(name, type, units, null, use) {VIEW(#name), ENDPOINT_##type, units, null, use},
#define ENDPOINT_END \
  }                  \
  ;
#include "tables/endpoints.def"
#undef ENDPOINT
#undef COLUMN
#undef ENDPOINT_END

static const struct endpoint endpoints[] = {
#define ENDPOINT(id, path, rows, limit, defaults) \
  {VIEW(path),   VIEW(rows),                      \
   limit,        VIEW(defaults "&limit=" #limit), \
   id##_columns, sizeof id##_columns / sizeof *id##_columns},
#define COLUMN(name, type, units, null, use)
#define ENDPOINT_END
#include "tables/endpoints.def"
#undef ENDPOINT
#undef COLUMN
#undef ENDPOINT_END
};

typedef bool same_text(struct view a, struct view b);

static const struct endpoint *find(struct view path, same_text *same) {
  for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
    if (same(endpoints[i].path, path))
      return &endpoints[i];
  return NULL;
}

const struct endpoint *endpoint_find(struct view path) {
  return find(path, view_equal);
}

const struct endpoint *endpoint_find_like(struct view path) {
  return find(path, num_same_word);
}

const struct endpoint_column *endpoint_column(const struct endpoint *endpoint, struct view name) {
  for (size_t i = 0; i < endpoint->column_count; i++)
    if (view_equal(endpoint->columns[i].name, name))
      return &endpoint->columns[i];
  return NULL;
}

struct view endpoint_default(const struct endpoint *endpoint, struct view name) {
  struct view rest = endpoint->defaults, value, parameter;
  while (view_split(&rest, '&', &value))
    if (view_split(&value, '=', &parameter) && view_equal(parameter, name))
      return value;
  return (struct view){0};
}

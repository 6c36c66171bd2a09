#include "translate/mapping.h"

#include "base/check.h"

static const struct view names[MAPPING_SOURCES] = {
#define V3(name) VIEW(#name),
#include "tables/translate.def"
#undef V3
};

/* The columns of all-backlinks by their place in its table. */
enum {
#define COLUMN(name, type, units, null, use) PLACE_##name,
#include "tables/backlinks.def"
#undef COLUMN
};
static const int places[MAPPING_SOURCES] = {
#define V3(name) PLACE_##name,
#include "tables/translate.def"
#undef V3
};

static const struct mapping mappings[SCHEMA_COLUMNS] = {
#define EXACT true
#define NEAREST false
#define V2(column, new, lost, way, trust) \
  [SCHEMA_##column] = {{SOURCE_##new, SOURCE_##lost}, WAY_##way, trust},
#include "tables/translate.def"
#undef V2
#undef EXACT
#undef NEAREST
};

static const struct view shown[SCHEMA_COLUMNS] = {
#define COLUMN(name, type) VIEW(#name),
#include "tables/columns.def"
#undef COLUMN
};

_Static_assert(MAPPING_SOURCES <= 32, "mapping_bit() has 32 bits");

const struct mapping *mapping_of(unsigned column) {
  CHECK(column < SCHEMA_COLUMNS);
  return &mappings[column];
}

struct view mapping_column(unsigned column) {
  CHECK(column < SCHEMA_COLUMNS);
  return shown[column];
}

const struct endpoint *mapping_endpoint(void) {
  const struct endpoint *endpoint = endpoint_find(VIEW("site-explorer/all-backlinks"));
  CHECK(endpoint);
  return endpoint;
}

static const struct endpoint_column *column_of(enum mapping_source source) {
  return &mapping_endpoint()->columns[places[source]];
}

struct view mapping_name(enum mapping_source source) {
  return names[source];
}

enum endpoint_type mapping_type(enum mapping_source source) {
  return column_of(source)->type;
}

enum mapping_source mapping_find(struct view name, int guess) {
  int source = 0;
  if (guess < MAPPING_SOURCES && view_equal(names[guess], name))
    return (enum mapping_source)guess;
  while (source < MAPPING_SOURCES && !view_equal(names[source], name))
    source++;
  return (enum mapping_source)source;
}

uint32_t mapping_sources(uint32_t columns, unsigned changes) {
  uint32_t sources = 0;
  columns |= UINT32_C(1) << SCHEMA_date;
  for (unsigned change = 0; change < CHANGES; change++)
    for (unsigned i = 0; changes >> change & 1 && i < SCHEMA_COLUMNS; i++)
      if (columns >> i & 1)
        sources |= mapping_bit(mappings[i].from[change]);
  return sources;
}

int64_t mapping_price(uint32_t sources) {
  int64_t price = 0;
  for (int i = 0; i < MAPPING_SOURCES; i++)
    if (sources >> i & 1)
      price += column_of((enum mapping_source)i)->price;
  return price;
}

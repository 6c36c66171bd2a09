/* v2's columns and the columns of v3 that they are made from: tables/translate.def. Pure. */
#pragma once

#include "base/view.h"
#include "query/endpoint.h"
#include "query/schema.h"

#include <stdbool.h>
#include <stdint.h>

enum mapping_source {
#define V3(name) SOURCE_##name,
#include "tables/translate.def"
#undef V3
  MAPPING_SOURCES
};

/* How a value of v2 is made. */
enum mapping_way {
  WAY_SAME,      /* the value as it is */
  WAY_ROUNDED,   /* a rating: to a whole number, half up */
  WAY_OR_ZERO,   /* null becomes 0 */
  WAY_OR_EMPTY,  /* null becomes "" */
  WAY_PAGEFOUND, /* is it "pagefound"? */
  WAY_LINK_TYPE, /* "text" and "image" become "href" */
  WAY_DAY,       /* the day of a time, UTC */
  WAY_TYPE,      /* "new" or "lost" */
  WAY_NEVER,     /* a time long ago, which typed clients can read */
};

/* What a row of v2 tells of a link. */
enum change { CHANGE_NEW, CHANGE_LOST, CHANGES };
#define CHANGES_BOTH 3u /* as a set of 1 << change */

struct mapping {
  enum mapping_source from[CHANGES];
  enum mapping_way way;
  bool is_exact;
};

/* Of v2's column, by its index in the schema. */
const struct mapping *mapping_of(unsigned column);

/* The name of v2's column, by its index in the schema. */
struct view mapping_column(unsigned column);

/* The endpoint that is asked. */
const struct endpoint *mapping_endpoint(void);
struct view mapping_name(enum mapping_source source);
enum endpoint_type mapping_type(enum mapping_source source);
/* The column of that name; MAPPING_SOURCES: none that is used. `guess`: is looked at first. */
enum mapping_source mapping_find(struct view name, int guess);

/* A set of columns of v3. */
static inline uint32_t mapping_bit(enum mapping_source source) {
  return UINT32_C(1) << source;
}

/* The columns of v3 that v2's columns (a set of schema_bit()) need in rows of these changes, those
 * that tell of the change itself among them. */
uint32_t mapping_sources(uint32_t columns, unsigned changes);
/* The price of a row with these columns, units. */
int64_t mapping_price(uint32_t sources);

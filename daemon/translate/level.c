#include "translate/level.h"

#include "translate/compare.h"
#include "translate/scalar.h"

/* Half of a rating's last decimal. */
#define MARGIN (SCALAR_ONE / 20)
#define HALF (SCALAR_ONE / 2)

/* Bounds on what v3 compares, beside the group's own value: of the group, and of what lies above and
 * below it. */
static const struct grouping {
  struct bound {
    const char *op;
    int64_t at;
  } least, most, above, below;
} groupings[] = {
    [GROUP_EXACT] = {{"gte", 0}, {"lte", 0}, {"gt", 0}, {"lt", 0}},
    [GROUP_SHOWN] = {{"gte", -MARGIN}, {"lte", MARGIN}, {"gte", MARGIN}, {"lte", -MARGIN}},
    [GROUP_ROUNDED] = {{"gte", -HALF - MARGIN},
                       {"lt", HALF},
                       {"gte", HALF - MARGIN},
                       {"lt", -HALF}},
    [GROUP_DAY] = {{"gte", 0}, {"lt", SCALAR_DAY}, {"gte", SCALAR_DAY}, {"lt", 0}},
};

int64_t level_group(enum level_grouping grouping, int64_t value) {
  switch (grouping) {
  case GROUP_EXACT:
  case GROUP_SHOWN:
    break;
  case GROUP_ROUNDED:
    return scalar_floor(value + HALF, SCALAR_ONE) * SCALAR_ONE;
  case GROUP_DAY:
    return scalar_floor(value, SCALAR_DAY) * SCALAR_DAY;
  }
  return value;
}

enum level_grouping level_shown(const struct level *level) {
  return mapping_type(level->order) == ENDPOINT_FLOAT ? GROUP_SHOWN : GROUP_EXACT;
}

bool level_is_before(const struct level *level, int64_t a, int64_t b) {
  return level->descending ? a > b : a < b;
}

static void put_bound(struct text *out, enum mapping_source source, int64_t value,
                      struct bound bound) {
  text_add_char(out, ',');
  compare_write_scalar(out, source, bound.op, value + bound.at);
}

/* The rows of the group, or those behind it. */
static void put_group(struct text *out, const struct level *level) {
  const struct grouping *grouping = &groupings[level->grouping];
  if (level->is_done) {
    put_bound(out, level->order, level->group,
              level->descending ? grouping->below : grouping->above);
    return;
  }
  put_bound(out, level->order, level->group, grouping->least);
  put_bound(out, level->order, level->group, grouping->most);
}

/* Those from the last value on. */
static void put_from(struct text *out, const struct level *level) {
  const struct grouping *grouping = &groupings[level_shown(level)];
  put_bound(out, level->order, level->from, level->descending ? grouping->most : grouping->least);
}

void level_filter(const struct level *level, struct text *out) {
  if (level->has_from)
    put_from(out, level);
  if (level->has_group)
    put_group(out, level);
}

bool level_has(const struct level *level, int64_t value) {
  if (level->has_from && level_is_before(level, value, level->from))
    return false;
  if (!level->has_group)
    return true;
  int64_t group = level_group(level->grouping, value);
  return level->is_done ? level_is_before(level, level->group, group) : group == level->group;
}

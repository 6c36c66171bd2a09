#include "settings/nearest.h"

#include "base/num.h"

#include <stdint.h>

#define NAME_LIMIT 64

static const struct name {
  const char *section, *key, *whole;
} names[] = {
#define SETTING(section, key, type, field, initial, least, most, reload, help) \
  {#section, #key, #section "." #key},
#include "tables/settings.def"
#undef SETTING
};
#define NAMES (sizeof names / sizeof *names)

static size_t smallest(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

/* The Levenshtein distance, ignoring case; SIZE_MAX if a text is longer than NAME_LIMIT. */
static size_t distance(struct view a, struct view b) {
  size_t row[NAME_LIMIT + 1];
  if (a.length > NAME_LIMIT || b.length > NAME_LIMIT)
    return SIZE_MAX;
  for (size_t j = 0; j <= b.length; j++)
    row[j] = j;
  for (size_t i = 0; i < a.length; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.length; j++) {
      size_t exchanged = diagonal + (num_lower(a.at[i]) != num_lower(b.at[j]));
      diagonal = row[j + 1];
      row[j + 1] = smallest(exchanged, row[j] + 1, row[j + 1] + 1);
    }
  }
  return row[b.length];
}

static struct view behind_dot(struct view name) {
  const char *dot = name.length ? memchr(name.at, '.', name.length) : NULL;
  return dot ? view_from(name, (size_t)(dot - name.at) + 1) : name;
}

/* A known key in the wrong section is closer than any misspelling. */
static size_t unlikeness(struct view given, const struct name *name) {
  if (view_is(behind_dot(given), name->key))
    return 0;
  return distance(given, view_of(name->whole));
}

const char *nearest_key(struct view given) {
  const char *nearest = NULL;
  size_t limit = given.length / 4 + 1;
  for (size_t i = 0; i < NAMES; i++) {
    size_t found = unlikeness(given, &names[i]);
    if (found >= limit)
      continue;
    limit = found;
    nearest = names[i].whole;
  }
  return nearest;
}

const char *nearest_section(struct view given) {
  const char *nearest = NULL;
  size_t limit = given.length / 3 + 1;
  for (size_t i = 0; i < NAMES; i++) {
    size_t found = distance(given, view_of(names[i].section));
    if (found >= limit)
      continue;
    limit = found;
    nearest = names[i].section;
  }
  return nearest;
}

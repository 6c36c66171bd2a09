#include "translate/sort.h"

#include <stdlib.h>

struct entry {
  struct sort_place place;
  size_t number; /* in the order in which they came */
  size_t at, length;
};

struct sort {
  size_t keys, most;
  struct entry *entries;
  int64_t *values; /* `keys` for each entry, by its number */
  size_t count, capacity;
  struct text texts;
};

_Static_assert(sizeof(struct entry) <= SORT_ROW_SIZE, "a row takes no less");

struct sort *sort_create(size_t keys, size_t most) {
  struct sort *sort = calloc(1, sizeof *sort);
  if (sort)
    *sort = (struct sort){.keys = keys, .most = most, .texts = {.limit = most}};
  return sort;
}

void sort_release(struct sort **sort) {
  struct sort *gone = *sort;
  *sort = NULL;
  if (!gone)
    return;
  free(gone->entries);
  free(gone->values);
  text_free(&gone->texts);
  free(gone);
}

/* False: no memory. */
static bool make_room(struct sort *sort) {
  if (sort->count < sort->capacity)
    return true;
  size_t capacity = sort->capacity ? 2 * sort->capacity : 64;
  struct entry *entries = reallocarray(sort->entries, capacity, sizeof *entries);
  if (entries)
    sort->entries = entries;
  int64_t *values =
      entries ? reallocarray(sort->values, capacity, (sort->keys + 1) * sizeof *values) : NULL;
  if (values) {
    sort->values = values;
    sort->capacity = capacity;
  }
  return values != NULL;
}

static bool fits(const struct sort *sort, struct view text) {
  size_t row = SORT_ROW_SIZE + sort->keys * sizeof *sort->values;
  return (sort->count + 1) * row + sort->texts.length + text.length <= sort->most;
}

bool sort_add(struct sort *sort, struct sort_place place, const int64_t *keys, struct view text,
              struct fault *fault) {
  if (!fits(sort, text))
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "the answer needs more than the %zu MiB that are set aside for it: ask for "
                     "fewer rows or columns",
                     sort->most >> 20);
  if (!make_room(sort))
    return fault_no_memory(fault);
  sort->entries[sort->count] = (struct entry){place, sort->count, sort->texts.length, text.length};
  if (sort->keys)
    memcpy(sort->values + sort->count * sort->keys, keys, sort->keys * sizeof *keys);
  text_add(&sort->texts, text);
  if (!text_ok(&sort->texts))
    return fault_no_memory(fault);
  sort->count++;
  return true;
}

size_t sort_count(const struct sort *sort) {
  return sort->count;
}

void sort_cut(struct sort *sort, size_t count) {
  CHECK(count <= sort->count);
  if (count < sort->count)
    sort->texts.length = sort->entries[count].at;
  sort->count = count;
}

static int order_of_numbers(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

static int order_of_places(struct sort_place a, struct sort_place b) {
  return a.phase != b.phase ? order_of_numbers(a.phase, b.phase) : order_of_numbers(a.key, b.key);
}

int64_t sort_count_before(const struct sort *sort, struct sort_place place, bool ties) {
  int64_t count = 0;
  for (size_t i = 0; i < sort->count; i++)
    count += order_of_places(sort->entries[i].place, place) < (ties ? 1 : 0);
  return count;
}

static int by_place_and_keys(const void *a, const void *b, void *context) {
  const struct sort *sort = context;
  const struct entry *left = a, *right = b;
  int order = order_of_places(left->place, right->place);
  for (size_t i = 0; order == 0 && i < sort->keys; i++)
    order = order_of_numbers(sort->values[left->number * sort->keys + i],
                             sort->values[right->number * sort->keys + i]);
  return order ? order : (left->number > right->number) - (left->number < right->number);
}

int64_t sort_write(struct sort *sort, int64_t from, int64_t to, struct text *out) {
  int64_t end = to < (int64_t)sort->count ? to : (int64_t)sort->count;
  if (sort->count > 1)
    qsort_r(sort->entries, sort->count, sizeof *sort->entries, by_place_and_keys, sort);
  for (int64_t i = from; i < end; i++) {
    struct view text = view_from(text_view(&sort->texts), sort->entries[i].at);
    if (i > from)
      text_add_char(out, ',');
    text_add(out, view_first(text, sort->entries[i].length));
  }
  return end > from ? end - from : 0;
}

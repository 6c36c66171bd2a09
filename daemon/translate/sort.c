#include "translate/sort.h"

#include <stdlib.h>

struct entry {
  int phase;
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

static size_t row_size(const struct sort *sort) {
  return SORT_ROW_SIZE + sort->keys * sizeof *sort->values;
}

size_t sort_memory(const struct sort *sort) {
  return sort->count * row_size(sort) + sort->texts.length;
}

static bool fits(const struct sort *sort, struct view text) {
  return sort_memory(sort) + row_size(sort) + text.length <= sort->most;
}

bool sort_add(struct sort *sort, int phase, const int64_t *keys, struct view text,
              struct fault *fault) {
  if (!fits(sort, text))
    return fault_set(fault, FAULT_UNTRANSLATABLE,
                     "the answer needs more than the %zu MiB that are set aside for it "
                     "(upstream.max_translated): ask for fewer rows or columns",
                     sort->most >> 20);
  if (!make_room(sort))
    return fault_no_memory(fault);
  sort->entries[sort->count] = (struct entry){phase, sort->count, sort->texts.length, text.length};
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

static int order_of_keys(const int64_t *a, const int64_t *b, size_t count) {
  int order = 0;
  for (size_t i = 0; order == 0 && i < count; i++)
    order = order_of_numbers(a[i], b[i]);
  return order;
}

static const int64_t *keys_of_entry(const struct sort *sort, const struct entry *entry) {
  return sort->values + entry->number * sort->keys;
}

static bool is_before(const struct sort *sort, const struct entry *entry,
                      const struct sort_place *place) {
  int order = order_of_numbers(entry->phase, place->phase);
  if (order == 0)
    order = order_of_keys(keys_of_entry(sort, entry), place->keys, place->known);
  return order < 0 || (order == 0 && place->is_behind);
}

int64_t sort_count_before(const struct sort *sort, const struct sort_place *place) {
  int64_t count = 0;
  for (size_t i = 0; i < sort->count; i++)
    count += is_before(sort, &sort->entries[i], place);
  return count;
}

/* Where a place with fewer keys stands beside those with more that begin with them. */
static int order_of_lengths(const struct sort_place *a, const struct sort_place *b) {
  if (a->known == b->known)
    return a->is_behind - b->is_behind;
  if (a->known < b->known)
    return a->is_behind ? 1 : -1;
  return b->is_behind ? -1 : 1;
}

int sort_order(const struct sort_place *a, const struct sort_place *b) {
  int order = order_of_numbers(a->phase, b->phase);
  if (order == 0)
    order = order_of_keys(a->keys, b->keys, a->known < b->known ? a->known : b->known);
  return order ? order : order_of_lengths(a, b);
}

static int by_place(const void *a, const void *b, void *context) {
  const struct sort *sort = context;
  const struct entry *left = a, *right = b;
  int order = order_of_numbers(left->phase, right->phase);
  if (order == 0)
    order = order_of_keys(keys_of_entry(sort, left), keys_of_entry(sort, right), sort->keys);
  return order ? order : (left->number > right->number) - (left->number < right->number);
}

int64_t sort_write(struct sort *sort, int64_t from, int64_t to, struct text *out) {
  int64_t end = to < (int64_t)sort->count ? to : (int64_t)sort->count;
  if (sort->count > 1)
    qsort_r(sort->entries, sort->count, sizeof *sort->entries, by_place, sort);
  for (int64_t i = from; i < end; i++) {
    struct view text = view_from(text_view(&sort->texts), sort->entries[i].at);
    if (i > from)
      text_add_char(out, ',');
    text_add(out, view_first(text, sort->entries[i].length));
  }
  return end > from ? end - from : 0;
}

#include "derive/sorter.h"

#include "derive/order.h"

#include <stdlib.h>

/* A row, in one piece with the texts of its key, which follow the values. */
struct entry {
  struct row_place place;
  struct digest shown;
  bool is_doubtful;
  size_t size;
  struct value key[];
};

struct sorter {
  const struct columns *by;
  size_t from, to; /* of the whole; `to` at most SIZE_MAX */
  size_t most, used;
  struct entry **entries;
  size_t count, capacity;
  size_t prune_at;           /* so many entries */
  const struct entry *bound; /* what is greater is certainly behind the window; NULL: not known */
  struct row_place *places;
  size_t results;
};

static size_t size_of_window(int64_t end) {
  return (uint64_t)end > SIZE_MAX ? SIZE_MAX : (size_t)end;
}

/* Not so soon that each row would cost a sorting. */
static size_t next_pruning(size_t count) {
  return count > SIZE_MAX / 4 ? SIZE_MAX : 2 * count + 64;
}

struct sorter *sorter_create(const struct columns *by, int64_t from, int64_t to, size_t most) {
  CHECK(from >= 0 && from < to);
  struct sorter *sorter = calloc(1, sizeof *sorter);
  if (!sorter)
    return NULL;
  *sorter = (struct sorter){
      .by = by, .from = size_of_window(from), .to = size_of_window(to), .most = most};
  sorter->prune_at = next_pruning(sorter->to);
  return sorter;
}

void sorter_release(struct sorter **sorter) {
  struct sorter *gone = *sorter;
  *sorter = NULL;
  if (!gone)
    return;
  for (size_t i = 0; i < gone->count; i++)
    free(gone->entries[i]);
  free(gone->entries);
  free(gone->places);
  free(gone);
}

/* --- entries --- */

static size_t entry_size(const struct columns *by, const struct value *key) {
  size_t size = sizeof(struct entry) + by->count * sizeof *key;
  for (size_t i = 0; i < by->count; i++)
    size += key[i].text.length;
  return size;
}

/* Copies the key into the entry, without its raw text, which nothing compares. */
static void copy_key(const struct columns *by, const struct value *key, struct entry *entry) {
  char *texts = (char *)(entry->key + by->count);
  for (size_t i = 0; i < by->count; i++) {
    size_t length = key[i].text.length;
    entry->key[i] = (struct value){.kind = key[i].kind, .text = {texts, length}};
    if (length)
      memcpy(texts, key[i].text.at, length);
    texts += length;
  }
}

/* NULL: no memory. */
static struct entry *make_entry(const struct columns *by, const struct sorter_row *row) {
  size_t size = entry_size(by, row->key);
  struct entry *entry = malloc(size);
  if (!entry)
    return NULL;
  entry->place = row->place;
  entry->shown = row->shown;
  entry->is_doubtful = row->is_doubtful;
  entry->size = size;
  copy_key(by, row->key, entry);
  return entry;
}

/* False: no memory. */
static bool make_place(struct sorter *sorter) {
  if (sorter->count < sorter->capacity)
    return true;
  size_t capacity = sorter->capacity ? sorter->capacity * 2 : 64;
  struct entry **entries = reallocarray(sorter->entries, capacity, sizeof *entries);
  if (!entries)
    return false;
  sorter->used += (capacity - sorter->capacity) * sizeof *entries;
  sorter->entries = entries;
  sorter->capacity = capacity;
  return true;
}

/* --- sorting --- */

/* One total order, in which upstream's is wherever that is known. */
static int by_bytes(const void *a, const void *b, void *by) {
  const struct entry *left = *(struct entry *const *)a, *right = *(struct entry *const *)b;
  int order = order_by_bytes(by, left->key, right->key);
  int64_t first = left->place.position, second = right->place.position;
  return order ? order : (first > second) - (first < second);
}

static void sort(struct sorter *sorter) {
  if (sorter->count > 1)
    qsort_r(sorter->entries, sorter->count, sizeof *sorter->entries, by_bytes, (void *)sorter->by);
}

static bool is_before(const struct sorter *sorter, const struct entry *a, const struct entry *b) {
  return order_keys(sorter->by, a->key, b->key) == ORDER_LESS;
}

/* Drops rows behind the window for certain. They are certainly greater than the row that would be
 * the window's last if no more came, `last`. What is kept is compared with the final last row at
 * the end. That row is `last`, or is certainly less than it, or the attempt fails: so what is
 * dropped here is certainly greater than the final last row too. */
static void prune(struct sorter *sorter) {
  if (sorter->count <= sorter->to)
    return;
  sort(sorter);
  const struct entry *last = sorter->entries[sorter->to - 1];
  size_t kept = sorter->to;
  for (size_t i = sorter->to; i < sorter->count; i++) {
    struct entry *entry = sorter->entries[i];
    if (!is_before(sorter, last, entry)) {
      sorter->entries[kept++] = entry;
      continue;
    }
    sorter->used -= entry->size;
    free(entry);
  }
  sorter->count = kept;
  sorter->prune_at = next_pruning(kept);
  sorter->bound = last;
}

bool sorter_is_behind(const struct sorter *sorter, const struct value *key) {
  return sorter->bound && order_keys(sorter->by, sorter->bound->key, key) == ORDER_LESS;
}

/* A pruning for memory that frees less than half is the last. */
static bool has_room(struct sorter *sorter) {
  bool is_full = sorter->used > sorter->most;
  if (is_full || sorter->count >= sorter->prune_at)
    prune(sorter);
  return !is_full || sorter->used <= sorter->most / 2;
}

enum derive_reason sorter_add(struct sorter *sorter, const struct sorter_row *row) {
  struct entry *entry = make_place(sorter) ? make_entry(sorter->by, row) : NULL;
  if (!entry)
    return DERIVE_MEMORY;
  sorter->entries[sorter->count++] = entry;
  sorter->used += entry->size;
  return has_room(sorter) ? DERIVE_POSSIBLE : DERIVE_MEMORY;
}

/* --- the window --- */

/* Certainly in this order, or the same to every eye. */
static enum derive_reason check_pair(const struct sorter *sorter, const struct entry *a,
                                     const struct entry *b) {
  switch (order_keys(sorter->by, a->key, b->key)) {
  case ORDER_LESS:
    return DERIVE_POSSIBLE;
  case ORDER_EQUAL:
    if (digest_equal(&a->shown, &b->shown) && !a->is_doubtful && !b->is_doubtful)
      return DERIVE_POSSIBLE;
    return a->is_doubtful || b->is_doubtful ? DERIVE_ROW : DERIVE_TIE;
  case ORDER_GREATER:
  case ORDER_UNKNOWN:
    break;
  }
  return DERIVE_COLLATION;
}

/* `end`: behind the window's last row. */
static enum derive_reason check_rows(const struct sorter *sorter, size_t end) {
  struct entry **entries = sorter->entries;
  enum derive_reason reason = DERIVE_POSSIBLE;
  for (size_t i = 0; reason == DERIVE_POSSIBLE && i < end; i++)
    reason = entries[i]->is_doubtful ? DERIVE_ROW : DERIVE_POSSIBLE;
  for (size_t i = 0; reason == DERIVE_POSSIBLE && i < sorter->from; i++)
    reason = check_pair(sorter, entries[i], entries[sorter->from]);
  for (size_t i = sorter->from + 1; reason == DERIVE_POSSIBLE && i < end; i++)
    reason = check_pair(sorter, entries[i - 1], entries[i]);
  for (size_t i = end; reason == DERIVE_POSSIBLE && i < sorter->count; i++)
    reason = check_pair(sorter, entries[end - 1], entries[i]);
  return reason;
}

static bool list_places(struct sorter *sorter, size_t end) {
  size_t count = end - sorter->from;
  sorter->places = calloc(count, sizeof *sorter->places);
  for (size_t i = 0; sorter->places && i < count; i++)
    sorter->places[i] = sorter->entries[sorter->from + i]->place;
  sorter->results = sorter->places ? count : 0;
  return sorter->places != NULL;
}

enum derive_reason sorter_finish(struct sorter *sorter) {
  if (sorter->count <= sorter->from)
    return DERIVE_POSSIBLE; /* the window lies behind the last row */
  sort(sorter);
  size_t end = sorter->count < sorter->to ? sorter->count : sorter->to;
  enum derive_reason reason = check_rows(sorter, end);
  if (reason == DERIVE_POSSIBLE && !list_places(sorter, end))
    return DERIVE_MEMORY;
  return reason;
}

const struct row_place *sorter_places(const struct sorter *sorter, size_t *count) {
  *count = sorter->results;
  return sorter->places;
}

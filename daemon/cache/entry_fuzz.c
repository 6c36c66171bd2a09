/* Fuzz target: the row of an entry: numbers of eight bytes, the last two of them the id and the
 * list price, the lengths of key and validator (a byte each), then key, validator and content
 * type. */
#include "base/check.h"
#include "cache/entry.h"
#include "cache/rowid.h"

#include <stdint.h>
#include <string.h>

#define NUMBERS 11

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view take(struct view *rest, size_t length) {
  struct view first = view_first(*rest, length);
  *rest = view_from(*rest, first.length);
  return first;
}

/* It becomes a header of a reply. */
static bool is_one_line(const char *text) {
  return strlen(text) < CACHE_CONTENT_TYPE_SIZE && !strpbrk(text, "\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t numbers[NUMBERS];
  if (size < sizeof numbers + 2)
    return 0;
  memcpy(numbers, data, sizeof numbers);
  struct view rest = {(const char *)data + sizeof numbers + 2, size - sizeof numbers - 2};
  struct entry_values values = {.results = numbers[0],
                                .body_length = numbers[1],
                                .stored_bytes = numbers[2],
                                .cost = numbers[3],
                                .answered_at = numbers[4],
                                .hits = numbers[5],
                                .currency = numbers[6],
                                .saved = numbers[7],
                                .source = numbers[8],
                                .id = numbers[9],
                                .listed = numbers[10]};
  values.key = take(&rest, data[sizeof numbers]);
  values.validator = take(&rest, data[sizeof numbers + 1]);
  values.content_type = rest;
  struct cache_entry entry;
  if (!entry_read(&values, &entry))
    return 0;
  CHECK(rowid_is_valid(values.id));
  CHECK(entry.results >= 0 && entry.body_length >= 0 && entry.stored_bytes >= 0 &&
        entry.cost.parts >= 0 && entry.answered_at >= 0 && entry.hits >= 0 &&
        entry.saved.parts >= 0 && entry.listed >= CACHE_NOT_LISTED);
  CHECK(entry.cost.currency < CURRENCIES && entry.saved.currency == entry.cost.currency);
  CHECK(is_one_line(entry.content_type));
  CHECK(view_is(values.content_type, entry.content_type));
  int64_t last = entry.body_length ? (entry.body_length - 1) / (int64_t)CACHE_CHUNK_SIZE : 0;
  CHECK(rowid_of_chunk(values.id, last) > 0);
  return 0;
}

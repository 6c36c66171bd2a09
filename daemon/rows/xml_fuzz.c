/* Fuzz target: an answer in XML. */
#include "base/check.h"
#include "rows/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 6

struct outcome {
  bool ok, error, has_none, has_two;
};

/* In pieces of `step` bytes, each of just that size. */
static struct outcome read_in(struct view rest, size_t step) {
  static const struct reader_shape shape = {.rows = VIEW("refpages"), .format = QUERY_XML};
  struct outcome outcome = {.ok = true};
  struct fault fault = {0};
  struct reader *reader = reader_create(&shape, DEPTH);
  CHECK(reader);
  while (outcome.ok && rest.length) {
    struct view piece = view_first(rest, step);
    char *copy = malloc(piece.length);
    CHECK(copy);
    memcpy(copy, piece.at, piece.length);
    outcome.ok = reader_feed(reader, (struct view){copy, piece.length}, &fault);
    free(copy);
    rest = view_from(rest, piece.length);
  }
  outcome.ok = outcome.ok && reader_finish(reader, &fault);
  outcome.error = reader_is_error(reader);
  outcome.has_none = reader_agrees(reader, 0);
  outcome.has_two = reader_agrees(reader, 2);
  CHECK(outcome.ok || (fault.kind == FAULT_UPSTREAM && *fault.text));
  reader_release(&reader);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view document = {size ? (const char *)data : "", size};
  struct outcome whole = read_in(document, size + 1);
  static const size_t steps[] = {1, 2, 7, 64};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    struct outcome split = read_in(document, steps[i]);
    CHECK(split.ok == whole.ok);
    CHECK(!whole.ok || memcmp(&split, &whole, sizeof whole) == 0);
  }
  return 0;
}

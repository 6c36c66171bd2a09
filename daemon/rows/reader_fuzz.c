/* Fuzz target: an answer in JSON. The first byte: "0" where the rows stand in `refpages`, "1" where
 * their array has no name, "3" where the document may be an array itself. */
#include "base/check.h"
#include "rows/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 8

struct outcome {
  bool ok, error;
  int64_t results;
  struct fault fault;
};

/* In pieces of `step` bytes, each of just that size, so that a sanitizer sees a read past its end.
 */
static struct outcome read_in(const struct reader_shape *shape, struct view rest, size_t step) {
  struct outcome outcome = {.ok = true};
  struct reader *reader = reader_create(shape, DEPTH);
  CHECK(reader);
  while (outcome.ok && rest.length) {
    struct view piece = view_first(rest, step);
    char *copy = malloc(piece.length);
    CHECK(copy);
    memcpy(copy, piece.at, piece.length);
    outcome.ok = reader_feed(reader, (struct view){copy, piece.length}, &outcome.fault);
    free(copy);
    rest = view_from(rest, piece.length);
  }
  outcome.ok = outcome.ok && reader_finish(reader, &outcome.fault);
  outcome.results = reader_results(reader);
  outcome.error = reader_is_error(reader);
  CHECK(outcome.ok || !reader_finish(reader, NULL));
  reader_release(&reader);
  return outcome;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void check_whole(const struct outcome *whole, struct view document, bool takes_arrays) {
  CHECK(whole->results >= 0 && whole->results <= (int64_t)document.length);
  if (!whole->ok) {
    CHECK(whole->fault.kind == FAULT_UPSTREAM && *whole->fault.text);
    return;
  }
  if (view_starts(document, VIEW("\xef\xbb\xbf")))
    document = view_from(document, 3);
  while (document.length && is_space(*document.at))
    document = view_from(document, 1);
  while (document.length && is_space(document.at[document.length - 1]))
    document.length--;
  bool is_array = takes_arrays && view_starts(document, VIEW("["));
  CHECK(document.length >= 2 && *document.at == (is_array ? '[' : '{') &&
        document.at[document.length - 1] == (is_array ? ']' : '}'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > READER_MAX_VALUE)
    return 0;
  static const struct reader_shape shapes[] = {{.rows = VIEW("refpages")},
                                               {.rows = VIEW("")},
                                               {.rows = VIEW("refpages")},
                                               {.rows = VIEW(""), .takes_arrays = true}};
  const struct reader_shape *shape = &shapes[*data & 3];
  struct view document = {(const char *)data + 1, size - 1};
  struct outcome whole = read_in(shape, document, size);
  check_whole(&whole, document, shape->takes_arrays);
  static const size_t steps[] = {1, 2, 7, 64};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    struct outcome split = read_in(shape, document, steps[i]);
    CHECK(split.ok == whole.ok && split.error == whole.error && split.results == whole.results);
    CHECK(whole.ok || strcmp(split.fault.text, whole.fault.text) == 0);
  }
  return 0;
}

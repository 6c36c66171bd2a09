/* Fuzz target: an answer in PHP's serialize format. The first byte: "0" where the rows stand in
 * `refpages`, "1" where their array has no name. */
#include "base/check.h"
#include "base/num.h"
#include "rows/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 6

struct outcome {
  bool ok, error;
  int64_t results;
  struct fault fault;
};

/* In pieces of `step` bytes, each of just that size. */
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

/* --- the same grammar, read at once and by recursion --- */

static bool take(struct view *rest, struct view text) {
  bool starts = view_starts(*rest, text);
  if (starts)
    *rest = view_from(*rest, text.length);
  return starts;
}

/* A length or count, and what follows it. */
static bool take_number(struct view *rest, struct view end, int64_t *number) {
  size_t digits = 0;
  while (digits < rest->length && num_is_digit(rest->at[digits]))
    digits++;
  bool ok = digits <= 18 && num_integer(view_first(*rest, digits), number);
  *rest = view_from(*rest, digits);
  return ok && take(rest, end);
}

static bool take_quoted(struct view *rest) {
  int64_t length;
  if (!take_number(rest, VIEW(":\""), &length) || length > (int64_t)rest->length)
    return false;
  *rest = view_from(*rest, (size_t)length);
  return take(rest, VIEW("\""));
}

static bool take_value(struct view *rest, int depth);

static bool take_pairs(struct view *rest, int depth) {
  int64_t count;
  bool ok = depth <= DEPTH && take_number(rest, VIEW(":{"), &count);
  for (int64_t i = 0; ok && i < count; i++)
    ok = rest->length && (*rest->at == 'i' || *rest->at == 's') && take_value(rest, depth) &&
         take_value(rest, depth);
  return ok && take(rest, VIEW("}"));
}

/* Numbers are taken as what ends with a semicolon: they are not what this is about. */
static bool take_value(struct view *rest, int depth) {
  if (take(rest, VIEW("s:")))
    return take_quoted(rest) && take(rest, VIEW(";"));
  if (take(rest, VIEW("a:")))
    return take_pairs(rest, depth + 1);
  if (take(rest, VIEW("O:")))
    return take_quoted(rest) && take(rest, VIEW(":")) && take_pairs(rest, depth + 1);
  struct view part;
  bool is_scalar = rest->length && strchr("Nbid", *rest->at) && memchr(rest->at, ';', rest->length);
  return is_scalar && view_split(rest, ';', &part);
}

static bool is_serialized(struct view document) {
  bool ok = take_value(&document, 0);
  for (size_t i = 0; ok && i < document.length; i++)
    ok = strchr(" \t\r\n", document.at[i]);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > READER_MAX_VALUE)
    return 0;
  static const struct reader_shape named = {.rows = VIEW("refpages"), .format = QUERY_PHP},
                                   any = {.format = QUERY_PHP};
  const struct reader_shape *shape = *data & 1 ? &any : &named;
  struct view document = {(const char *)data + 1, size - 1};
  struct outcome whole = read_in(shape, document, size);
  CHECK(whole.results >= 0 && whole.results <= (int64_t)size);
  CHECK(whole.ok || (whole.fault.kind == FAULT_UPSTREAM && *whole.fault.text));
  CHECK(!whole.ok || is_serialized(document));
  static const size_t steps[] = {1, 2, 7, 64};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    struct outcome split = read_in(shape, document, steps[i]);
    CHECK(split.ok == whole.ok && split.error == whole.error && split.results == whole.results);
    CHECK(whole.ok || strcmp(split.fault.text, whole.fault.text) == 0);
  }
  return 0;
}

#include "rows/reader.h"

#include "base/scope.h"
#include "rows/format.h"

static const struct reader_format *const formats[] = {
    [QUERY_JSON] = &reader_json, [QUERY_XML] = &reader_xml, [QUERY_PHP] = &reader_serialized};
_Static_assert(sizeof formats / sizeof *formats == QUERY_OUTPUT_UNKNOWN, "one for each form");

static struct reader *create(const struct reader_shape *shape, int64_t max_depth,
                             const struct reader_sink *sink) {
  CHECK(shape->format < QUERY_OUTPUT_UNKNOWN);
  struct reader *reader = formats[shape->format]->create(shape, max_depth, sink);
  if (reader)
    reader->format = formats[shape->format];
  return reader;
}

struct reader *reader_create(const struct reader_shape *shape, int64_t max_depth) {
  return create(shape, max_depth, NULL);
}

struct reader *reader_create_rows(const struct reader_shape *shape, int64_t max_depth,
                                  const struct reader_sink *sink) {
  CHECK(shape->format == QUERY_JSON && shape->rows.length);
  return create(shape, max_depth, sink);
}

void reader_release(struct reader **address) {
  struct reader *reader = steal(*address);
  if (reader)
    reader->format->release(reader);
}

static bool judged(const struct reader *reader, struct fault *fault) {
  if (reader->judge.broken && fault)
    *fault = reader->judge.fault;
  return !reader->judge.broken;
}

bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) {
  if (!reader->judge.broken)
    reader->format->feed(reader, bytes);
  return judged(reader, fault);
}

bool reader_finish(struct reader *reader, struct fault *fault) {
  if (!reader->judge.broken)
    reader->format->finish(reader);
  return judged(reader, fault);
}

int64_t reader_results(const struct reader *reader) {
  return reader->judge.results;
}

bool reader_agrees(const struct reader *reader, int64_t results) {
  return reader->format->agrees ? reader->format->agrees(reader, results)
                                : reader->judge.results == results;
}

bool reader_is_error(const struct reader *reader) {
  const struct judge *judge = &reader->judge;
  bool is_beside = judge_has_name(judge) ? judge->seen_rows : judge->seen_other;
  return judge->error_says_something || (judge->seen_error && !is_beside);
}

bool reader_is_plain(const struct reader *reader) {
  return !reader->judge.seen_beside;
}

bool reader_rows_place(const struct reader *reader, int64_t *begin, int64_t *end) {
  return reader->format->rows_place && reader->format->rows_place(reader, begin, end);
}

const char *reader_no_rows(const struct reader *reader) {
  return reader->format->no_rows ? reader->format->no_rows(reader) : "rows are read from JSON only";
}

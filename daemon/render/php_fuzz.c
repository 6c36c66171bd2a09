/* Fuzz target: rows as PHP. What is written is in the format, and has as many rows. */
#include "base/check.h"
#include "render/php.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 8

static int64_t count(const struct reader_shape *shape, struct view source) {
  struct reader *reader = reader_create(shape, DEPTH);
  CHECK(reader);
  bool ok = reader_feed(reader, source, NULL) && reader_finish(reader, NULL);
  int64_t results = ok ? reader_results(reader) : -1;
  reader_release(&reader);
  return results;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct reader_shape json = {.rows = VIEW("refpages")},
                                   php = {.rows = VIEW("refpages"), .format = QUERY_PHP};
  static const struct rows_recipe all = {.all_columns = true, .limit = -1};
  static char bytes[TEXT_LIMIT];
  struct view source = {size ? (const char *)data : "", size};
  int64_t results = size > WRITER_PIECE_MOST ? -1 : count(&json, source);
  if (results < 0)
    return 0;
  struct writer *writer = writer_create(&json, DEPTH, &all, &php_form, results);
  CHECK(writer);
  if (writer_feed(writer, source, NULL) && writer_finish(writer, NULL)) {
    size_t length = writer_pull(writer, bytes, sizeof bytes);
    CHECK(count(&php, (struct view){bytes, length}) == results);
  }
  writer_release(&writer);
  return 0;
}

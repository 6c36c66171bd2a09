/* Fuzz target: an answer to subscription_info that the reader has found sound. */
#include "base/check.h"
#include "dialect/v2.h"
#include "rows/reader.h"

#define DEPTH 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_sound(struct view body) {
  struct fault fault;
  const struct question question = question_of_subscription();
  struct reader *reader = reader_create(dialect_v2.shape(&question), DEPTH);
  bool ok = reader && reader_feed(reader, body, &fault) && reader_finish(reader, &fault);
  reader_release(&reader);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size};
  struct dialect_subscription subscription;
  struct fault fault = {0};
  if (!is_sound(body))
    return 0;
  if (!dialect_v2.read_subscription(body, &subscription, &fault))
    CHECK(fault.kind == FAULT_UPSTREAM || fault.kind == FAULT_INTERNAL);
  return 0;
}

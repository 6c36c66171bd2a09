/* Fuzz target: an answer to limits-and-usage that the reader has found sound. */
#include "base/check.h"
#include "dialect/v3.h"
#include "rows/reader.h"

#define DEPTH 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_sound(struct view body) {
  struct fault fault;
  const struct question question = question_of_subscription();
  struct reader *reader = reader_create(dialect_v3.shape(&question), DEPTH);
  bool ok = reader && reader_feed(reader, body, &fault) && reader_finish(reader, &fault);
  reader_release(&reader);
  return ok;
}

static void check(const struct dialect_subscription *read) {
  CHECK(read->left.currency == CURRENCY_UNITS && read->limit.currency == CURRENCY_UNITS);
  CHECK(read->has_left || (amount_is_zero(read->left) && amount_is_zero(read->limit)));
  CHECK(read->cap >= -1);
  CHECK(memchr(read->plan, '\0', sizeof read->plan));
  for (const char *c = read->plan; *c; c++)
    CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size};
  struct dialect_subscription subscription;
  struct fault fault = {0};
  if (!is_sound(body))
    return 0;
  if (dialect_v3.read_subscription(body, &subscription, &fault))
    check(&subscription);
  else
    CHECK(fault.kind == FAULT_UPSTREAM || fault.kind == FAULT_INTERNAL);
  return 0;
}

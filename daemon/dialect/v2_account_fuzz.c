/* Fuzz target: the account that subscription_info tells, as it is read after the reader. */
#include "base/check.h"
#include "dialect/v2.h"
#include "rows/reader.h"

#define DEPTH 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_sound(struct view body) {
  struct fault fault;
  struct reader *reader = reader_create(&(struct reader_shape){VIEW("")}, DEPTH);
  bool ok = reader && reader_feed(reader, body, &fault) && reader_finish(reader, &fault);
  reader_release(&reader);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size};
  struct v2_account account;
  struct fault fault = {0};
  if (!is_sound(body))
    return 0;
  if (!v2_read_account(body, &account, &fault))
    CHECK(fault.kind == FAULT_UPSTREAM || fault.kind == FAULT_INTERNAL);
  return 0;
}

/* Fuzz target: an error of v3. The first line is the status, the rest the body. */
#include "base/check.h"
#include "base/num.h"
#include "dialect/v3_error.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int64_t status, bool is_error, const struct v3_error *error) {
  CHECK(memchr(error->fault.text, '\0', sizeof error->fault.text) && *error->fault.text);
  CHECK(strlen(error->fault.text) < 400);
  for (const char *c = error->fault.text; *c; c++)
    CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
  CHECK(error->shortage.expected >= -1 && error->shortage.left >= -1);
  CHECK((error->fault.kind == FAULT_TOO_MANY) == (status == 429));
  CHECK(is_error || error->fault.kind == FAULT_UPSTREAM || error->fault.kind == FAULT_TOO_MANY);
  CHECK(error->fault.kind != FAULT_BAD_TOKEN || status == 401 || status == 403);
  CHECK(error->fault.kind == FAULT_OVER_BUDGET ||
        (error->shortage.expected == -1 && error->shortage.left == -1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view body = {size ? (const char *)data : "", size}, line;
  int64_t status;
  if (!view_split(&body, '\n', &line) || !body.at || !num_integer(line, &status) || status > 999)
    return 0;
  char *copy = malloc(body.length);
  CHECK(copy || !body.length);
  if (body.length)
    memcpy(copy, body.at, body.length);
  struct v3_error error;
  bool is_error = v3_error_read((unsigned)status, (struct view){copy, body.length}, &error);
  check(status, is_error, &error);
  free(copy);
  return 0;
}

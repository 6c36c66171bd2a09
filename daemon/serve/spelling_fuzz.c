/* Fuzz target: the input is a target, a NUL, and the value of Authorization. What is cut out is a part of it, and
 * stands nowhere else. */
#include "base/check.h"
#include "serve/spelling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view input = {(const char *)data, size}, target = input, authorization = VIEW("");
  const char *end = memchr(data, '\0', size);
  struct spelling spelling;
  if (end) {
    target = view_first(input, (size_t)(end - input.at));
    authorization = view_from(input, target.length + 1);
  }
  if (!spelling_read(target, authorization, &spelling))
    return 0;
  size_t cut = authorization.length ? 0 : spelling.token.length;
  CHECK(spelling.before.length + cut + spelling.after.length == target.length);
  CHECK(spelling.token.length > 0 && spelling_equal(&spelling, &spelling));
  CHECK(!memmem(spelling.before.at, spelling.before.length, spelling.token.at,
                spelling.token.length));
  CHECK(
      !memmem(spelling.after.at, spelling.after.length, spelling.token.at, spelling.token.length));
  return 0;
}

/* Any bytes as a query: what is made of them fits a request line, and reads as the same again. */
#include "ctl/argument.h"

#include "query/call.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(struct view target) {
  for (size_t i = 0; i < target.length; i++)
    CHECK(target.at[i] > ' ' && target.at[i] < 0x7f && target.at[i] != '#');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct argument argument, again;
  struct fault fault;
  scope_text struct text target = {0}, second = {0};
  bool ok = argument_read((struct view){(const char *)data, size}, &argument, &fault);
  if (ok) {
    argument_add(&argument, &target);
    check_target(text_view(&target));
    CHECK(argument.is_call == view_starts(text_view(&target), VIEW(CALL_PREFIX)));
    CHECK(argument_read(text_view(&target), &again, &fault));
    argument_add(&again, &second);
    CHECK(view_equal(text_view(&target), text_view(&second)) && again.token.length == 0);
    argument_free(&again);
  }
  argument_free(&argument);
  return 0;
}

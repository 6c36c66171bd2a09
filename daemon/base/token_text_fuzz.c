/* Fuzz target: a token as a client writes it. */
#include "base/check.h"
#include "base/text.h"
#include "base/token_text.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_is(struct view written, struct view token) {
  char digits[TOKEN_TEXT_DIGITS];
  CHECK(view_equal(token_text(written, digits), token));
}

static bool is_end(unsigned char c) {
  return c > ' ' && c != 0x7f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view written = {size ? (const char *)data : "", size};
  char digits[TOKEN_TEXT_DIGITS];
  struct view token = token_text(written, digits);
  scope_text struct text padded = {0};
  check_is(token, token);
  text_add(&padded, VIEW("\t\0 "));
  text_add(&padded, written);
  text_add(&padded, VIEW("\x7f\r\n"));
  check_is(text_view(&padded), token);
  CHECK(token.length <= written.length);
  if (token.length)
    CHECK(is_end((unsigned char)token.at[0]) && is_end((unsigned char)token.at[token.length - 1]));
  for (size_t i = 0; token.at == digits && i < token.length; i++)
    CHECK((digits[i] >= '0' && digits[i] <= '9') || (digits[i] >= 'a' && digits[i] <= 'f'));
  if (token_text_ok(token))
    for (size_t i = 0; i < token.length; i++)
      CHECK(token.at[i] > ' ' && token.at[i] < 0x7f);
  return 0;
}

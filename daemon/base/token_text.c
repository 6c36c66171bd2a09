#include "base/token_text.h"

#include "base/num.h"

static bool is_blank(char c) {
  return (unsigned char)c <= ' ' || c == 0x7f;
}

static struct view trim(struct view token) {
  while (token.length && is_blank(token.at[0]))
    token = view_from(token, 1);
  while (token.length && is_blank(token.at[token.length - 1]))
    token.length--;
  return token;
}

struct view token_text(struct view token, char digits[TOKEN_TEXT_DIGITS]) {
  token = trim(token);
  if (token.length != TOKEN_TEXT_DIGITS)
    return token;
  for (size_t i = 0; i < token.length; i++) {
    if (num_hex_digit(token.at[i]) < 0)
      return token;
    digits[i] = num_lower(token.at[i]);
  }
  return (struct view){digits, token.length};
}

bool token_text_ok(struct view token) {
  for (size_t i = 0; i < token.length; i++)
    if (token.at[i] <= ' ' || token.at[i] >= 0x7f)
      return false;
  return token.length > 0;
}

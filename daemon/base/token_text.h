/* A token as text: its one spelling, and the bounds of its length. Pure. */
#pragma once

#include "base/view.h"

/* The length, in bytes, of an upstream token that is masked in answers. A shorter text occurs by
 * chance; a longer one is no token. */
#define TOKEN_TEXT_LEAST 8
#define TOKEN_TEXT_MOST 1024

#define TOKEN_TEXT_DIGITS 40 /* hex digits of an Ahrefs token (v2's reference, "Request") */

/* The one spelling of `token`: without white space and control characters at its ends, and in lower
 * case if it is 40 hex digits. The result is a part of `token`, or `digits`. Tokens are compared
 * and sent in this spelling only: an upstream that trims tokens, or ignores the case of digits,
 * must not know a token in a spelling that is unknown here. */
struct view token_text(struct view token, char digits[TOKEN_TEXT_DIGITS]);

/* True if `token` can be a token: visible ASCII characters, at least one. */
bool token_text_ok(struct view token);

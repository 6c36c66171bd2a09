/* A token as text: its one spelling, and how long it can be. Pure. */
#pragma once

#include "base/view.h"

/* Bytes of an upstream token that is looked for in answers, to mask it. A shorter text stands
 * anywhere by chance; a longer one is no token. */
#define TOKEN_TEXT_LEAST 8
#define TOKEN_TEXT_MOST 1024

#define TOKEN_TEXT_DIGITS 40 /* hex digits of an Ahrefs token (v2's reference, "Request") */

/* The one spelling of `token`: without white space and control characters at its ends, and in lower
 * case where it is 40 hex digits. The result points into `token`, or to `digits`. Whoever compares
 * or sends a token takes it so: an upstream that trims, or compares digits without case, must not
 * know a token in a spelling for which it is not known here. */
struct view token_text(struct view token, char digits[TOKEN_TEXT_DIGITS]);

/* Whether it can be one: visible ASCII characters, at least one. */
bool token_text_ok(struct view token);

/* Masks a secret in a stream of bytes: replaces each byte of it by 'x', also where one read ends
 * inside the secret. Lengths do not change. Pure.
 *
 * An answer of upstream may repeat the token that it was asked with. That is not always the token
 * of the client that reads the answer: a client with an issued token, and a client that joined a
 * flight, read an answer to another token. */
#pragma once

#include "base/token_text.h"

struct mask {
  struct view
      secret;  /* at most TOKEN_TEXT_MOST bytes, which the owner keeps; empty: nothing is masked */
  size_t held; /* bytes held back: the secret's first ones, in which the stream ends so far */
};

/* Copies the bytes held back to the front of `buffer`, which must have room for them, and returns
 * their number. The next bytes of the stream belong behind them. */
size_t mask_resume(const struct mask *mask, char *buffer);

/* Masks the first `length` bytes of `buffer`, which begin with those that mask_resume() copied.
 * Returns the number of bytes that may go out now; the others are held back. */
size_t mask_apply(struct mask *mask, char *buffer, size_t length);

/* After the end of the stream: copies the bytes held back to `buffer` and returns their number. They
 * may go out. */
size_t mask_end(struct mask *mask, char *buffer);

/* True if the secret occurs in the stream up to `bytes`, the next bytes of it, and ends in them.
 * Changes no byte. Needs a mask of its own, which begins with held = 0. */
bool mask_finds(struct mask *mask, struct view bytes);

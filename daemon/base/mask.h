/* Keeps a secret out of a stream of bytes: wherever it stands, as many 'x' stand instead, also
 * where it is cut in two between one read and the next. Lengths do not change. Pure.
 *
 * Upstream's words may repeat the token that they were asked with, which is not always that of the
 * client who reads them: an issued token's client, and whoever joined, reads what was asked with
 * another. */
#pragma once

#include "base/token_text.h"

#define MASK_MOST TOKEN_TEXT_MOST /* bytes of a secret */

struct mask {
  struct view secret; /* MASK_MOST at most; the owner keeps the bytes; empty: nothing is masked */
  size_t held;        /* bytes that are kept back: the stream ended, so far, in a beginning of it */
};

/* Puts what is kept back at the front of `buffer`; returns how many bytes those are: the next ones
 * of the stream are to be read behind them. There must be room for them. */
size_t mask_resume(const struct mask *mask, char *buffer);

/* Masks the first `length` bytes of `buffer`, which begin with what mask_resume() put there.
 * Returns how many of them may go out now; the others are kept back. */
size_t mask_apply(struct mask *mask, char *buffer, size_t length);

/* The stream has ended: what is kept back may go out, and is put into `buffer`. Returns how many
 * bytes those are. */
size_t mask_end(struct mask *mask, char *buffer);

/* Only looks: whether the secret stands in the stream, of which `bytes` are the next. Of a mask of
 * its own, begun with held = 0. */
bool mask_finds(struct mask *mask, struct view bytes);

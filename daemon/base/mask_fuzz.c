/* Fuzz target: a secret in a stream. The input is the length of the secret, the size of each read,
 * the secret, and the stream. */
#include "base/check.h"
#include "base/mask.h"

#include <stdint.h>
#include <stdlib.h>

#define READ_MOST ((size_t)64)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Masks `stream` in reads of `step` bytes; returns the result, which is as long. */
static char *masked(struct view secret, struct view stream, size_t step) {
  struct mask mask = {.secret = secret};
  char buffer[TOKEN_TEXT_MOST + READ_MOST], *out = malloc(stream.length + 1);
  size_t length = 0;
  CHECK(out);
  for (size_t at = 0; at < stream.length; at += step) {
    struct view piece = view_first(view_from(stream, at), step);
    size_t held = mask_resume(&mask, buffer);
    memcpy(buffer + held, piece.at, piece.length);
    size_t ready = mask_apply(&mask, buffer, held + piece.length);
    memcpy(out + length, buffer, ready);
    length += ready;
  }
  size_t rest = mask_end(&mask, buffer);
  memcpy(out + length, buffer, rest);
  CHECK(length + rest == stream.length);
  return out;
}

static bool finds(struct view secret, struct view stream, size_t step) {
  struct mask mask = {.secret = secret};
  bool found = false;
  for (size_t at = 0; at < stream.length; at += step)
    found = mask_finds(&mask, view_first(view_from(stream, at), step)) || found;
  return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view input = {(const char *)data, size};
  if (size < 3)
    return 0;
  size_t length = 1 + (size_t)data[0] % 32, step = 1 + data[1] % READ_MOST;
  struct view secret = view_first(view_from(input, 2), length);
  struct view stream = view_from(input, 2 + secret.length);
  bool is_there = memmem(stream.at, stream.length, secret.at, secret.length) != NULL;
  char *out = masked(secret, stream, step);
  CHECK(finds(secret, stream, step) == is_there);
  if (!is_there)
    CHECK(stream.length == 0 || memcmp(out, stream.at, stream.length) == 0);
  /* A secret that begins or ends in x can come to stand there by the masking itself. */
  if (!memchr(secret.at, 'x', secret.length))
    CHECK(!memmem(out, stream.length, secret.at, secret.length));
  free(out);
  return 0;
}

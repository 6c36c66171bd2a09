#include "body/masked.h"

#include "base/mask.h"
#include "base/token_text.h"

#include <stdlib.h>

/* The inner body is read into this buffer, as the client's may be smaller than the secret. */
#define BUFFER_SIZE ((size_t)16 * TOKEN_TEXT_MOST)

struct masked {
  struct body body;
  struct body *inner;
  struct mask mask;
  bool inner_has_ended;
  size_t at, length; /* bytes[at] to bytes[length - 1] may go out */
  char bytes[BUFFER_SIZE];
};

/* Reads and masks more bytes. BODY_BYTES with `length` 0: all of them are held back. */
static enum body_read fill(struct masked *masked) {
  size_t count = 0, held = mask_resume(&masked->mask, masked->bytes);
  masked->at = masked->length = 0;
  if (masked->inner_has_ended)
    return BODY_END;
  enum body_read read = body_read(masked->inner, masked->bytes + held, BUFFER_SIZE - held, &count);
  if (read == BODY_BYTES)
    masked->length = mask_apply(&masked->mask, masked->bytes, held + count);
  if (read != BODY_END)
    return read;
  masked->inner_has_ended = true;
  masked->length = mask_end(&masked->mask, masked->bytes);
  return BODY_BYTES;
}

static enum body_read read_masked(struct body *body, char *buffer, size_t size, size_t *count) {
  struct masked *masked = (struct masked *)body;
  enum body_read read;
  while (masked->at == masked->length)
    if ((read = fill(masked)) != BODY_BYTES)
      return read;
  struct view bytes = {masked->bytes + masked->at, masked->length - masked->at};
  bytes = view_first(bytes, size);
  memcpy(buffer, bytes.at, bytes.length);
  masked->at += bytes.length;
  *count = bytes.length;
  return BODY_BYTES;
}

static void release_masked(struct body *body) {
  struct masked *masked = (struct masked *)body;
  body_release(&masked->inner);
  free(masked);
}

static const struct body_kind kind = {read_masked, release_masked};

struct body *body_masked(struct body **inner, struct view secret) {
  CHECK(secret.length <= TOKEN_TEXT_MOST);
  if (!*inner || !secret.length)
    return steal(*inner);
  struct masked *masked = calloc(1, sizeof *masked);
  if (!masked) {
    body_release(inner);
    return NULL;
  }
  masked->body.kind = &kind;
  masked->inner = steal(*inner);
  masked->mask.secret = secret;
  return &masked->body;
}

#include "base/mask.h"

#include "base/check.h"

size_t mask_resume(const struct mask *mask, char *buffer) {
  if (mask->held)
    memcpy(buffer, mask->secret.at, mask->held);
  return mask->held;
}

/* The length of the longest beginning of the secret, but not all of it, that `bytes` end in. */
static size_t begun(struct view secret, struct view bytes) {
  size_t length = secret.length - 1 < bytes.length ? secret.length - 1 : bytes.length;
  while (length && !view_equal(view_first(secret, length), view_from(bytes, bytes.length - length)))
    length--;
  return length;
}

size_t mask_apply(struct mask *mask, char *buffer, size_t length) {
  struct view secret = mask->secret;
  if (!secret.length)
    return length;
  char *from = buffer, *end = buffer + length, *found;
  while ((found = memmem(from, (size_t)(end - from), secret.at, secret.length))) {
    memset(found, 'x', secret.length);
    from = found + secret.length;
  }
  mask->held = begun(secret, (struct view){from, (size_t)(end - from)});
  return length - mask->held;
}

size_t mask_end(struct mask *mask, char *buffer) {
  size_t held = mask_resume(mask, buffer);
  mask->held = 0;
  return held;
}

static bool stands_in(struct view secret, struct view bytes) {
  return memmem(bytes.at, bytes.length, secret.at, secret.length) != NULL;
}

bool mask_finds(struct mask *mask, struct view bytes) {
  char joint[2 * TOKEN_TEXT_MOST];
  struct view secret = mask->secret;
  CHECK(secret.length <= TOKEN_TEXT_MOST);
  if (!secret.length || !bytes.length)
    return false;
  /* What was begun before, and as much as could end it. */
  struct view begin = view_first(bytes, secret.length - 1);
  memcpy(joint, secret.at, mask->held);
  memcpy(joint + mask->held, begin.at, begin.length);
  struct view both = {joint, mask->held + begin.length};
  mask->held = begun(secret, bytes.length < secret.length ? both : bytes);
  return stands_in(secret, both) || stands_in(secret, bytes);
}

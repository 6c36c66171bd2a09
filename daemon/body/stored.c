#include "body/stored.h"

#include "body/chunk.h"

#include <stdlib.h>

struct stored {
  struct body body;
  struct cache_hold *hold;
  struct cache_fill *fill;  /* what is read becomes hot; NULL: it does not */
  int64_t position, length; /* in bytes */
  const char *request;
};

static void note_read(struct stored *stored, struct view bytes) {
  struct cache_hot *hot = NULL;
  if (stored->fill)
    cache_fill_add(stored->fill, bytes);
  if (stored->fill && stored->position == stored->length)
    hot = cache_fill_end(&stored->fill);
  cache_hot_release(&hot);
}

static enum body_read read_stored(struct body *body, char *buffer, size_t size, size_t *count) {
  struct stored *stored = (struct stored *)body;
  if (stored->position >= stored->length)
    return BODY_END;
  /* Not earlier: the body of a 304 is never read, and others would make room for nothing. */
  if (!stored->position && !stored->fill)
    stored->fill = cache_fill_begin(stored->hold);
  *count = body_chunk_copy(stored->hold, stored->position, buffer, size, stored->request);
  stored->position += (int64_t)*count;
  note_read(stored, (struct view){buffer, *count});
  return *count ? BODY_BYTES : BODY_BROKEN;
}

static void release_stored(struct body *body) {
  struct stored *stored = (struct stored *)body;
  cache_fill_abandon(&stored->fill);
  cache_release(&stored->hold);
  free(stored);
}

static const struct body_kind kind = {read_stored, release_stored};

struct body *body_stored(struct cache_hold **hold, const char *request) {
  struct stored *stored = calloc(1, sizeof *stored);
  if (!stored) {
    cache_release(hold);
    return NULL;
  }
  stored->body.kind = &kind;
  stored->length = cache_hold_entry(*hold)->body_length;
  stored->hold = steal(*hold);
  stored->request = request;
  return &stored->body;
}

/* The body of a reply: an object from which the exchange reads the client's bytes.
 *
 * A body reads from a source (a stored result, a flight), or from another body that it owns and
 * whose bytes it changes on the way. So bodies form a chain: whoever reads or releases the outer
 * one reads and releases them all. A new kind of body is one file with one `struct body_kind`; its
 * object begins with a `struct body`.
 *
 * One thread at a time uses a body. Reading may block on the disk only. */
#pragma once

#include "base/scope.h"

#include <stddef.h>

enum body_read {
  BODY_BYTES,  /* `*count` bytes were read: 1 or more */
  BODY_WAIT,   /* nothing now: exchange_wake() will be called, as the body's maker arranged */
  BODY_END,    /* do not read again, nor after BODY_BROKEN */
  BODY_BROKEN, /* the rest will not come: the connection ends, so that the client sees the loss */
};

struct body;

struct body_kind {
  /* Reads at most `size` bytes into `buffer`; `size` is 1 or more. */
  enum body_read (*read)(struct body *body, char *buffer, size_t size, size_t *count);
  /* Frees the body, at any moment between two reads, and the inner body if it has one. After it
   * returns, nothing wakes the exchange for this body. */
  void (*release)(struct body *body);
};

struct body {
  const struct body_kind *kind; /* constant */
};

static inline enum body_read body_read(struct body *body, char *buffer, size_t size,
                                       size_t *count) {
  return body->kind->read(body, buffer, size, count);
}

/* Releases the body and leaves NULL; NULL is allowed. */
static inline void body_release(struct body **address) {
  struct body *body = steal(*address);
  if (body)
    body->kind->release(body);
}

/* One HTTP request to upstream, as a dialect writes it. Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

/* All of it is owned, may hold a token, and must never be logged. Begins as {0}. */
struct dialect_request {
  char *url;
  char *authorization; /* the value of Authorization; NULL: it is not sent */
  char *method;        /* NULL: GET without a body, POST with one */
  char *body;          /* NULL: none */
  size_t body_length;
  char *content_type; /* of the body; NULL: it is not sent */
};

/* Sets a copy of `body` and its type (empty: none). False: no memory. */
bool dialect_request_set_body(struct dialect_request *request, struct view body,
                              struct view type) MUST_CHECK;

/* A copy of `bytes` with a NUL behind it, the caller's. NULL: no memory. */
char *dialect_copy(struct view bytes) MUST_CHECK;

/* Wipes and frees all of it, and leaves {0}. */
void dialect_request_release(struct dialect_request *request);

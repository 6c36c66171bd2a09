/* One HTTP request to upstream, as a dialect writes it. Pure. */
#pragma once

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

/* Wipes and frees all of it, and leaves {0}. */
void dialect_request_release(struct dialect_request *request);

#include "dialect/request.h"

#include <stdlib.h>
#include <string.h>

static void wipe(char *bytes, size_t length) {
  if (bytes)
    explicit_bzero(bytes, length);
  free(bytes);
}

static void wipe_text(char *text) {
  wipe(text, text ? strlen(text) : 0);
}

void dialect_request_release(struct dialect_request *request) {
  wipe_text(request->url);
  wipe_text(request->authorization);
  wipe_text(request->method);
  wipe(request->body, request->body_length);
  wipe_text(request->content_type);
  *request = (struct dialect_request){0};
}

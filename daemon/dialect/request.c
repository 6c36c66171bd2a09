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

char *dialect_copy(struct view bytes) {
  char *copied = malloc(bytes.length + 1);
  if (!copied)
    return NULL;
  if (bytes.length)
    memcpy(copied, bytes.at, bytes.length);
  copied[bytes.length] = '\0';
  return copied;
}

bool dialect_request_set_body(struct dialect_request *request, struct view body, struct view type) {
  request->body_length = body.length;
  request->body = dialect_copy(body);
  request->content_type = type.length ? dialect_copy(type) : NULL;
  return request->body && (request->content_type || !type.length);
}

void dialect_request_release(struct dialect_request *request) {
  wipe_text(request->url);
  wipe_text(request->authorization);
  wipe_text(request->method);
  wipe(request->body, request->body_length);
  wipe_text(request->content_type);
  *request = (struct dialect_request){0};
}

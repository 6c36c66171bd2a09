#include "http/ready.h"

#include "base/scope.h"
#include "http/exchange_mhd.h"

#include <stdatomic.h>

struct exchange_ready {
  atomic_int references;
  unsigned status;
  bool failed; /* a header is missing */
  struct MHD_Response *response;
};

struct exchange_ready *exchange_ready_create(unsigned status, struct view bytes,
                                             enum exchange_coding coding, bool varies) {
  struct exchange_ready *ready = malloc(sizeof *ready);
  if (!ready)
    return NULL;
  atomic_init(&ready->references, 1);
  ready->status = status;
  ready->response = MHD_create_response_from_buffer_with_free_callback_cls(
      bytes.length, (void *)bytes.at, NULL, NULL);
  if (!ready->response) {
    free(ready);
    return NULL;
  }
  ready->failed = !exchange_add_coding(ready->response, status, coding, varies);
  return ready;
}

void exchange_ready_add_header(struct exchange_ready *ready, const char *name, const char *value) {
  ready->failed |= MHD_add_response_header(ready->response, name, value) != MHD_YES;
}

bool exchange_ready_ok(const struct exchange_ready *ready) {
  return !ready->failed;
}

struct exchange_ready *exchange_ready_hold(struct exchange_ready *ready) {
  atomic_fetch_add_explicit(&ready->references, 1, memory_order_relaxed);
  return ready;
}

void exchange_ready_release(struct exchange_ready **address) {
  struct exchange_ready *ready = steal(*address);
  if (!ready || atomic_fetch_sub(&ready->references, 1) > 1)
    return;
  MHD_destroy_response(ready->response);
  free(ready);
}

unsigned exchange_ready_status(const struct exchange_ready *ready) {
  return ready->status;
}

struct MHD_Response *exchange_ready_response(const struct exchange_ready *ready) {
  return ready->response;
}

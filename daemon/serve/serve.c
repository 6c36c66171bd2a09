#include "serve/request.h"

#include "base/scope.h"

static struct exchange_limits limits(void *context) {
  struct serve *serve = context;
  struct settings *settings = current_settings(serve->rooms.current);
  struct exchange_limits limits = {.head = {.uri = (size_t)settings->max_uri,
                                            .headers = (size_t)settings->max_headers,
                                            .count = (size_t)settings->max_header_count},
                                   .body = (size_t)settings->max_body,
                                   .bodies = (size_t)settings->max_bodies,
                                   .kept = (size_t)settings->max_kept};
  settings_release(&settings);
  return limits;
}

struct serve *serve_create(const struct serve_rooms *rooms) {
  struct serve *serve = calloc(1, sizeof *serve);
  if (!serve)
    return NULL;
  serve->rooms = *rooms;
  serve->handler = (struct exchange_handler){.limits = limits,
                                             .step = request_step,
                                             .finished = request_finished,
                                             .context = serve,
                                             .codes = true};
  return serve;
}

void serve_release(struct serve **address) {
  struct serve *serve = steal(*address);
  CHECK(!serve || atomic_load(&serve->busy) == 0);
  free(serve);
}

const struct exchange_handler *serve_handler(struct serve *serve) {
  return &serve->handler;
}

void serve_drain(struct serve *serve) {
  atomic_store(&serve->draining, true);
}

bool serve_is_draining(const struct serve *serve) {
  return atomic_load(&serve->draining);
}

int64_t serve_busy(const struct serve *serve) {
  return atomic_load(&serve->busy);
}

#include "serve/quick.h"

#include "base/scope.h"

static struct exchange_limits limits(void *context) {
  return quick_limits(context);
}

struct serve *serve_create(const struct serve_rooms *rooms) {
  struct serve *serve = shard_alloc(sizeof *serve);
  struct quick *quick = quick_create();
  if (!serve || !quick) {
    quick_release(&quick);
    free(serve);
    return NULL;
  }
  serve->rooms = *rooms;
  serve->quick = quick;
  serve->handler = (struct exchange_handler){.limits = limits,
                                             .step = request_step,
                                             .finished = request_finished,
                                             .context = serve,
                                             .codes = true};
  return serve;
}

void serve_release(struct serve **address) {
  struct serve *serve = steal(*address);
  if (!serve)
    return;
  CHECK(serve_busy(serve) == 0);
  quick_release(&serve->quick);
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

void serve_enter(struct serve *serve) {
  atomic_fetch_add(&serve->shards[shard_of_thread()].busy, 1);
}

void serve_leave(struct serve *serve) {
  atomic_fetch_sub(&serve->shards[shard_of_thread()].busy, 1);
}

int64_t serve_busy(const struct serve *serve) {
  int64_t busy = 0;
  for (int i = 0; i < SHARDS; i++)
    busy += atomic_load(&serve->shards[i].busy);
  return busy;
}

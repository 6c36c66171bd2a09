/* The last requests by their ids: a ring in memory. */
#include "serve/inside.h"

#include "base/scope.h"

#define TRACES 4096

struct trace_ring {
  pthread_mutex_t lock;
  size_t next;
  struct {
    char id[REQUEST_ID_SIZE];
    struct serve_trace trace;
  } traces[TRACES];
};

struct trace_ring *trace_create(void) {
  struct trace_ring *ring = calloc(1, sizeof *ring);
  if (ring)
    pthread_mutex_init(&ring->lock, NULL);
  return ring;
}

void trace_release(struct trace_ring **address) {
  struct trace_ring *ring = steal(*address);
  if (!ring)
    return;
  pthread_mutex_destroy(&ring->lock);
  free(ring);
}

void trace_add(struct trace_ring *ring, const char *id, const struct serve_trace *trace) {
  pthread_mutex_lock(&ring->lock);
  size_t at = ring->next++ % TRACES;
  memcpy(ring->traces[at].id, id, REQUEST_ID_SIZE);
  ring->traces[at].trace = *trace;
  pthread_mutex_unlock(&ring->lock);
}

bool trace_find(struct trace_ring *ring, const char *id, struct serve_trace *trace) {
  bool found = false;
  pthread_mutex_lock(&ring->lock);
  for (size_t i = 0; i < TRACES && !found; i++) {
    found = strcmp(ring->traces[i].id, id) == 0;
    if (found)
      *trace = ring->traces[i].trace;
  }
  pthread_mutex_unlock(&ring->lock);
  return found;
}

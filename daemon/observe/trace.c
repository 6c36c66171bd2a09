#include "observe/trace.h"

#include "base/scope.h"

#include <pthread.h>
#include <string.h>

#define TRACES 4096

struct traces {
  pthread_mutex_t lock;
  size_t next;
  struct {
    char id[TRACE_ID_SIZE];
    struct trace trace;
  } ring[TRACES];
};

struct traces *traces_create(void) {
  struct traces *traces = calloc(1, sizeof *traces);
  if (traces)
    pthread_mutex_init(&traces->lock, NULL);
  return traces;
}

void traces_release(struct traces **address) {
  struct traces *traces = steal(*address);
  if (!traces)
    return;
  pthread_mutex_destroy(&traces->lock);
  free(traces);
}

void traces_add(struct traces *traces, const char id[TRACE_ID_SIZE], const struct trace *trace) {
  pthread_mutex_lock(&traces->lock);
  size_t at = traces->next++ % TRACES;
  memcpy(traces->ring[at].id, id, TRACE_ID_SIZE);
  traces->ring[at].trace = *trace;
  pthread_mutex_unlock(&traces->lock);
}

bool traces_find(struct traces *traces, const char *id, struct trace *trace) {
  bool found = false;
  pthread_mutex_lock(&traces->lock);
  for (size_t i = 0; i < TRACES && !found; i++) {
    found = *id && strcmp(traces->ring[i].id, id) == 0;
    if (found)
      *trace = traces->ring[i].trace;
  }
  pthread_mutex_unlock(&traces->lock);
  return found;
}

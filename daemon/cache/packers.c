#include "cache/packers.h"

#include "base/thread.h"
#include "cache/chunk.h"

#include <stdlib.h>
#include <utlist.h>

static void pack(ZSTD_CCtx *context, struct packing *packing, char *buffer) {
  packing->ok = chunk_pack(context, packing->bytes, buffer, &packing->packed, &packing->fault);
}

/* --- the packers --- */

/* Waits for a chunk and a buffer for it. NULL: the end. */
static struct packing *next(struct packers *packers) {
  pthread_mutex_lock(&packers->lock);
  while (!packers->closing && !(packers->waiting && packers->spare_count))
    pthread_cond_wait(&packers->changed, &packers->lock);
  struct packing *packing = packers->closing ? NULL : packers->waiting;
  if (packing) {
    DL_DELETE(packers->waiting, packing);
    packing->buffer = packers->spares[--packers->spare_count];
    packing->state = PACKING_RUNS;
  }
  pthread_mutex_unlock(&packers->lock);
  return packing;
}

static void set_over(struct packers *packers, struct packing *packing) {
  pthread_mutex_lock(&packers->lock);
  packing->state = PACKING_OVER;
  pthread_cond_signal(&packers->over); /* only the keeper's thread waits */
  pthread_mutex_unlock(&packers->lock);
}

/* A packer without memory for its context leaves all to the others. */
static void *run(void *argument) {
  struct packers *packers = argument;
  ZSTD_CCtx *context = chunk_packer();
  struct packing *packing;
  thread_become(THREAD_BATCH);
  while (context && (packing = next(packers))) {
    pack(context, packing, packing->buffer);
    set_over(packers, packing);
  }
  ZSTD_freeCCtx(context);
  return NULL;
}

/* --- the others --- */

void packers_give(struct packers *packers, struct packing *packing, struct view bytes) {
  *packing = (struct packing){.bytes = bytes};
  pthread_mutex_lock(&packers->lock);
  DL_APPEND(packers->waiting, packing);
  /* The keeper comes at once for a single one; to wake two threads for it costs more than it saves. */
  if (packers->waiting->next)
    pthread_cond_signal(&packers->changed);
  pthread_mutex_unlock(&packers->lock);
}

/* Waits until no packer has it. True: none had it, and none will. */
static bool claim(struct packers *packers, struct packing *packing) {
  pthread_mutex_lock(&packers->lock);
  bool waited = packing->state == PACKING_WAITS;
  if (waited)
    DL_DELETE(packers->waiting, packing);
  while (!waited && packing->state != PACKING_OVER)
    pthread_cond_wait(&packers->over, &packers->lock);
  packing->state = PACKING_OVER;
  pthread_mutex_unlock(&packers->lock);
  return waited;
}

bool packers_take(struct packers *packers, struct packing *packing, struct view *packed,
                  struct fault *fault) {
  if (claim(packers, packing))
    pack(packers->context, packing, packers->buffer);
  *packed = packing->packed;
  if (!packing->ok)
    *fault = packing->fault;
  return packing->ok;
}

void packers_end(struct packers *packers, struct packing *packing) {
  (void)claim(packers, packing);
  if (!packing->buffer)
    return;
  pthread_mutex_lock(&packers->lock);
  packers->spares[packers->spare_count++] = packing->buffer;
  pthread_cond_signal(&packers->changed);
  pthread_mutex_unlock(&packers->lock);
}

/* --- life --- */

static bool make_buffers(struct packers *packers) {
  packers->context = chunk_packer();
  packers->buffer = malloc(CHUNK_BOUND);
  bool ok = packers->context && packers->buffer;
  while (ok && packers->spare_count < PACKED_AHEAD) {
    packers->spares[packers->spare_count] = malloc(CHUNK_BOUND);
    ok = packers->spares[packers->spare_count] != NULL;
    packers->spare_count += ok;
  }
  return ok;
}

static bool start_threads(struct packers *packers, struct fault *fault) {
  while (packers->thread_count < PACKERS) {
    if (!thread_start(&packers->threads[packers->thread_count], "packer", run, packers, fault))
      return false;
    packers->thread_count++;
  }
  return true;
}

bool packers_open(struct packers *packers, struct fault *fault) {
  *packers = (struct packers){0};
  pthread_mutex_init(&packers->lock, NULL);
  pthread_cond_init(&packers->changed, NULL);
  pthread_cond_init(&packers->over, NULL);
  if (make_buffers(packers) ? start_threads(packers, fault) : fault_no_memory(fault))
    return true;
  packers_close(packers);
  return false;
}

void packers_close(struct packers *packers) {
  pthread_mutex_lock(&packers->lock);
  CHECK(!packers->waiting);
  packers->closing = true;
  pthread_cond_broadcast(&packers->changed);
  pthread_mutex_unlock(&packers->lock);
  while (packers->thread_count)
    pthread_join(packers->threads[--packers->thread_count], NULL);
  while (packers->spare_count)
    free(packers->spares[--packers->spare_count]);
  free(packers->buffer);
  ZSTD_freeCCtx(packers->context);
  pthread_cond_destroy(&packers->over);
  pthread_cond_destroy(&packers->changed);
  pthread_mutex_destroy(&packers->lock);
}

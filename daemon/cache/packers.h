/* Packs chunks on threads of their own, ahead of the keeper: packing takes most of the time of
 * storing, so the thread that writes should do little of it.
 *
 * A packing is given when its chunk is, and taken by the keeper's thread when it comes to that
 * chunk. If no packer has begun with it until then, the keeper packs it itself. So the order of
 * chunks is the keeper's, a small answer waits for no other thread, and what is packed and not yet
 * taken is bounded: PACKED_AHEAD chunks. Packers and keeper are batch jobs (base/thread.h). */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <pthread.h>
#include <zstd.h>

#define PACKERS 2
#define PACKED_AHEAD 8

/* One chunk; a member of its owner's struct. */
struct packing {
  struct view bytes; /* hold until packers_end() */
  enum packing_state { PACKING_WAITS, PACKING_RUNS, PACKING_OVER } state;
  char *buffer; /* one of the spares; NULL: it has none */
  struct view packed;
  bool ok;
  struct fault fault;
  struct packing *next, *prev;
};

struct packers {
  pthread_mutex_t lock;
  pthread_cond_t changed; /* there is something to pack, or a buffer, or the end */
  pthread_cond_t over;    /* a packing is */
  struct packing *waiting;
  char *spares[PACKED_AHEAD];
  int spare_count;
  bool closing;
  pthread_t threads[PACKERS];
  int thread_count;
  /* the keeper's own */
  ZSTD_CCtx *context;
  char *buffer;
};

/* Starts the threads. False: no memory, or no thread; everything is released. */
bool packers_open(struct packers *packers, struct fault *fault) MUST_CHECK;
/* Ends them; every packing has ended. */
void packers_close(struct packers *packers);

/* Gives a chunk of at most CACHE_CHUNK_SIZE bytes to be packed. Any thread; does not block. */
void packers_give(struct packers *packers, struct packing *packing, struct view bytes);
/* The packed chunk; `*packed` holds until packers_end() or the next call. May wait for the packer
 * that has it. Keeper's thread. */
bool packers_take(struct packers *packers, struct packing *packing, struct view *packed,
                  struct fault *fault) MUST_CHECK;
/* The packing is not needed any more, taken or not. May wait likewise. Once for each that was
 * given. */
void packers_end(struct packers *packers, struct packing *packing);

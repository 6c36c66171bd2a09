/* Threads with names. */
#pragma once

#include "base/fault.h"

#include <pthread.h>

/* Starts a thread with a name (at most 15 bytes, for ps and gdb). All signals are blocked in it
 * except those of its own faults (SIGSEGV and the like): signals belong to the main thread. */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct fault *fault) MUST_CHECK;

enum thread_kind {
  THREAD_ORDINARY,
  /* A batch job (sched(7), SCHED_BATCH): it gets its share of the processors, but when it is woken,
   * it does not interrupt a thread that runs. For work in many small parts whose sum matters more
   * than when each is done. */
  THREAD_BATCH,
  /* It takes short turns: when it is woken, it interrupts a thread that takes longer ones, unless
   * it had more than its share (Linux from 6.12 on; before, it is an ordinary thread). For short
   * work that somebody waits for. */
  THREAD_PROMPT
};

/* Makes the calling thread one of this kind, if it is an ordinary one. Where the system forbids
 * that, nothing changes. */
void thread_become(enum thread_kind kind);

/* Threads with names. */
#pragma once

#include "base/fault.h"

#include <pthread.h>

/* Starts a thread with a name (at most 15 bytes, for ps and gdb). All signals are blocked in it
 * except those of its own faults (SIGSEGV and the like): signals belong to the main thread. */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct fault *fault) MUST_CHECK;

/* Makes the calling thread a batch job (sched(7), SCHED_BATCH): it gets its share of the processors, but
 * when it is woken, it does not interrupt a thread that runs. For work that nobody waits for at once,
 * and that comes in many small parts. Where the system forbids it, nothing changes. */
void thread_become_batch(void);

/* Threads with names. */
#pragma once

#include "base/fault.h"

#include <pthread.h>

/* Starts a thread with a name (at most 15 bytes, for ps and gdb). All signals are blocked in it
 * except those of its own faults (SIGSEGV and the like): signals belong to the main thread. */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument,
                  struct fault *fault) MUST_CHECK;

/* The ledger's timer: the thread that hands jobs to the keeper when they are due. Of the ledger room
 * only. */
#pragma once

#include "ledger/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

struct timer {
  pthread_t thread;
  int wake; /* an eventfd; -1: not open */
  atomic_bool stopping;
};

/* Nothing is open yet: timer_close() is allowed. */
void timer_init(struct timer *timer);
/* Opens `wake`. */
bool timer_open(struct timer *timer, struct fault *fault) MUST_CHECK;
/* Starts the thread; the keeper runs. */
bool timer_start(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* Lets the timer check at once. Does not block; any thread, also under the lock. */
void timer_wake(struct ledger *ledger);
/* Ends the thread and waits for its end. */
void timer_stop(struct ledger *ledger);
void timer_close(struct timer *timer);

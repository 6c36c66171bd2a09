/* Threads that work on jobs, and the jobs that may go on. Of the paid room only.
 *
 *   queue_add ---> waits for a thread ---> `run` ---> it has ended: QUEUE_OVER
 *                        ^                   |
 *                        |                   v
 *                        '- queue_call -- QUEUE_PARK
 *
 * A job is in the hands of one thread at a time. A call that comes while it runs is not lost: the
 * job runs again instead of being parked. */
#pragma once

#include "base/check.h"

#include <stdbool.h>

struct queue;

/* The first member of what waits in a queue; begins as {0}. */
struct queue_job {
  struct queue_job *next, *prev;
  bool is_parked, is_called; /* the queue's, under its lock */
};

enum queue_end {
  QUEUE_PARK, /* it waits for queue_call() */
  QUEUE_OVER, /* it has ended, and may be freed already */
};

/* Starts `threads` threads (0 or more); with none no job may be added. `run` goes on with a job.
 * The caller owns the result. NULL: no memory, or no thread. */
struct queue *queue_create(unsigned threads,
                           enum queue_end (*run)(struct queue_job *job)) MUST_CHECK;
/* No job may be left. Ends the threads. Leaves NULL; NULL is allowed. */
void queue_release(struct queue **queue);

/* Gives a new job to the threads. Does not block; any thread. */
void queue_add(struct queue *queue, struct queue_job *job);
/* The job may go on. Does not block; any thread, as long as the job has not ended. */
void queue_call(struct queue *queue, struct queue_job *job);
/* All that are parked may go on. Does not block; any thread. */
void queue_call_all(struct queue *queue);

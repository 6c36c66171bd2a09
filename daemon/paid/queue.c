#include "paid/queue.h"

#include "base/scope.h"
#include "base/thread.h"

#include <stdlib.h>
#include <utlist.h>

struct queue {
  enum queue_end (*run)(struct queue_job *job);
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  struct queue_job *ready, *parked;
  bool quits;
  unsigned count; /* of threads */
  pthread_t threads[];
};

/* Under the lock. */
static void make_ready(struct queue *queue, struct queue_job *job) {
  if (job->is_parked)
    DL_DELETE(queue->parked, job);
  job->is_parked = job->is_called = false;
  DL_APPEND(queue->ready, job);
  pthread_cond_signal(&queue->changed);
}

void queue_add(struct queue *queue, struct queue_job *job) {
  pthread_mutex_lock(&queue->lock);
  make_ready(queue, job);
  pthread_mutex_unlock(&queue->lock);
}

void queue_call(struct queue *queue, struct queue_job *job) {
  pthread_mutex_lock(&queue->lock);
  if (job->is_parked)
    make_ready(queue, job);
  else
    job->is_called = true;
  pthread_mutex_unlock(&queue->lock);
}

void queue_call_all(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (queue->parked)
    make_ready(queue, queue->parked);
  pthread_mutex_unlock(&queue->lock);
}

/* A job that was called while it ran goes to the end of the queue: others may wait. */
static void park(struct queue *queue, struct queue_job *job) {
  pthread_mutex_lock(&queue->lock);
  job->is_parked = !job->is_called;
  if (job->is_parked)
    DL_APPEND(queue->parked, job);
  else
    make_ready(queue, job);
  pthread_mutex_unlock(&queue->lock);
}

/* NULL: the queue quits. */
static struct queue_job *await(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (!queue->ready && !queue->quits)
    pthread_cond_wait(&queue->changed, &queue->lock);
  struct queue_job *job = queue->ready;
  if (job)
    DL_DELETE(queue->ready, job);
  pthread_mutex_unlock(&queue->lock);
  return job;
}

static void *work(void *argument) {
  struct queue *queue = argument;
  struct queue_job *job;
  while ((job = await(queue)))
    if (queue->run(job) == QUEUE_PARK)
      park(queue, job);
  return NULL;
}

static void end_threads(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->quits = true;
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
  for (unsigned i = 0; i < queue->count; i++)
    pthread_join(queue->threads[i], NULL);
}

void queue_release(struct queue **address) {
  struct queue *queue = steal(*address);
  if (!queue)
    return;
  end_threads(queue);
  CHECK(!queue->ready && !queue->parked);
  pthread_cond_destroy(&queue->changed);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

struct queue *queue_create(unsigned threads, enum queue_end (*run)(struct queue_job *job)) {
  struct queue *queue = calloc(1, sizeof *queue + threads * sizeof *queue->threads);
  if (!queue)
    return NULL;
  queue->run = run;
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->changed, NULL);
  while (queue->count < threads &&
         thread_start(&queue->threads[queue->count], "translate", work, queue, NULL))
    queue->count++;
  if (queue->count < threads)
    queue_release(&queue);
  return queue;
}

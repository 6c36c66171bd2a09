/* The desk: threads, and the computations that wait for one. */
#include "derived/job.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/thread.h"

#include <utlist.h>

/* --- counting --- */

void desk_count(struct derived_desk *desk) {
  atomic_fetch_add(&desk->busy, 1);
}

void desk_uncount(struct derived_desk *desk) {
  atomic_fetch_sub(&desk->busy, 1);
}

/* Counts first and checks then: when derived_desk_busy() is 0 after derived_desk_stop(), it stays
 * 0. */
bool desk_begin(struct derived_desk *desk, struct fault *fault) {
  desk_count(desk);
  if (!atomic_load(&desk->stopped))
    return true;
  desk_uncount(desk);
  return fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping; try again");
}

void derived_desk_stop(struct derived_desk *desk) {
  atomic_store(&desk->stopped, true);
}

int64_t derived_desk_busy(const struct derived_desk *desk) {
  return atomic_load(&desk->busy);
}

/* --- queues --- */

void desk_add(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  DL_APPEND(desk->fresh, job);
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

static void give_place(struct derived_job *job) {
  job->has_place = true;
  job->desk->places++;
}

/* Those that wait came first. */
bool desk_take_place(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  bool is_free = desk->places < DERIVED_PLACES && !desk->waiting;
  if (is_free)
    give_place(job);
  pthread_mutex_unlock(&desk->lock);
  return is_free;
}

/* Idle threads are all woken, as each waits until the first computation is late. */
void desk_await_place(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  job->until = clock_monotonic() + job->patience;
  DL_APPEND(desk->waiting, job);
  pthread_cond_broadcast(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

void desk_end(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  desk->places -= job->has_place;
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

void desk_listen(struct derived_job *job) {
  pthread_mutex_lock(&job->desk->lock);
  job->is_called = false;
  pthread_mutex_unlock(&job->desk->lock);
}

bool desk_park(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  CHECK(job->has_place);
  bool parks = !job->is_called;
  job->is_parked = parks;
  pthread_mutex_unlock(&desk->lock);
  return parks;
}

void desk_call(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  pthread_mutex_lock(&desk->lock);
  job->is_called = true;
  if (job->is_parked) {
    DL_APPEND(desk->resumed, job);
    pthread_cond_signal(&desk->changed);
  }
  job->is_parked = false;
  pthread_mutex_unlock(&desk->lock);
}

/* --- threads --- */

static struct derived_job *pick(struct derived_job **queue, struct derived_job *job) {
  DL_DELETE(*queue, job);
  job->desk->large += job->is_large;
  return job;
}

/* Takes the first one that a thread may begin now. Large ones leave one thread to the others, if
 * there are several threads. */
static struct derived_job *take_from(struct derived_desk *desk, struct derived_job **queue) {
  struct derived_job *job;
  bool takes_large = desk->large == 0 || desk->large + 1 < desk->count;
  DL_FOREACH(*queue, job) {
    if (!job->is_large || takes_large)
      break;
  }
  return job ? pick(queue, job) : NULL;
}

/* Takes one that waits for a place: with its place, or late. */
static struct derived_job *take_waiting(struct derived_desk *desk) {
  bool is_free = desk->places < DERIVED_PLACES;
  struct derived_job *job = is_free ? take_from(desk, &desk->waiting) : NULL;
  if (job) {
    give_place(job);
    return job;
  }
  job = desk->waiting;
  if (!job || clock_monotonic() < job->until)
    return NULL;
  job->is_late = true;
  return pick(&desk->waiting, job);
}

/* Those that have begun come first: they hold memory. */
static struct derived_job *take(struct derived_desk *desk) {
  struct derived_job *job = take_from(desk, &desk->resumed);
  if (!job)
    job = take_waiting(desk);
  return job ? job : take_from(desk, &desk->fresh);
}

/* Until something has changed, or one that waits for a place is late. */
static void await_change(struct derived_desk *desk) {
  if (desk->waiting)
    (void)clock_wait(&desk->changed, &desk->lock, desk->waiting->until);
  else
    pthread_cond_wait(&desk->changed, &desk->lock);
}

/* NULL: the desk quits. */
static struct derived_job *await(struct derived_desk *desk) {
  struct derived_job *job;
  pthread_mutex_lock(&desk->lock);
  while (!(job = take(desk)) && !desk->quits)
    await_change(desk);
  pthread_mutex_unlock(&desk->lock);
  return job;
}

/* The thread is free again. */
static void give_back(struct derived_desk *desk, bool was_large) {
  pthread_mutex_lock(&desk->lock);
  desk->large -= was_large;
  pthread_cond_signal(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

static void *run(void *argument) {
  struct derived_desk *desk = argument;
  struct derived_job *job;
  while ((job = await(desk))) {
    bool is_large = job->is_large;
    job_work(job);
    give_back(desk, is_large);
  }
  return NULL;
}

/* --- life --- */

static void end_threads(struct derived_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  desk->quits = true;
  pthread_cond_broadcast(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
  for (unsigned i = 0; i < desk->count; i++)
    pthread_join(desk->threads[i], NULL);
}

void derived_desk_release(struct derived_desk **address) {
  struct derived_desk *desk = steal(*address);
  if (!desk)
    return;
  CHECK(derived_desk_busy(desk) == 0);
  end_threads(desk);
  flights_release(&desk->flights);
  pthread_cond_destroy(&desk->changed);
  pthread_mutex_destroy(&desk->lock);
  free(desk);
}

/* They begin when all are there. */
static bool start_threads(struct derived_desk *desk, unsigned threads) {
  bool ok = true;
  pthread_mutex_lock(&desk->lock);
  while (ok && desk->count < threads) {
    ok = thread_start(&desk->threads[desk->count], "derived", run, desk, NULL);
    desk->count += ok;
  }
  pthread_mutex_unlock(&desk->lock);
  return ok;
}

struct derived_desk *derived_desk_create(struct cache *cache, unsigned threads) {
  CHECK(threads > 0);
  struct derived_desk *desk = calloc(1, sizeof *desk + threads * sizeof *desk->threads);
  if (!desk)
    return NULL;
  desk->cache = cache;
  desk->flights = flights_create();
  pthread_mutex_init(&desk->lock, NULL);
  pthread_cond_init(&desk->changed, NULL);
  if (!desk->flights || !start_threads(desk, threads))
    derived_desk_release(&desk);
  return desk;
}

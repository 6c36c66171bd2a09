#include "db/keeper.h"

#include "base/scope.h"
#include "db/db.h"

#include <limits.h>
#include <string.h>

struct keeper {
  pthread_t thread;
  struct db *db; /* the thread's */
  enum thread_kind kind;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct keeper_job *first, **end; /* jobs that wait; under the lock */
  bool stopping;
};

/* The batch so far was rolled back: none of its jobs has succeeded. */
static void fail_worked(struct keeper_job *first, struct keeper_job *end, const struct fault *why) {
  for (struct keeper_job *job = first; job != end; job = job->next) {
    if (job->worked)
      job->fault = *why;
    job->worked = false;
  }
}

/* Ends the job's savepoint. The work of a failed job must never be committed: if it cannot be
 * rolled back alone, the whole transaction is. */
static bool end_savepoint(struct db *db, bool keep, struct fault *fault) {
  if ((keep || db_execute(db, "ROLLBACK TO job", fault)) && db_execute(db, "RELEASE job", fault))
    return true;
  if (db_in_transaction(db))
    (void)!db_execute(db, "ROLLBACK", NULL);
  return false;
}

/* Runs one job, within a transaction. */
static void work_one(struct keeper *keeper, struct keeper_job *batch, struct keeper_job *job) {
  struct db *db = keeper->db;
  struct fault why;
  if (!db_execute(db, "SAVEPOINT job", &job->fault))
    return;
  job->worked = job->work(job, db, &job->fault);
  /* A full disk and the like end the whole transaction (SQLite, "Response To Errors Within A
   * Transaction"). */
  if (!db_in_transaction(db))
    fail_worked(batch, job->next, &job->fault);
  else if (!end_savepoint(db, job->worked, &why))
    fail_worked(batch, job->next, &why);
}

static void commit(struct keeper *keeper, struct keeper_job *batch) {
  struct fault fault;
  if (!db_in_transaction(keeper->db) || db_execute(keeper->db, "COMMIT", &fault))
    return;
  if (db_in_transaction(keeper->db))
    (void)!db_execute(keeper->db, "ROLLBACK", NULL);
  fail_worked(batch, NULL, &fault);
}

static bool begin(struct keeper *keeper, struct fault *fault) {
  return db_in_transaction(keeper->db) || db_execute(keeper->db, "BEGIN IMMEDIATE", fault);
}

/* Takes the first jobs that wait, at most `most`; NULL: none waits. Under the lock. */
static struct keeper_job *take_waiting(struct keeper *keeper, int most) {
  struct keeper_job *taken = keeper->first, *last = NULL;
  for (int i = 0; i < most && keeper->first; i++) {
    last = keeper->first;
    keeper->first = last->next;
  }
  if (last)
    last->next = NULL;
  if (!keeper->first)
    keeper->end = &keeper->first;
  return taken;
}

/* No transaction could begin: another process holds the lock, and SQLite has waited for it, or the
 * file cannot be written. All waiting jobs fail, those outside the batch, too: otherwise each would
 * wait for the same lock again, one after the other. */
static void fail_waiting(struct keeper *keeper, struct keeper_job *first, const struct fault *why) {
  struct keeper_job *last = first;
  while (last->next)
    last = last->next;
  pthread_mutex_lock(&keeper->lock);
  last->next = take_waiting(keeper, INT_MAX);
  pthread_mutex_unlock(&keeper->lock);
  for (struct keeper_job *job = first; job; job = job->next)
    job->fault = *why;
}

static void run_batch(struct keeper *keeper, struct keeper_job *batch) {
  struct fault why;
  struct keeper_job *job = batch;
  db_tend(keeper->db);
  for (; job && begin(keeper, &why); job = job->next)
    work_one(keeper, batch, job);
  if (job)
    fail_waiting(keeper, job, &why);
  commit(keeper, batch);
  while (batch) {
    job = batch;
    batch = job->next;
    job->done(job, job->worked, &job->fault);
  }
}

/* Waits for jobs and takes them, at most KEEPER_BATCH. NULL: none is left, and the thread must
 * stop. */
static struct keeper_job *take(struct keeper *keeper) {
  pthread_mutex_lock(&keeper->lock);
  while (!keeper->first && !keeper->stopping)
    pthread_cond_wait(&keeper->changed, &keeper->lock);
  struct keeper_job *batch = take_waiting(keeper, KEEPER_BATCH);
  pthread_mutex_unlock(&keeper->lock);
  return batch;
}

static void *run(void *argument) {
  struct keeper *keeper = argument;
  struct keeper_job *batch;
  thread_become(keeper->kind);
  while ((batch = take(keeper)))
    run_batch(keeper, batch);
  return NULL;
}

bool keeper_start(struct keeper **out, const char *name, enum thread_kind kind, struct db **db,
                  struct fault *fault) {
  struct keeper *keeper = calloc(1, sizeof *keeper);
  if (!keeper)
    return fault_no_memory(fault);
  keeper->db = steal(*db);
  keeper->kind = kind;
  keeper->end = &keeper->first;
  pthread_mutex_init(&keeper->lock, NULL);
  pthread_cond_init(&keeper->changed, NULL);
  if (thread_start(&keeper->thread, name, run, keeper, fault)) {
    *out = keeper;
    return true;
  }
  db_close(&keeper->db);
  free(keeper);
  return false;
}

void keeper_give(struct keeper *keeper, struct keeper_job *job) {
  job->next = NULL;
  job->worked = false;
  job->fault = (struct fault){0};
  pthread_mutex_lock(&keeper->lock);
  *keeper->end = job;
  keeper->end = &job->next;
  pthread_cond_signal(&keeper->changed);
  pthread_mutex_unlock(&keeper->lock);
}

/* Of keeper_run(): wraps the caller's job, and wakes the caller at its end. */
struct awaited {
  struct keeper_job job;
  struct keeper_job *inner;
  pthread_mutex_t lock;
  pthread_cond_t ended;
  bool over, ok;
  struct fault fault;
};

static bool awaited_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct awaited *awaited = (struct awaited *)job;
  return awaited->inner->work(awaited->inner, db, fault);
}

static void awaited_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct awaited *awaited = (struct awaited *)job;
  if (awaited->inner->done)
    awaited->inner->done(awaited->inner, ok, fault);
  pthread_mutex_lock(&awaited->lock);
  awaited->ok = ok;
  awaited->fault = *fault;
  awaited->over = true;
  pthread_cond_signal(&awaited->ended);
  pthread_mutex_unlock(&awaited->lock);
}

bool keeper_run(struct keeper *keeper, struct keeper_job *job, struct fault *fault) {
  CHECK(!pthread_equal(pthread_self(), keeper->thread));
  struct awaited awaited = {.job = {.work = awaited_work, .done = awaited_done}, .inner = job};
  pthread_mutex_init(&awaited.lock, NULL);
  pthread_cond_init(&awaited.ended, NULL);
  keeper_give(keeper, &awaited.job);
  pthread_mutex_lock(&awaited.lock);
  while (!awaited.over)
    pthread_cond_wait(&awaited.ended, &awaited.lock);
  pthread_mutex_unlock(&awaited.lock);
  pthread_cond_destroy(&awaited.ended);
  pthread_mutex_destroy(&awaited.lock);
  if (!awaited.ok && fault)
    *fault = awaited.fault;
  return awaited.ok;
}

void keeper_stop(struct keeper **address) {
  struct keeper *keeper = *address;
  if (!keeper)
    return;
  pthread_mutex_lock(&keeper->lock);
  keeper->stopping = true;
  pthread_cond_signal(&keeper->changed);
  pthread_mutex_unlock(&keeper->lock);
  pthread_join(keeper->thread, NULL);
  *address = NULL; /* not earlier: a job's `done` may give another job through this pointer */
  db_close(&keeper->db);
  pthread_cond_destroy(&keeper->changed);
  pthread_mutex_destroy(&keeper->lock);
  free(keeper);
}

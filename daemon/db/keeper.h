/* The thread that writes one database: it alone holds the writing connection.
 *
 * Other threads give it jobs. It takes all that wait (at most KEEPER_BATCH), runs each in a
 * savepoint of one transaction, commits once, and then calls each job's `done`. So a burst of jobs
 * shares one fsync (group commit), and a job that fails does not affect others. Jobs run in the
 * order in which they were given.
 *
 * If no transaction can begin (another process holds the database's lock for longer than
 * db_set_patience() allows, or the file cannot be written), all jobs fail that wait at that moment:
 * no job waits more than once for the lock, however many there are. */
#pragma once

#include "base/fault.h"
#include "base/thread.h"

#define KEEPER_BATCH 64

struct db;
struct keeper;

/* A job is a member of its owner's struct; the owner keeps it alive until `done` was called. */
struct keeper_job {
  /* Runs in the transaction, on the keeper's thread. False: this job's work is rolled back. Must
   * block on the disk only. */
  bool (*work)(struct keeper_job *job, struct db *db, struct fault *fault);
  /* Called after the commit, on the keeper's thread. `ok`: the work is durable (db.h, enum
   * db_mode); else `fault` is set. May free the job, and give another. Must not block. */
  void (*done)(struct keeper_job *job, bool ok, const struct fault *fault);

  /* Used by the keeper. */
  struct keeper_job *next;
  bool worked;
  struct fault fault;
};

/* Starts the thread `name`, which takes over `*db` and leaves NULL. The caller owns `*out`. */
bool keeper_start(struct keeper **out, const char *name, enum thread_kind kind, struct db **db,
                  struct fault *fault) MUST_CHECK;

/* Gives the keeper a job. Never blocks, never fails; any thread, also the keeper's. */
void keeper_give(struct keeper *keeper, struct keeper_job *job);

/* Gives the keeper a job and waits until it is done; returns its result. `job->done` may be NULL.
 * Any thread but the keeper's. */
bool keeper_run(struct keeper *keeper, struct keeper_job *job, struct fault *fault) MUST_CHECK;

/* Runs all jobs, also those that jobs give, ends the thread, closes the database and leaves NULL;
 * NULL is allowed. */
void keeper_stop(struct keeper **keeper);

/* The thread that writes one database: it alone holds the writing connection.
 *
 * Others hand it jobs. It takes all that wait (at most KEEPER_BATCH), runs each in a savepoint of
 * one transaction, commits once, and then tells each how it went: so a burst of jobs shares one
 * fsync (group commit), and a job that fails takes nobody with it. Jobs run in the order they were
 * given.
 *
 * Where no transaction can begin (another process holds the database's lock for longer than
 * db_set_patience() allows, or the file refuses) all jobs fail that wait at that moment: nobody
 * waits for a lock longer than once, however many wait. */
#pragma once

#include "base/fault.h"

#define KEEPER_BATCH 64

struct db;
struct keeper;

/* A job is a member of its owner's struct; the owner keeps it alive until `done` was called. */
struct keeper_job {
  /* In the transaction, on the keeper's thread; false undoes what this job did. Must not block on
   * anything but the disk. */
  bool (*work)(struct keeper_job *job, struct db *db, struct fault *fault);
  /* After the commit, on the keeper's thread: `ok` means durable. May free the job, may give
   * another. `fault` is set when not ok. Must not block. */
  void (*done)(struct keeper_job *job, bool ok, const struct fault *fault);

  /* The keeper's own. */
  struct keeper_job *next;
  bool worked;
  struct fault fault;
};

/* Starts the thread `name` on `*db`, which it takes over (NULL is left there). */
bool keeper_start(struct keeper **out, const char *name, struct db **db,
                  struct fault *fault) MUST_CHECK;

/* Hands over a job. Never blocks, never fails; any thread, its own included. */
void keeper_give(struct keeper *keeper, struct keeper_job *job);

/* Hands over a job and waits until it is done; `job->done` may be NULL. Not from its own thread. */
bool keeper_run(struct keeper *keeper, struct keeper_job *job, struct fault *fault) MUST_CHECK;

/* Runs what was given, jobs given by jobs included, ends the thread and closes the database; leaves
 * NULL. */
void keeper_stop(struct keeper **keeper);

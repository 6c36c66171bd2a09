/* The life of a computation; of the derived room only.
 *
 *   join.c: made ---> desk.c: waits ---> work.c: decided, written ---> end.c: stored, concluded
 *                        ^                  |
 *                        '--- no place -----'
 *
 * Threads: derived_join() runs on the caller's thread; job_work() on one of the desk's, one at a
 * time, as is chunk() of the flight's owner; on_saved() and on_published() on the cache's keeper.
 * on_saved() may also run on the desk's, so `saved` is atomic. */
#pragma once

#include "derived/extract.h"
#include "upstream/flights.h"

#include <pthread.h>
#include <stdatomic.h>

struct derived_job;

struct derived_desk {
  struct cache *cache;
  struct flights *flights;
  atomic_bool stopped;
  atomic_llong busy; /* computations, and saves of their chunks */

  pthread_mutex_t lock; /* all below */
  pthread_cond_t changed;
  struct derived_job *fresh;   /* a queue: not begun */
  struct derived_job *waiting; /* a queue: for a place; pass 1 runs again then */
  struct derived_job *resumed; /* a queue: begun, and may go on */
  int places;                  /* how many are taken */
  unsigned large;              /* threads that work on a large source */
  bool quits;
  unsigned count; /* of threads */
  pthread_t threads[];
};

struct derived_job {
  struct derived_desk *desk;
  struct flight *flight; /* its context is this; one reference until concluded, one for each save */
  struct digest key;     /* in the desk's table of flights */

  struct text wanted_normal, source_normal, target;
  struct digest wanted_key, subject;
  int64_t conditions;
  bool store;
  struct tariff tariff;
  int64_t patience;
  struct extract extract; /* the desk's threads', until it is concluded */

  bool has_begun;    /* pass 2, with a head */
  bool is_fed;       /* the flight has this as its writer */
  struct view piece; /* of the answer, that the flight has not taken */

  struct cache_writer *writer; /* NULL: not stored; likewise: */
  struct cache_hold *copy;     /* on the stored chunks, for readers that lag */
  struct cache_validator validator;
  atomic_llong saved; /* chunks that the cache has stored; -1: storing has failed */

  /* Under the desk's lock. */
  bool is_large;  /* constant: its source is */
  bool is_parked; /* in no queue, until desk_call() */
  bool is_called; /* desk_call() came since desk_listen() */
  bool has_place;
  int64_t until; /* clock_monotonic(): until then it waits for a place */
  bool is_late;  /* it has waited until then in vain */
  struct derived_job *next, *prev;
};

/* --- desk.c --- */

/* Counts a computation. False, and nothing is counted: FAULT_UNAVAILABLE after derived_desk_stop().
 * Any thread. */
bool desk_begin(struct derived_desk *desk, struct fault *fault) MUST_CHECK;
/* Count a save of a chunk, and the end of either. Any thread. */
void desk_count(struct derived_desk *desk);
void desk_uncount(struct derived_desk *desk);

/* Gives a new computation to the threads. */
void desk_add(struct derived_job *job);
/* Takes a place, which it has until desk_end(). False: none is free, or others wait for one. */
bool desk_take_place(struct derived_job *job) MUST_CHECK;
/* Gives it to the threads again when it has a place, or is late: the caller does not touch it any
 * more. */
void desk_await_place(struct derived_job *job);
/* It is concluded: another one may have its place. */
void desk_end(struct derived_job *job);
/* Forgets the calls of desk_call() so far: see desk_park(). */
void desk_listen(struct derived_job *job);
/* Parks a computation, which has a place, until desk_call(), after which a thread goes on with it:
 * the caller does not touch it any more. False: desk_call() came already, since desk_listen(). */
bool desk_park(struct derived_job *job) MUST_CHECK;
/* The flight may have room, or nobody reads it any more. Any thread. */
void desk_call(struct derived_job *job);

/* --- work.c --- */

/* Goes on with it until it is parked or ends. */
void job_work(struct derived_job *job);

/* --- end.c --- */

extern const struct flight_owner job_owner;
/* Begins the copy, if the answer is to be stored, and can be. */
void job_begin_storing(struct derived_job *job);
/* Ends it without an answer. */
void job_withdraw(struct derived_job *job);
/* Ends it before it has begun, with `fault` for its readers. */
void job_refuse(struct derived_job *job, const struct fault *fault);
/* Frees it. */
void job_free(struct derived_job *job);

/* The inside of the ledger, for its own files: ledger.c opens, closes and keeps the time, entry.c
 * reserves and settles, count.c counts in memory, report.c sums.
 *
 * Threads: the keeper's alone writes the file; the timer's hands it what is due; readers open a
 * connection of their own for each call. `lock` guards what they share in memory. It is the last
 * lock that a thread takes, and nothing blocks under it. */
#pragma once

#include "ledger/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

struct count;
struct name;
struct retry;

/* What was counted in memory and is not written yet. */
struct counts {
  struct count *tokens, *targets; /* uthash */
};

struct ledger {
  char *path;
  struct digest secret;
  struct keeper *keeper; /* NULL: read-only */
  pthread_t timer;
  int wake; /* an eventfd: the timer looks at once */
  atomic_bool stopping;
  atomic_bool broken;

  pthread_mutex_t lock;
  struct name *names;    /* of tokens, by fingerprint; uthash */
  struct retry *retries; /* settlements that failed */
  struct counts counts;
  bool flushing; /* one flush by the timer is on its way */
};

/* What is added to a day's totals. */
struct amounts {
  int64_t hits, misses, errors, results;
  struct rows spent, unknown, saved;
};

/* A target as it is stored. */
static inline struct view inside_target(struct view target) {
  return view_first(target, LEDGER_TARGET_MOST);
}

/* A connection that reads; the caller closes it. */
bool inside_read(struct ledger *ledger, struct db **out, struct fault *fault) MUST_CHECK;

/* Every job's `done` says here how its write went. Keeper's thread. */
void inside_wrote(struct ledger *ledger, bool ok, const struct fault *fault);

/* Has the timer look now. Any thread, under the lock or not. */
void inside_wake(struct ledger *ledger);

/* The token's row, made when `make`; zero when there is none. In a transaction. */
bool inside_token_id(struct db *db, const struct digest *fingerprint, bool make, int64_t *id,
                     struct fault *fault) MUST_CHECK;

/* Adds to the totals of a day. In a transaction. */
bool inside_add_token_day(struct db *db, int32_t day, int64_t token, const struct amounts *amounts,
                          struct fault *fault) MUST_CHECK;
bool inside_add_target_day(struct db *db, int32_t day, struct view target,
                           const struct amounts *amounts, struct fault *fault) MUST_CHECK;

/* entry.c: books what is open at its most. In a transaction. */
bool entry_book_open(struct db *db, int64_t *booked, struct rows *rows,
                     struct fault *fault) MUST_CHECK;
/* Hands what could not be settled to the keeper again. */
void entry_retry(struct ledger *ledger);
/* Forgets it; returns how much that was. */
int entry_drop_retries(struct ledger *ledger);

/* count.c: writes the counts, and waits for it; what was handed over earlier is then written too.
 */
bool count_flush(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* The timer's: hands the counts over, unless there are none or some are still on their way. While
 * the ledger is broken it tries to write in any case. */
void count_flush_later(struct ledger *ledger);
/* Forgets what could not be written; returns how many requests that was. */
int64_t count_drop(struct ledger *ledger);

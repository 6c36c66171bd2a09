/* The ledger, as the files of this room share it; no other room includes it.
 *
 *   ledger.c          opening and closing
 *   timer.c           the thread that gives jobs when they are due
 *   tasks.c           work on the keeper's thread, and how its writes go
 *   reserve.c         entries are made and reserved
 *   settle.c          entries are settled
 *   entries.c         entries that are open
 *   find.c            one entry
 *   slices.c          what the requests with a subject cost
 *   lease.c           owners of reservations
 *   budget.c          budgets
 *   totals.c          totals by day
 *   count.c           requests that spend nothing
 *   report.c          sums of the totals
 *   token.c           changes to tokens
 *   token_list.c      the list of tokens
 *   usage.c           what a token may still spend
 *   identity.c        the row of a token
 *   known.c           facts on tokens, in memory
 *   correction.c      corrections
 *   reconciliation.c  upstream's count beside the ledger's
 *   retain.c          deleting old entries
 *   zone.c            days and months
 *   column.c          values of columns
 *   label.c           names and labels; pure
 *
 * Threads: only the keeper's writes the file; the timer's gives it jobs; a reader opens a connection
 * of its own for each call. `lock` guards the memory that they share; the counts and the facts on
 * tokens have locks of their own, one for each shard. They are the last locks that a thread takes,
 * and nothing blocks under one. */
#pragma once

#include "ledger/ledger.h"

#include "ledger/budget.h"
#include "ledger/column.h"
#include "ledger/count.h"
#include "ledger/entries.h"
#include "ledger/identity.h"
#include "ledger/known.h"
#include "ledger/label.h"
#include "ledger/lease.h"
#include "ledger/retain.h"
#include "ledger/tasks.h"
#include "ledger/timer.h"
#include "ledger/totals.h"
#include "ledger/zone.h"
#include "sql_ledger.h"

#include <pthread.h>
#include <stdatomic.h>

struct ledger {
  char *path;
  struct digest_key secret; /* that fingerprints are keyed with */
  struct keeper *keeper;    /* NULL: read-only */
  bool is_left; /* read-only, and no process uses the directory: open entries are left */
  atomic_bool broken;
  atomic_llong warning_percent;
  struct timer timer;
  struct retention retention;
  struct lease lease;

  pthread_mutex_t lock;
  struct ledger_entry *open; /* reserved and not settled; utlist */

  struct knowledge knowledge;
  struct counting counting;
};

/* Opens a connection that reads; the caller closes it. */
bool ledger_open_reader(struct ledger *ledger, struct db **out, struct fault *fault) MUST_CHECK;

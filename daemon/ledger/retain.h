/* Settled entries are deleted when they are old. Of the ledger room only. */
#pragma once

#include "db/keeper.h"
#include "ledger/ledger.h"

#include <stdatomic.h>

/* Entries without a subject, and those with one, which ledger_slices() adds up. */
enum retained { RETAINED_PLAIN, RETAINED_SLICES };
#define RETAINED 2

struct retention {
  atomic_llong milliseconds[RETAINED]; /* 0: for ever */
  struct keeper_job job;
  atomic_bool busy; /* the job is on its way; else the timer has the rest: */
  int64_t check_at; /* when the job is given again; clock_monotonic() */
  int64_t deleted;
};

/* Sets how long entries are kept. Any thread. */
void retain_set(struct retention *retention, const struct ledger_options *options);
/* The timer calls it each tick. Gives the job when it is due. */
void retain_tick(struct ledger *ledger, int64_t now);

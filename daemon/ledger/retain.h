/* Settled entries are deleted when they are old. Of the ledger room only. */
#pragma once

#include "db/keeper.h"
#include "ledger/ledger.h"

#include <stdatomic.h>

struct retention {
  atomic_llong milliseconds; /* 0: for ever */
  struct keeper_job job;
  atomic_bool busy; /* the job is on its way; else the timer has the rest: */
  int64_t check_at; /* when the job is given again; clock_monotonic() */
  int64_t deleted;
};

/* The timer calls it each tick. Gives the job when it is due. */
void retain_tick(struct ledger *ledger, int64_t now);

/* Deleting old entries. Of the ledger room only. */
#pragma once

#include "db/keeper.h"
#include "ledger/ledger.h"

#include <stdatomic.h>

struct retention {
  atomic_llong milliseconds; /* 0: for ever */
  struct keeper_job job;
  atomic_bool busy; /* the job is on its way; else the timer's: */
  int64_t look_at;  /* when it is given again; clock_monotonic() */
  int64_t deleted;
};

/* The timer's, each tick: gives a job when one is due. */
void retain_tick(struct ledger *ledger, int64_t now);

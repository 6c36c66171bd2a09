/* Work on the keeper's thread, and how its writes go. Of the ledger room only. */
#pragma once

#include "db/keeper.h"
#include "ledger/ledger.h"

/* A job that a caller waits for: the first member of the caller's struct. */
struct ledger_task {
  struct keeper_job job; /* `done` NULL: nothing but tasks_note_write() */
  struct ledger *ledger;
};
/* Hands over `task->job` and waits until it is done. Any thread but the ledger's. */
bool tasks_run(struct ledger *ledger, struct ledger_task *task, struct fault *fault) MUST_CHECK;

/* Each job's `done` reports the outcome of its write: ledger_is_broken(), and the log, follow it.
 * Keeper's thread. */
void tasks_note_write(struct ledger *ledger, bool ok, const struct fault *fault);

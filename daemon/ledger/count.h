/* Requests that spend nothing, counted in memory. Of the ledger room only. */
#pragma once

#include "ledger/ledger.h"

struct count;

/* Counts that are not written yet; under the ledger's lock. */
struct counts {
  struct count *tokens, *targets; /* uthash */
};

/* Writes the counts, and waits for that; jobs that were handed over earlier are then done, too. */
bool count_flush(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* The same before a report; when it fails, the report shows what was written. Does nothing where the
 * ledger is read-only, nor while it is broken: the timer tries then, and no report waits for a lock
 * a second time. */
void count_for_report(struct ledger *ledger);
/* The timer calls it. Hands the counts over, unless there are none or some are still on their way.
 * While the ledger is broken, tries to write in any case. */
void count_flush_later(struct ledger *ledger);
/* Drops counts that could not be written; returns the number of their requests. */
int64_t count_drop(struct ledger *ledger);

/* Requests that spend nothing, counted in memory. Of the ledger room only. */
#pragma once

#include "base/shard.h"
#include "ledger/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

struct count;

struct count_map {
  struct count *all;  /* uthash */
  struct count *last; /* found last, in `all`; NULL: none */
};

/* Counts that are not written yet. */
struct counts {
  struct count_map tokens, targets;
};

/* Each shard has the counts of its threads. Its lock is waited for only while a flush takes them. */
struct count_shard {
  SHARD_ALIGNED pthread_mutex_t lock;
  struct counts counts;
  uint64_t taken; /* rises when the counts leave the shard: no spot of before leads to one */
  int64_t second; /* of the last request (clock_seconds()), and its day in the ledger's zone */
  int32_t day;
};

struct counting {
  struct count_shard shards[SHARDS];
  atomic_int tokens, targets; /* counts in all shards */
  atomic_bool flushing;       /* a flush by the timer is given */
};

void count_open(struct counting *counting);
void count_close(struct counting *counting);

/* Writes what was counted before the call, and waits for that. */
bool count_flush(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* The same before a report; when it fails, the report shows what was written. Does nothing where the
 * ledger is read-only, nor while it is broken: the timer tries then, and no report waits for a lock
 * a second time. */
void count_for_report(struct ledger *ledger);
/* The timer calls it. Has the counts written, unless there are none or it is still being done.
 * While the ledger is broken, tries to write in any case. */
void count_flush_later(struct ledger *ledger);
/* Drops counts that could not be written; returns the number of their requests. */
int64_t count_drop(struct ledger *ledger);

/* Old entries are deleted in batches, so that no job waits long for the keeper. The totals stay. */
#include "ledger/room.h"

#include "base/age.h"
#include "base/clock.h"
#include "base/log.h"

#include <stddef.h>

#define RETAIN_BATCH 500
#define RETAIN_LONGEST (3600 * CLOCK_SECOND) /* between two checks while nothing is old */
#define RETAIN_CHECKS 100                    /* in the time for which entries are kept */
#define RETAIN_AGAIN (60 * CLOCK_SECOND)     /* after a check that failed */

static struct ledger *ledger_of(struct keeper_job *job) {
  return (struct ledger *)((char *)job - offsetof(struct ledger, retention.job));
}

/* Entries of a clock that was ahead are deleted first: their age shows only beside old entries. */
static bool delete_ahead(struct retention *retention, struct db *db, int64_t old, int64_t now,
                         struct fault *fault) {
  if (!db_do(db, LEDGER_SQL_DELETE_AHEAD,
             DB_VALUES(DB_INT(old), DB_INT(RETAIN_BATCH), DB_INT(now + AGE_AHEAD_MOST * 1000)),
             fault))
    return false;
  retention->deleted = db_changes(db);
  return true;
}

static bool delete_old(struct retention *retention, struct db *db, int64_t old,
                       struct fault *fault) {
  if (!db_do(db, LEDGER_SQL_DELETE_OLD,
             DB_VALUES(DB_INT(old), DB_INT(RETAIN_BATCH - retention->deleted)), fault))
    return false;
  retention->deleted += db_changes(db);
  return true;
}

static bool retain_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct retention *retention = &ledger_of(job)->retention;
  int64_t now = clock_milliseconds(), old = now - atomic_load(&retention->milliseconds);
  retention->deleted = 0;
  return delete_ahead(retention, db, old, now, fault) && delete_old(retention, db, old, fault);
}

static int64_t until_next(const struct retention *retention) {
  int64_t milliseconds = atomic_load(&retention->milliseconds) / RETAIN_CHECKS;
  return milliseconds < RETAIN_LONGEST / CLOCK_MILLISECOND ? milliseconds * CLOCK_MILLISECOND
                                                           : RETAIN_LONGEST;
}

static void retain_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct ledger *ledger = ledger_of(job);
  struct retention *retention = &ledger->retention;
  if (!ok || retention->deleted)
    tasks_note_write(ledger, ok, fault);
  if (ok && retention->deleted)
    log_info(EVENT_ledger_retention, "entries=%lld file=%s", (long long)retention->deleted,
             LOG_VALUE(ledger->path));
  bool more = ok && retention->deleted == RETAIN_BATCH;
  retention->check_at += more ? 0 : ok ? until_next(retention) : RETAIN_AGAIN;
  atomic_store(&retention->busy, false);
}

void retain_tick(struct ledger *ledger, int64_t now) {
  struct retention *retention = &ledger->retention;
  if (!atomic_load(&retention->milliseconds) || atomic_load(&retention->busy) ||
      now < retention->check_at)
    return;
  retention->check_at = now;
  atomic_store(&retention->busy, true);
  retention->job = (struct keeper_job){.work = retain_work, .done = retain_done};
  keeper_give(ledger->keeper, &retention->job);
}

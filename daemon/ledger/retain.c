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

/* 0: for ever. */
static int64_t milliseconds_of(int64_t seconds) {
  return seconds > INT64_MAX / 2000 ? 0 : seconds * 1000;
}

/* Entries without a subject are kept no longer than those with one. */
void retain_set(struct retention *retention, const struct ledger_options *options) {
  int64_t plain = options->retention_seconds, slices = options->slices_seconds;
  if (!plain || slices < plain)
    slices = plain;
  atomic_store(&retention->milliseconds[RETAINED_PLAIN], milliseconds_of(plain));
  atomic_store(&retention->milliseconds[RETAINED_SLICES], milliseconds_of(slices));
}

/* -- Deleting -- */

static bool run_delete(struct retention *retention, struct db *db, int statement,
                       struct db_values values, struct fault *fault) {
  if (!db_do(db, statement, values, fault))
    return false;
  retention->deleted += db_changes(db);
  return true;
}

/* Entries of a clock that was ahead are deleted first: their age shows only beside old entries. */
static bool delete_of(struct retention *retention, enum retained which, struct db *db,
                      struct fault *fault) {
  int64_t now = clock_milliseconds(), age = atomic_load(&retention->milliseconds[which]);
  struct db_value old = DB_INT(now - age), ahead = DB_INT(now + AGE_AHEAD_MOST * 1000);
  if (!age)
    return true;
  return run_delete(retention, db, LEDGER_SQL_DELETE_AHEAD,
                    DB_VALUES(old, DB_INT(RETAIN_BATCH - retention->deleted), DB_INT(which), ahead),
                    fault) &&
         run_delete(retention, db, LEDGER_SQL_DELETE_OLD,
                    DB_VALUES(old, DB_INT(RETAIN_BATCH - retention->deleted), DB_INT(which)),
                    fault);
}

static bool retain_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct retention *retention = &ledger_of(job)->retention;
  retention->deleted = 0;
  return delete_of(retention, RETAINED_PLAIN, db, fault) &&
         delete_of(retention, RETAINED_SLICES, db, fault);
}

/* -- When -- */

static int64_t until_next(const struct retention *retention) {
  int64_t milliseconds = atomic_load(&retention->milliseconds[RETAINED_PLAIN]) / RETAIN_CHECKS;
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
  if (!atomic_load(&retention->milliseconds[RETAINED_PLAIN]) || atomic_load(&retention->busy) ||
      now < retention->check_at)
    return;
  retention->check_at = now;
  atomic_store(&retention->busy, true);
  retention->job = (struct keeper_job){.work = retain_work, .done = retain_done};
  keeper_give(ledger->keeper, &retention->job);
}

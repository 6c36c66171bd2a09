/* Owners of reservations, and their leases.
 *
 * Each run of a ledger that writes is an owner, with a random name. A reservation extends its
 * owner's lease; if the file is shared, the timer renews the lease while an entry is open. An owner
 * whose lease has run out is taken for dead: the next daemon to check books its open entries as
 * unknown, at their most. If the caller has the directory to itself, every other owner is dead, even
 * with a valid lease.
 *
 * A lease can also run out while its owner lives (the process was stopped, or could not write). The
 * entries keep their owner, so that a late settlement replaces the booking: the totals lose the most
 * and gain the true cost. If a correction of that day was made since the booking, the correction
 * stands: the totals stay, and only the entry gets its true cost. The account is never below the
 * bill.
 *
 * Leases end by the time of day: the clocks of daemons that share a ledger must agree to a few
 * seconds. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/random.h>

#define LEASE_MS 60000
#define RENEW_MS (LEASE_MS / 3)

static struct ledger *ledger_of(struct keeper_job *job) {
  return (struct ledger *)((char *)job - offsetof(struct ledger, lease.job));
}

bool lease_begin(struct ledger *ledger, struct fault *fault) {
  uint8_t bytes[(sizeof ledger->lease.owner - 1) / 2];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return fault_set(fault, FAULT_INTERNAL, "cannot get random bytes: %s", strerror(errno));
  for (size_t i = 0; i < sizeof bytes; i++)
    snprintf(ledger->lease.owner + 2 * i, 3, "%02x", bytes[i]);
  return true;
}

/* -- Holding -- */

/* A lease that ends too late was written by a clock that was ahead: it is written again. */
static bool is_long_enough(const struct lease *lease, int64_t now) {
  return lease->until > now + LEASE_MS - RENEW_MS && lease->until <= now + LEASE_MS;
}

bool lease_hold(struct ledger *ledger, struct db *db, struct fault *fault) {
  struct lease *lease = &ledger->lease;
  int64_t now = clock_milliseconds();
  if (is_long_enough(lease, now))
    return true;
  lease->written = now + LEASE_MS;
  return db_do(db, LEDGER_SQL_HOLD_LEASE,
               DB_VALUES(DB_TEXT(view_of(lease->owner)), DB_INT(lease->written)), fault);
}

void lease_held(struct ledger *ledger) {
  ledger->lease.until = ledger->lease.written;
}

static bool end_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  return db_do(db, LEDGER_SQL_END_LEASE,
               DB_VALUES(DB_TEXT(view_of(((struct ledger_task *)job)->ledger->lease.owner))),
               fault);
}

void lease_end(struct ledger *ledger) {
  struct ledger_task task = {.job.work = end_work};
  if (ledger->lease.until && ledger->lease.is_shared)
    (void)!tasks_run(ledger, &task, NULL); /* the lease runs out in any case */
}

/* -- Booking the entries of dead owners -- */

static bool book(struct db *db, bool is_alone, struct booked booked[CURRENCIES],
                 struct fault *fault) {
  for (int i = 0; i < CURRENCIES; i++)
    booked[i] = (struct booked){0, amount_zero((enum currency)i)};
  struct db_statement *statement = db_each(
      db, LEDGER_SQL_BOOK_OPEN, DB_VALUES(DB_INT(clock_milliseconds()), DB_INT(is_alone)), fault);
  bool row, ok = statement;
  while (ok && (ok = db_step(statement, &row, fault)) && row) {
    struct amount most = {column_currency(statement, 4), db_integer(statement, 5)};
    struct booked *sum = &booked[most.currency];
    const struct ledger_end end = {.kind = LEDGER_UNKNOWN, .spent = most};
    ok = totals_add_miss(db, statement, &end, fault);
    if (!ok)
      break;
    sum->most = amount_add(sum->most, most);
    sum->requests++;
  }
  db_done(statement);
  return ok;
}

bool lease_take_over(struct ledger *ledger, struct db *db, struct booked booked[CURRENCIES],
                     struct fault *fault) {
  bool is_alone = !ledger->lease.is_shared;
  return book(db, is_alone, booked, fault) &&
         (!is_alone || db_do(db, LEDGER_SQL_DISOWN, DB_VALUES(), fault)) &&
         db_do(db, LEDGER_SQL_DELETE_OWNERS,
               DB_VALUES(DB_INT(is_alone ? INT64_MAX : clock_milliseconds())), fault);
}

void lease_log(struct ledger *ledger, const struct booked booked[CURRENCIES]) {
  for (int i = 0; i < CURRENCIES; i++)
    if (booked[i].requests)
      log_warning(EVENT_ledger_unknown, "requests=%lld %s=%s file=%s",
                  (long long)booked[i].requests, currency_words[i], AMOUNT_TEXT(booked[i].most),
                  LOG_VALUE(ledger->path));
}

/* -- Renewing -- */

static bool renew_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct ledger *ledger = ledger_of(job);
  return (!ledger->lease.renews || lease_hold(ledger, db, fault)) &&
         book(db, false, ledger->lease.booked, fault);
}

static void renew_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct ledger *ledger = ledger_of(job);
  if (ledger->lease.renews)
    tasks_note_write(ledger, ok, fault);
  if (ok && ledger->lease.renews)
    lease_held(ledger);
  if (ok)
    lease_log(ledger, ledger->lease.booked);
  atomic_store(&ledger->lease.busy, false);
}

void lease_tick(struct ledger *ledger, int64_t now) {
  struct lease *lease = &ledger->lease;
  if (!lease->is_shared || now < lease->check_at || atomic_load(&lease->busy))
    return;
  lease->check_at = now + RENEW_MS * CLOCK_MILLISECOND;
  pthread_mutex_lock(&ledger->lock);
  lease->renews = ledger->open != NULL;
  pthread_mutex_unlock(&ledger->lock);
  atomic_store(&lease->busy, true);
  lease->job = (struct keeper_job){.work = renew_work, .done = renew_done};
  keeper_give(ledger->keeper, &lease->job);
}

/* -- A late settlement -- */

/* From the totals of a lapsed entry's token and day, which a correction may keep. */
static bool unbook_token(struct db *db, struct db_statement *lapsed, bool *is_corrected,
                         struct fault *fault) {
  bool ok = db_do(db, LEDGER_SQL_UNBOOK_TOKEN_DAY,
                  DB_VALUES(DB_INT(column_day(lapsed, 0)), DB_INT(db_integer(lapsed, 1)),
                            DB_INT(column_currency(lapsed, 4)), DB_INT(db_integer(lapsed, 5)),
                            DB_INT(db_integer(lapsed, 6)), DB_INT(db_integer(lapsed, 3))),
                  fault);
  *is_corrected = ok && db_changes(db) == 0;
  return ok;
}

static bool unbook_target(struct db *db, struct db_statement *lapsed, struct fault *fault) {
  int32_t day = column_day(lapsed, 0);
  struct db_value target = DB_TEXT(db_text(lapsed, 2)),
                  currency = DB_INT(column_currency(lapsed, 4)),
                  most = DB_INT(db_integer(lapsed, 5)), counts = DB_INT(db_integer(lapsed, 3));
  return db_do(db, LEDGER_SQL_UNBOOK_TARGET_DAY,
               DB_VALUES(DB_INT(day), target, currency, most, counts), fault) &&
         db_do(db, LEDGER_SQL_UNBOOK_TARGET_MONTH,
               DB_VALUES(DB_INT(zone_month(day)), target, currency, most, counts), fault);
}

static bool unbook(struct db *db, struct db_statement *lapsed, enum lease_booking *booking,
                   struct fault *fault) {
  bool is_corrected;
  if (!unbook_token(db, lapsed, &is_corrected, fault))
    return false;
  *booking = is_corrected ? LEASE_CORRECTED : LEASE_UNBOOKED;
  return is_corrected || unbook_target(db, lapsed, fault);
}

bool lease_reopen(struct ledger *ledger, struct db *db, const char *request,
                  enum lease_booking *booking, struct fault *fault) {
  struct db_statement *lapsed;
  struct view id = view_of(request);
  *booking = LEASE_NOT_BOOKED;
  bool ok =
      db_find(db, LEDGER_SQL_FIND_LAPSED,
              DB_VALUES(DB_TEXT(id), DB_TEXT(view_of(ledger->lease.owner))), &lapsed, fault) &&
      (!lapsed || unbook(db, lapsed, booking, fault));
  db_done(lapsed);
  return ok && (*booking == LEASE_NOT_BOOKED ||
                db_do(db, LEDGER_SQL_REOPEN, DB_VALUES(DB_TEXT(id)), fault));
}

/* Owners of reservations, and their leases. Of the ledger room only. */
#pragma once

#include "db/keeper.h"
#include "ledger/ledger.h"

#include <stdatomic.h>

struct db;

/* Entries of one currency that were booked as unknown. */
struct booked {
  int64_t requests;
  struct amount most;
};

struct lease {
  bool is_shared;
  char owner[33];  /* the name of this run */
  int64_t until;   /* milliseconds since 1970, durable in the file; keeper's thread */
  int64_t written; /* the last `until` that was written, durable or not; keeper's thread */
  struct keeper_job job;
  atomic_bool busy; /* the job is on its way; else the timer has the rest: */
  int64_t check_at; /* clock_monotonic() */
  bool renews;
  struct booked booked[CURRENCIES];
};

/* Makes the name of this run. */
bool lease_begin(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* Extends the lease for a reservation, in its transaction. lease_held() follows once the transaction
 * is durable. */
bool lease_hold(struct ledger *ledger, struct db *db, struct fault *fault) MUST_CHECK;
void lease_held(struct ledger *ledger);
/* Books the open entries of dead owners as unknown, at their most. In a transaction. */
bool lease_take_over(struct ledger *ledger, struct db *db, struct booked booked[CURRENCIES],
                     struct fault *fault) MUST_CHECK;
void lease_log(struct ledger *ledger, const struct booked booked[CURRENCIES]);
/* The timer calls it each tick. In a shared file it renews the lease while an entry is open, and
 * books the open entries of dead owners. Nobody waits for the lease of a run that is alone. */
void lease_tick(struct ledger *ledger, int64_t now);
/* Ends the lease: others may book the open entries of this run. The keeper runs. */
void lease_end(struct ledger *ledger);
/* The booking of an entry of this run by another daemon. */
enum lease_booking {
  LEASE_NOT_BOOKED, /* nobody has booked it */
  LEASE_UNBOOKED,   /* the booking is undone: the entry is open, and not in the totals */
  LEASE_CORRECTED,  /* the entry is open; a correction stands for it, and the totals must stay */
};
/* Undoes the booking of an entry of this run whose lease had run out. In a transaction. */
bool lease_reopen(struct ledger *ledger, struct db *db, const char *request,
                  enum lease_booking *booking, struct fault *fault) MUST_CHECK;

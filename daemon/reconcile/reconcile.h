/* Upstream's own count for each token beside the ledger's.
 *
 *   reconcile_begin    a flight that asks for it, which is free, for each usable token
 *          |
 *   reconcile_await    until every answer has come
 *          |
 *   reconcile_finish   each count is stored beside the ledger's figures, and reported
 *
 * Usable are the token of upstream.token_file and those that spent or were let in since the daemon
 * started (access/texts.h): no token is stored on disk. Tokens beyond RECONCILE_MOST are left out;
 * the log says so. */
#pragma once

#include "ledger/reconciliation.h"
#include "paid/paid.h"
#include "settings/current.h"

#define RECONCILE_MOST 1000

struct reconcile;

/* The rooms that a reconciliation uses; they must outlive it. */
struct reconcile_rooms {
  struct current *current;
  struct ledger *ledger;
  struct paid_desk *desk;
  struct texts *texts;
};

/* What became of one token. */
struct reconcile_account {
  const char *label;
  bool failed; /* `fault` says why; then only `label` and `now.with_issued` hold */
  struct fault fault;
  struct ledger_reconciliation now, before; /* before.at is 0 where it is the first */
};

/* Begins to ask. `wake(context)` is called each time that reconcile_await() said to wait. FAULT_
 * UNAVAILABLE: there is no usable token. Does not block; any thread. */
bool reconcile_begin(const struct reconcile_rooms *rooms, void (*wake)(void *context),
                     void *context, struct reconcile **out, struct fault *fault) MUST_CHECK;

/* Whether every answer is there. Does not block. */
bool reconcile_await(struct reconcile *reconcile) MUST_CHECK;

/* Once, after that. `account` holds during the call only. Blocks on the disk; not on the ledger's
 * thread. */
typedef void reconcile_each(void *context, const struct reconcile_account *account);
void reconcile_finish(struct reconcile *reconcile, reconcile_each *each, void *context);

/* Not while it waits. Leaves NULL; NULL is allowed. */
void reconcile_release(struct reconcile **reconcile);

/* Stores upstream's own count for each token beside the ledger's figures.
 *
 *   reconcile_begin    sends one free request for each usable token
 *          |
 *   reconcile_await    waits until every answer has come
 *          |
 *   reconcile_finish   stores each count, and reports it
 *
 * Usable are the token of upstream.token_file, and the tokens that spent or were accepted since the
 * daemon started (access/texts.h): no token is stored on disk. Tokens beyond RECONCILE_MOST are
 * left out; the log has a warning. */
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

/* The result for one token. */
struct reconcile_account {
  const char *label;
  bool failed; /* `fault` gives the reason; then only `label` and `now.with_issued` are valid */
  struct fault fault;
  struct ledger_reconciliation now, before; /* before.at is 0 if this is the first one */
};

/* Sends the requests. The caller owns `*out`. `wake(context)` is called, on any thread, at least
 * once for each time that reconcile_await() returned false. FAULT_UNAVAILABLE: there is no usable
 * token. Does not block; any thread. */
bool reconcile_begin(const struct reconcile_rooms *rooms, void (*wake)(void *context),
                     void *context, struct reconcile **out, struct fault *fault) MUST_CHECK;

/* True if every answer has come. False: wait for `wake`. Does not block; one thread at a time. */
bool reconcile_await(struct reconcile *reconcile) MUST_CHECK;

/* Stores the counts, and calls `each` for every token; `account` is valid during the call only.
 * Call it once, after reconcile_await() has returned true. Blocks on the disk; any thread but the
 * ledger's keeper. */
typedef void reconcile_each(void *context, const struct reconcile_account *account);
void reconcile_finish(struct reconcile *reconcile, reconcile_each *each, void *context);

/* Gives up what still waits: no `wake` comes after it. Must not be called inside `wake`. Leaves
 * NULL; NULL is allowed. */
void reconcile_release(struct reconcile **reconcile);

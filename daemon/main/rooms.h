/* Opens the daemon's rooms in the order in which they need each other, drains and closes them. All
 * on the main thread. */
#pragma once

#include "reconcile/reconcile.h"
#include "serve/serve.h"

struct rooms {
  int lock;        /* the descriptor of directory_lock(); -1: none */
  int64_t started; /* clock_monotonic() */
  struct current *current;
  struct ledger *ledger;
  struct cache *cache;
  struct transfer *transfer;
  struct flights *flights;
  struct access *access;
  struct rates *rates;
  struct texts *texts;
  struct counters *counters;
  struct traces *traces;
  struct paid_desk *desk;
  struct derived_desk *derived;
  struct serve *serve;
};

/* Opens state.directory (made with mode 0700 if it does not exist) and all rooms. `own_token`: the
 * Ahrefs token of upstream.token_file; NULL: none. Takes a reference of both. The caller calls
 * rooms_close(), also after a failure. Blocks on the disk. */
bool rooms_open(struct settings *settings, struct secret *own_token, struct rooms *rooms,
                struct fault *fault) MUST_CHECK;

/* Gives these to all requests that begin from now on. Takes a reference of both. */
void rooms_replace(struct rooms *rooms, struct settings *settings, struct secret *own_token);

/* Waits until no request and no paid request is under way, for at most `seconds`. Then ends the
 * flights that are left as broken (the ledger books their reservations as unknown), and waits until
 * they have settled. Blocks. */
void rooms_drain(struct rooms *rooms, int64_t seconds);

/* Closes what is open. The listeners must be closed, and rooms_drain() must come first. */
void rooms_close(struct rooms *rooms);

/* The rooms that the daemon opens, in the order in which they need each other, and how it drains and
 * closes them. On the main thread. */
#pragma once

#include "reconcile/reconcile.h"
#include "serve/serve.h"

struct rooms {
  int lock; /* a descriptor: one daemon a state directory; -1: none */
  int64_t started;
  struct current *current;
  struct ledger *ledger;
  struct cache *cache;
  struct transfer *transfer;
  struct flights *flights;
  struct access *access;
  struct texts *texts;
  struct counters *counters;
  struct traces *traces;
  struct paid_desk *desk;
  struct serve *serve;
};

/* Opens state.directory (made if need be, mode 0700) and all rooms. `own_token`: the Ahrefs token of
 * upstream.token_file; NULL: there is none. Takes a reference of both. On failure, what was opened
 * is left for rooms_close(). Blocks. */
bool rooms_open(struct settings *settings, struct secret *own_token, struct rooms *rooms,
                struct fault *fault) MUST_CHECK;

/* Requests that begin from now on use these; takes a reference of both. */
void rooms_replace(struct rooms *rooms, struct settings *settings, struct secret *own_token);

/* Waits until no request and no paid request is under way, for `seconds` at most; then ends the rest
 * as broken (the ledger books their reservations as unknown) and waits for that. Blocks. */
void rooms_drain(struct rooms *rooms, int64_t seconds);

/* Closes what is open. The listeners must be closed, and rooms_drain() must come first. */
void rooms_close(struct rooms *rooms);

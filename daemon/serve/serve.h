/* The service: everything that one client request needs, and the request's way through it.
 *
 *   exchange -> query -> plan -> hit: from the cache
 *                             -> forward: join a flight, or begin one (paid) -> from the flight
 *
 * Requests run on the client listener's threads (serve_handler()); see serve/request.c for the
 * steps. A paid flight belongs to nobody's request: it goes on when its client has left
 * (serve/paid.c). */
#pragma once

#include "access/access.h"
#include "base/age.h"
#include "cache/cache.h"
#include "http/exchange.h"
#include "ledger/ledger.h"
#include "observe/counters.h"
#include "observe/outcome.h"
#include "observe/trace.h"
#include "settings/secret.h"
#include "settings/settings.h"
#include "upstream/transfer.h"

#include <stdio.h>

struct serve;

/* Opens state.directory (made if need be, mode 0700), cache and ledger, and starts the transfer
 * thread. `own_token`: the Ahrefs token of upstream.token_file, which issued tokens spend from;
 * NULL: there is none. Takes a reference of both. Blocks. */
bool serve_open(struct settings *settings, struct secret *own_token, struct serve **out,
                struct fault *fault) MUST_CHECK;
/* Waits for nothing: serve_drain() comes first. Leaves NULL; NULL is allowed. */
void serve_close(struct serve **serve);

/* What a client listener calls. Lives as long as `serve`. */
const struct exchange_handler *serve_handler(struct serve *serve);

/* Requests that begin from now on use these; takes a reference of both. */
void serve_set_settings(struct serve *serve, struct settings *settings, struct secret *own_token);
/* The present settings, with a reference for the caller. Any thread. */
struct settings *serve_settings(struct serve *serve);

/* Waits until no request and no paid answer is under way, for `seconds` at most; then ends what is
 * left as broken (its reservations are booked as unknown) and waits for that. Blocks. */
void serve_drain(struct serve *serve, int64_t seconds);
bool serve_is_draining(const struct serve *serve);

struct cache *serve_cache(struct serve *serve);
struct ledger *serve_ledger(struct serve *serve);
struct transfer *serve_transfer(struct serve *serve);
/* Seconds since serve_open(). */
int64_t serve_uptime(const struct serve *serve);

struct counters *serve_counters(struct serve *serve);
struct traces *serve_traces(struct serve *serve);

/* Checks of tokens so far, by what came of them. Any thread. */
void serve_checks(struct serve *serve, int64_t counts[ACCESS_RESULTS]);

/* What would be done with a query (the arguments of a request, without '?'), and what it could
 * cost; sends and spends nothing. */
struct serve_explanation {
  struct text normal; /* freed by the caller */
  char key[DIGEST_HEX_SIZE];
  const char *outcome; /* a word of tables/outcomes.def */
  bool stored;
  int64_t age, freshness; /* where stored; seconds. age: or AGE_UNKNOWN, without a freshness */
  struct rows least, most;
  bool estimated;
};
bool serve_explain(struct serve *serve, struct view args, struct serve_explanation *explanation,
                   struct fault *fault) MUST_CHECK;

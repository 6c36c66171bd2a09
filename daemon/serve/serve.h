/* The service: everything that one client request needs, and the request's way through it.
 *
 *   exchange -> query -> plan -> hit: from the cache
 *                             -> forward: join a flight, or begin one (paid) -> from the flight
 *
 * Requests run on the client listener's threads (serve_handler()); see serve/request.c for the
 * steps. A paid flight belongs to nobody's request: it goes on when its client has left
 * (serve/paid.c). */
#pragma once

#include "base/age.h"
#include "cache/cache.h"
#include "http/exchange.h"
#include "ledger/ledger.h"
#include "serve/access.h"
#include "serve/outcome.h"
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

/* Requests so far, and how long they took: a histogram. Any thread. */
#define SERVE_BUCKETS 14
extern const double serve_bucket_seconds[SERVE_BUCKETS]; /* upper bounds; +Inf comes after */
struct serve_counts {
  int64_t requests;
  int64_t buckets[SERVE_BUCKETS + 1]; /* not cumulated */
  double seconds;                     /* sum */
};
void serve_counts(struct serve *serve, enum serve_outcome outcome, struct serve_counts *counts);

/* Checks of tokens so far, by what came of them. Any thread. */
void serve_checks(struct serve *serve, int64_t counts[ACCESS_RESULTS]);

/* What became of a request, by its X-Request-Id. Of those that spent nothing the last few thousand
 * are known, of the others all that the ledger holds. Blocks on the disk. */
struct serve_trace {
  char outcome[16]; /* as in /metrics; empty where only the ledger knows the request */
  unsigned status;  /* HTTP; 0 where only the ledger knows */
  char token[LEDGER_LABEL_SIZE];
  int64_t at;         /* milliseconds since 1970 */
  bool cost_is_known; /* settled, or it cost nothing */
  bool pending;       /* still open in the ledger */
  bool estimated;
  struct rows spent; /* the most, where it is not known */
  struct rows saved;
};
bool serve_find(struct serve *serve, const char *id, struct serve_trace *trace, bool *exists,
                struct fault *fault) MUST_CHECK;

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

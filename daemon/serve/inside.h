/* The inside of the serve room; nobody else includes it. */
#pragma once

#include "serve/serve.h"

#include "access/access.h"
#include "access/texts.h"
#include "ledger/token.h"
#include "plan/plan.h"
#include "query/query.h"
#include "query/question.h"
#include "upstream/flights.h"

#include <pthread.h>
#include <stdatomic.h>

#define REQUEST_ID_SIZE LEDGER_REQUEST_ID_SIZE

struct serve {
  struct exchange_handler handler;
  struct cache *cache;
  struct ledger *ledger;
  struct transfer *transfer;
  struct flights *flights;
  struct access *access;
  struct texts *texts;
  struct traces *traces;
  struct counters *counters;
  int64_t started; /* clock_monotonic() */
  int state_lock;  /* a file descriptor; one daemon a state directory */
  atomic_bool draining;
  atomic_llong requests; /* under way */
  atomic_llong paid;     /* flights under way, whether somebody reads them or not */
  pthread_mutex_t lock;  /* of the two that follow; the last that a thread takes */
  struct settings *settings;
  struct secret *own_token; /* NULL: issued tokens cannot spend */
};

/* --- serve/paid.c: one request to upstream, from its reservation to its settlement --- */

/* What a paid flight needs to know of the request that began it. */
struct paid_order {
  struct serve *serve;
  struct settings *settings;
  const struct question *question;
  struct view normal;       /* the normalized query: what is stored is listed under it */
  const struct digest *key; /* under which the flight stands in the table of flights, if it does */
  struct view token;        /* what upstream sees */
  bool is_own_token;        /* it is ours, not the client's */
  const struct digest *fingerprint;
  bool is_strangers; /* a token that nobody has let in: request_is_strangers() */
  const char *id;    /* X-Request-Id */
  bool store;
  bool unread;    /* asked behind the client's back: sent though nobody reads it */
  bool is_ours;   /* no client's request: not in the account; must cost nothing */
  bool is_check;  /* of ours: counted and bounded in access/access.h */
  bool has_spent; /* of a check: the ledger says that the token was accepted once */
};

struct paid;

/* Makes the flight of a request and does nothing else: neither reserves, stores nor sends. The
 * caller owns one reference, and calls paid_send() or paid_withdraw() next, once. NULL with a
 * fault: nothing was made. Does not block; any thread. */
struct flight *paid_prepare(const struct paid_order *order, struct fault *fault) MUST_CHECK;
/* Reserves, then sends. The flight ends and settles by itself, whoever reads it; what cannot be
 * reserved, or is a check above its bounds, ends it as FLIGHT_REFUSED. Does not block; any thread,
 * under no lock. */
void paid_send(struct flight *flight);
/* The flight is not needed: ends it as FLIGHT_WITHDRAWN. Does not block; any thread, under no lock.
 */
void paid_withdraw(struct flight *flight);

/* The cost of `flight`; meaningful once it is CONCLUDED. */
struct answer_cost paid_cost(const struct flight *flight);
/* Whether the ledger holds it: not where nothing could be reserved. */
bool paid_is_booked(const struct flight *flight);
/* Whether this token's request began it. */
bool paid_is_by(const struct flight *flight, const struct digest *fingerprint);
/* Whether upstream saw the same token as it would see of a request of this one: for those that are
 * issued that is ours. */
bool paid_asks_as(const struct flight *flight, const struct digest *fingerprint, bool is_issued);
/* What must not be shown of the answer, should it stand there, to the client with this fingerprint:
 * the token that it was asked with, unless that is the client's own (then empty). As long as the
 * flight. */
struct view paid_secret(const struct flight *flight, const struct digest *fingerprint);
/* What a check has found; UNKNOWN until it is CONCLUDED. */
enum access_verdict paid_verdict(const struct flight *flight);
/* The flight's own hold on its chunks in the cache, for cache_hold_again(); NULL where they are not
 * stored. As long as the flight. */
const struct cache_hold *paid_hold(const struct flight *flight);
/* Of that result; meaningless where there is none. As long as the flight. */
const struct cache_validator *paid_validator(const struct flight *flight);

/* --- serve/request.c --- */

enum exchange_step request_step(void *serve, struct exchange *exchange);
void request_finished(void *serve, struct exchange *exchange);

/* --- serve/serve.c --- */

/* The present settings and our own Ahrefs token (NULL: there is none), with a reference of each for
 * the caller: together, so that no token is sent to the upstream of another. */
void serve_hold(struct serve *serve, struct settings **settings, struct secret **own_token);

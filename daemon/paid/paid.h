/* A paid request: one request to upstream that may cost rows. It belongs to no client's request.
 *
 *   paid_prepare ---> paid_withdraw: it is not needed; nothing was done
 *        |
 *   paid_send: reserve ---> refused: nothing was stored, sent or spent
 *        | (durable)
 *   send: chunks -> cache ----> upstream ended: publish or abandon -> settle -> conclude
 *
 * The result is published before the reservation is settled: if the process dies in between, a
 * result is kept and a reservation is booked at its maximum, and nothing that was paid for is lost.
 * The readers have their last byte only after both.
 *
 * Requests that rowcache makes for itself (the check of a token, reconciliation) take the same way;
 * they are free, and nothing is reserved for them. */
#pragma once

#include "access/access.h"
#include "access/texts.h"
#include "cache/cache.h"
#include "ledger/ledger.h"
#include "query/question.h"
#include "upstream/flights.h"
#include "upstream/transfer.h"

/* --- what all paid requests share --- */

struct paid_desk;

/* The rooms that paid requests use; they must outlive the desk. */
struct paid_rooms {
  struct cache *cache;
  struct ledger *ledger;
  struct transfer *transfer;
  struct flights *flights;
  struct access *access;
  struct texts *texts;
};

/* NULL: no memory. */
struct paid_desk *paid_desk_create(const struct paid_rooms *rooms) MUST_CHECK;
/* No request may be under way. Leaves NULL; NULL is allowed. */
void paid_desk_release(struct paid_desk **desk);

/* Prepares no further request: FAULT_UNAVAILABLE. Any thread. */
void paid_desk_stop(struct paid_desk *desk);
/* The number of requests under way, with or without a reader. Any thread. */
int64_t paid_desk_busy(const struct paid_desk *desk);

/* --- making, sending --- */

/* What a paid request needs to know of the one that made it. Borrowed during paid_prepare(). */
struct paid_order {
  struct paid_desk *desk;
  struct settings *settings;
  const struct question *question;
  struct view normal;       /* the normalized query, under which the stored result is listed */
  const struct digest *key; /* of the flight in the table of flights, if it is there */
  struct view token;        /* that upstream sees */
  bool is_own_token;        /* the token is upstream.token_file's, not the client's */
  const struct digest *fingerprint; /* of the client's token */
  bool is_strangers;                /* nobody has let the client's token in (access.mode = open) */
  const char *id;                   /* X-Request-Id */
  bool store;                       /* keep the answer */
  bool unread;      /* sent although nobody reads it: a refresh behind the client's back */
  bool is_internal; /* rowcache asks for itself: free, and not in the account */
  bool is_check;    /* internal, the check of a token: access bounds it, and learns its verdict */
  bool has_spent;   /* of a check: by the ledger, upstream accepted the token once */
};

/* Makes the flight of a request and does nothing else: neither reserves, stores nor sends. The
 * caller owns one reference, and calls paid_send() or paid_withdraw() next, once. NULL with a
 * fault: nothing was made. Does not block; any thread. */
struct flight *paid_prepare(const struct paid_order *order, struct fault *fault) MUST_CHECK;
/* Reserves, then sends. The flight ends and settles by itself, with or without readers. A request
 * that cannot be reserved, or a check above its bounds, ends as FLIGHT_REFUSED. Does not block; any
 * thread, under no lock. */
void paid_send(struct flight *flight);
/* The flight is not needed: ends it as FLIGHT_WITHDRAWN. Does not block; any thread, under no lock.
 */
void paid_withdraw(struct flight *flight);

/* --- what its readers ask; `flight` is one of paid_prepare() --- */

/* The cost of a request; meaningful once its flight is CONCLUDED. */
struct answer_cost paid_cost(const struct flight *flight);
/* True if the ledger holds a reservation for it. */
bool paid_is_booked(const struct flight *flight);
/* True if a request with this token began it. */
bool paid_is_by(const struct flight *flight, const struct digest *fingerprint);
/* True if a request with this token would go upstream under the same Ahrefs token. All issued tokens
 * share upstream.token_file's. */
bool paid_asks_as(const struct flight *flight, const struct digest *fingerprint, bool is_issued);
/* The token to mask in this client's copy of the answer; empty if it is the client's own. As long
 * as the flight. */
struct view paid_secret(const struct flight *flight, const struct digest *fingerprint);
/* The verdict of a check; UNKNOWN until its flight is CONCLUDED. */
enum access_verdict paid_verdict(const struct flight *flight);
/* The flight's own hold on its chunks in the cache, for cache_hold_again(); NULL if they are not
 * stored. As long as the flight. */
const struct cache_hold *paid_hold(const struct flight *flight);
/* The validator of the stored result; meaningless if there is none. As long as the flight. */
const struct cache_validator *paid_validator(const struct flight *flight);

/* A paid request: one request to upstream that may cost, or a translated one, which asks for several
 * pages (paid/translated.h). It belongs to no client's request.
 *
 *   paid_prepare ---> paid_withdraw: not needed; nothing was done
 *        |
 *   paid_send: reserve ---> refused: nothing was stored, sent or spent
 *        | (durable)
 *   send: chunks -> cache ----> upstream ended: publish or abandon -> settle -> conclude
 *
 * The result is published before the reservation is settled. If the process dies in between, the
 * result is kept and the reservation is booked at its maximum: nothing that was paid for is lost.
 * The readers get the last byte after both.
 *
 * Internal requests, which rowcache makes for itself (checks of tokens, reconciliation), take the
 * same way. They are free, so nothing is reserved for them. */
#pragma once

#include "access/access.h"
#include "access/texts.h"
#include "cache/cache.h"
#include "ledger/ledger.h"
#include "query/question.h"
#include "upstream/flights.h"
#include "upstream/transfer.h"

/* --- the desk: shared by all paid requests --- */

struct paid_desk;

/* The rooms that paid requests use; they must outlive the desk. */
struct paid_rooms {
  unsigned translators; /* threads for translated requests; 0: there are none */
  struct cache *cache;
  struct ledger *ledger;
  struct transfer *transfer;
  struct flights *flights;
  struct access *access;
  struct texts *texts;
};

/* Copies `rooms`; the caller owns the result. NULL: no memory. */
struct paid_desk *paid_desk_create(const struct paid_rooms *rooms) MUST_CHECK;
/* No request may be under way. Leaves NULL; NULL is allowed. */
void paid_desk_release(struct paid_desk **desk);

/* From now on paid_prepare() fails with FAULT_UNAVAILABLE, except for pages. Any thread. */
void paid_desk_stop(struct paid_desk *desk);
/* From now on no translated request waits for the readers of its answer: it ends as broken. Does not
 * block; any thread. */
void paid_desk_abort(struct paid_desk *desk);
/* Bytes that the rows of translated requests take, beside flight_memory(). Any thread; takes no
 * lock. */
size_t paid_desk_memory(const struct paid_desk *desk);
/* The number of requests under way, with or without a reader. Any thread. */
int64_t paid_desk_busy(const struct paid_desk *desk);

/* --- making, sending --- */

/* The order for a paid request. All of it is borrowed during paid_prepare(). */
struct paid_order {
  struct paid_desk *desk;
  struct settings *settings;
  const struct question *question;
  struct view normal;       /* the normalized query, for listing the stored result */
  const struct digest *key; /* of the stored result, and of the flight in the table of flights */
  struct digest subject;    /* of the stored result: struct cache_subject; zero: none */
  int64_t conditions;       /* likewise */
  struct view token;        /* sent upstream */
  bool is_own_token;        /* the token is upstream.token_file's, not the client's */
  const struct digest *fingerprint; /* of the client's token */
  bool is_strangers;                /* the token is a stranger's: request_is_strangers() */
  const char *id;                   /* X-Request-Id */
  bool store;                       /* keep the answer */
  const struct digest *flight_key;  /* in the table of flights; NULL: `key` */
  bool is_slice;               /* the ledger remembers its cost as that of a slice of its subject */
  bool is_whole;               /* likewise, as that of everything about its subject */
  struct amount offer, beside; /* of a whole: see struct ledger_request */
  /* The query that is translated, with the dialects that ask no question of v2 at once (struct
   * dialect, translates); NULL: the question is asked as it is. */
  const struct query *translated;
  int64_t fresh;    /* with `translated`: seconds; a stored page that is older is asked again */
  bool is_further;  /* of a page: another one counts for the same request in the ledger */
  bool is_page;     /* of a translated request that is under way */
  bool unread;      /* sent although nobody reads it: a refresh behind the client's back */
  bool is_internal; /* made by rowcache for itself: free, and not in the account */
  bool is_check;    /* internal, the check of a token: `access` bounds it and learns its verdict */
  bool has_spent;   /* of a check: by the ledger, upstream accepted the token once */
};

/* Makes the flight of a request; reserves, stores and sends nothing. The caller owns one reference,
 * and next calls paid_send() or paid_withdraw(), once. NULL with a fault (no memory, or the desk
 * has stopped): nothing was made. Does not block; any thread. */
struct flight *paid_prepare(const struct paid_order *order, struct fault *fault) MUST_CHECK;
/* Reserves, then sends. The flight ends and settles by itself, with or without readers. A request
 * that cannot be reserved, or a check above its bounds, ends as FLIGHT_REFUSED. Does not block; any
 * thread, under no lock. */
void paid_send(struct flight *flight);
/* Ends a flight that is not needed, as FLIGHT_WITHDRAWN. Does not block; any thread, under no
 * lock. */
void paid_withdraw(struct flight *flight);

/* --- questions of its readers; `flight` comes from paid_prepare() --- */

/* The cost of the request. Valid once the flight is CONCLUDED. */
struct answer_cost paid_cost(const struct flight *flight);
/* True if the ledger has a reservation for it. */
bool paid_is_booked(const struct flight *flight);
/* False: it is translated, and all its pages were stored: upstream was not asked. Valid once the
 * flight is past WAITING. */
bool paid_has_asked(const struct flight *flight);
/* True if a request with this token began it. */
bool paid_is_by(const struct flight *flight, const struct digest *fingerprint);
/* True if a request with this token would go upstream under the same Ahrefs token. All issued
 * tokens share upstream.token_file's. */
bool paid_asks_as(const struct flight *flight, const struct digest *fingerprint, bool is_issued);
/* The token to mask in this client's copy of the answer; empty if it is the client's own. As long
 * as the flight. */
struct view paid_secret(const struct flight *flight, const struct digest *fingerprint);
/* The verdict of a check; UNKNOWN until its flight is CONCLUDED. */
enum access_verdict paid_verdict(const struct flight *flight);
/* The flight's own hold on its chunks in the cache, for cache_hold_again(); NULL if they are not
 * stored. As long as the flight. */
const struct cache_hold *paid_hold(const struct flight *flight);
/* The validator that the stored result has, or will have; of no meaning if the answer is not
 * stored. As long as the flight. */
const struct cache_validator *paid_validator(const struct flight *flight);

/* One client request on its way; of the serve room only. It belongs to its exchange. No other thread
 * touches it than the one that runs the exchange's step or read. Its steps: serve/steps.h. */
#pragma once

#include "ledger/token.h"
#include "plan/plan.h"
#include "query/query.h"
#include "serve/serve.h"
#include "serve/steps.h"

#include <stdatomic.h>

#define REQUEST_ID_SIZE LEDGER_REQUEST_ID_SIZE

struct serve {
  struct exchange_handler handler;
  struct serve_rooms rooms;
  atomic_bool draining;
  atomic_llong busy; /* requests under way */
};

struct request {
  struct serve *serve;
  struct exchange *exchange;
  enum step step;
  struct settings *settings; /* one reference: those it began with */
  struct secret *own_token;  /* likewise; NULL: there is none */
  char id[REQUEST_ID_SIZE];
  int64_t at; /* milliseconds since 1970 */

  struct query *query; /* NULL until it could be parsed */
  struct wish wish;
  struct digest fingerprint; /* of the token, where there was one */
  bool has_token;
  struct token_facts token; /* what is known of it */
  enum question_kind kind;
  bool has_foreign_body;
  enum access_verdict checked; /* what the check of an unknown token found for this request */

  struct cache_hold *stored; /* what the cache has for the query; NULL: nothing */
  struct plan plan;
  struct fault fault; /* what STEP_REFUSE replies with */

  struct flight *flight;        /* joined or begun, one reference; NULL: none, or left again */
  struct flight_reader *reader; /* reads `flight`; from STEP_RELAY on it is the reply's body's */
  struct flight_state seen;     /* of `flight`, when the request last judged it */
  bool leads;                   /* began `flight`, and pays for it */
  bool relays;                  /* the reply is read from `flight` */
  bool refreshes;               /* began one that it does not read */
  bool impatient;               /* left a flight of which it had heard nothing for too long */
  bool left_lead;               /* left a flight that it led: the ledger has the flight */

  enum outcome outcome;
  unsigned status;
  struct amount spent, saved;
  bool cost_is_known;
  bool is_refusal; /* what upstream said to somebody is the reply */
};

/* The handler's functions: a request is made at its first step. */
enum exchange_step request_step(void *serve, struct exchange *exchange);
void request_finished(void *serve, struct exchange *exchange);

/* With access.mode = open, of a token of which nothing good is known: not issued, registered or
 * accepted by upstream, and nothing spent. What costs nothing makes it no line in the account. */
bool request_is_strangers(const struct request *request);

/* True if the method is HEAD. */
bool request_is_head(const struct request *request);

/* Gathers the facts anew and decides: fills `token`, `stored` and `plan`. Blocks on the disk; under
 * no lock. */
void request_plan(struct request *request);
/* How its token stands now; fills `token`. Does not block. */
enum plan_standing request_standing(struct request *request);

/* Joins the flight of `key` or makes one, as flights_join() does; then request_take(). False:
 * `fault` gives the reason. */
bool request_join(struct request *request, const struct digest *key,
                  const struct flights_maker *maker, struct flights_place *place);
/* Sends the flight that was made, or withdraws it where it is not needed. Gives up the reference. */
void request_send(struct flights_place *place, bool is_needed);
/* Takes over `reader` and holds its flight; NULL is allowed and changes nothing. */
void request_take(struct request *request, struct flight_reader *reader);
/* Leaves the flight; the request does not lead it any more. */
void request_leave(struct request *request);
/* The same before the flight has ended: what it costs is not known here. */
void request_leave_lead(struct request *request);
/* Wakes an exchange; flights call it. */
void request_wake(void *exchange);

/* Each notes the reply and returns STEP_REFUSE. */
enum step request_fail(struct request *request, const struct fault *fault);
enum step request_refuse(struct request *request, enum plan_refusal refusal);
enum step request_no_memory(struct request *request);

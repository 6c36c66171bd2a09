/* A client's request; of the serve room only. Its exchange owns it. Only the thread that runs the
 * exchange's step touches it. Its steps: serve/steps.h. */
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
  struct settings *settings; /* one reference: the settings it began with */
  struct secret *own_token;  /* one reference: upstream.token_file's; NULL: none */
  char id[REQUEST_ID_SIZE];
  int64_t at; /* milliseconds since 1970 */

  struct query *query; /* NULL: not parsed yet, or not well-formed */
  struct wish wish;
  struct digest fingerprint; /* of the token; zero without one */
  bool has_token;
  struct token_facts token; /* the ledger's facts about it */
  enum question_kind kind;
  bool has_foreign_body;
  enum access_verdict checked; /* the result of the check that this request made; UNKNOWN: none */

  struct cache_hold *stored; /* the stored result of the query; NULL: none */
  struct plan plan;
  struct fault fault; /* what STEP_REFUSE replies with */

  struct flight *flight;        /* joined or begun, one reference; NULL: none, or left again */
  struct flight_reader *reader; /* reads `flight`; from STEP_RELAY on it is the reply's body's */
  struct flight_state seen;     /* of `flight`, when the request last judged it */
  bool leads;                   /* began `flight`, and pays for it */
  bool relays;                  /* the reply is read from `flight` */
  bool refreshes;               /* began a flight that it does not read */
  bool impatient;               /* left a flight, as no byte had come for too long */
  bool left_lead;               /* left a flight that it led; the ledger books the flight */

  enum outcome outcome;
  unsigned status;
  struct amount spent, saved;
  bool cost_is_known;
  bool is_refusal; /* the reply is a refusal by upstream */
};

/* The handler's functions (http/exchange.h). A request is created at its first step. */
enum exchange_step request_step(void *serve, struct exchange *exchange);
void request_finished(void *serve, struct exchange *exchange);

/* True if nothing good is known of the token (access.mode = open): it is neither issued, registered
 * nor accepted by upstream, and has spent nothing. Such a token gets no line in the account for
 * requests that cost nothing. */
bool request_is_strangers(const struct request *request);

/* True if the method is HEAD. */
bool request_is_head(const struct request *request);

/* Gathers the facts again and decides: fills `token`, `stored` and `plan`. Blocks on the disk;
 * under no lock. */
void request_plan(struct request *request);
/* The present standing of its token; fills `token`. Does not block. */
enum plan_standing request_standing(struct request *request);

/* Joins the flight of `key` or makes one, as flights_join() does; then request_take(). False:
 * `fault` gives the reason. */
bool request_join(struct request *request, const struct digest *key,
                  const struct flights_maker *maker, struct flights_place *place);
/* Sends `place->started`, or withdraws it if it is not needed. Releases the reference. */
void request_send(struct flights_place *place, bool is_needed);
/* Takes over `reader` and holds its flight; NULL is allowed and changes nothing. */
void request_take(struct request *request, struct flight_reader *reader);
/* Leaves the flight; the request does not lead it any more. */
void request_leave(struct request *request);
/* The same before the flight has ended: the request will not learn its cost. */
void request_leave_lead(struct request *request);
/* Wakes an exchange; the `wake` of flight_join(). Any thread. */
void request_wake(void *exchange);

/* Each sets `fault` and returns STEP_REFUSE. */
enum step request_fail(struct request *request, const struct fault *fault);
enum step request_refuse(struct request *request, enum plan_refusal refusal);
enum step request_no_memory(struct request *request);

/* Counts the request, once, when its reply has gone out or its client has left (serve/finish.c).
 * Does not block. */
void request_account(struct request *request);

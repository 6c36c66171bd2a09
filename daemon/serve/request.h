/* A client's request; of the serve room only. Its exchange owns it. Only the thread that runs the
 * exchange's step touches it. Its steps: serve/steps.h. */
#pragma once

#include "base/rarely.h"
#include "base/shard.h"
#include "ledger/token.h"
#include "plan/plan.h"
#include "query/query.h"
#include "serve/facts.h"
#include "serve/serve.h"
#include "serve/steps.h"
#include "serve/visit.h"
#include "serve/whole.h"

#include <stdatomic.h>

#define REQUEST_ID_SIZE LEDGER_REQUEST_ID_SIZE

/* Visits under way, by the threads that begin and end them: only the sum means something. */
struct serve_shard {
  SHARD_ALIGNED atomic_llong busy;
};

struct serve {
  struct exchange_handler handler;
  struct serve_rooms rooms;
  atomic_bool draining;
  struct quick *quick;
  struct rarely short_of_memory; /* requests that were refused for server.max_answers */
  atomic_llong php_until; /* clock_monotonic(): until then PHP is not made of JSON (serve/wide.c) */
  struct serve_shard shards[SHARDS];
};

/* A visit begins, or ends. */
void serve_enter(struct serve *serve);
void serve_leave(struct serve *serve);

struct request {
  struct visit visit;
  struct serve *serve;
  struct exchange *exchange;
  enum step step;
  struct settings *settings; /* one reference: the settings it began with */
  struct secret *own_token;  /* one reference: upstream.token_file's; NULL: none */
  char id[REQUEST_ID_SIZE];
  int64_t at; /* milliseconds since 1970 */

  bool is_call;        /* of the v3 front */
  struct query *query; /* NULL: not parsed yet, or not well-formed */
  struct wish wish;
  struct digest fingerprint; /* of the token; zero without one */
  bool has_token;
  struct token_facts token; /* the ledger's facts about it */
  bool is_counted;          /* towards access.requests_per_second */
  bool has_begun;           /* it found memory for an answer (server.max_answers) */
  enum question_kind kind;
  bool has_foreign_body;
  enum access_verdict checked; /* the result of the check that this request made; UNKNOWN: none */

  struct findings found; /* what is stored for it */
  struct plan plan;
  int64_t fresh;      /* seconds: the greatest age that the client takes as fresh; negative: none */
  struct fault fault; /* what STEP_REFUSE replies with */
  bool is_over_limit; /* refused by a limit whose refusals are counted in the log, and not listed */

  /* what is asked of upstream (serve/wide.c) */
  struct query *wide;    /* instead of `query`; NULL: the query itself */
  bool asks_itself;      /* its answer cannot be made of the answer to a wider query */
  struct text rewritten; /* all of the answer, where it is made in memory; empty: not yet */

  /* computing from the source (serve/derive.c) */
  struct flight *computed;         /* one reference; NULL: none */
  struct flight_reader *computing; /* reads it; from STEP_DERIVED on it is the reply's body's */
  struct digest vain;              /* the key of a source that was tried in vain */
  unsigned attempts;               /* that were in vain */

  /* buying the whole of its target (serve/whole.c) */
  struct whole_choice whole; /* the query that was asked */
  bool has_tried_whole;      /* asked for it, or waited for another request's */
  bool has_bought;           /* the ledger has a reservation of the whole for it */
  bool has_shared;           /* it waited for the whole that another request asked for */
  enum plan_reason missed;   /* with either: the reason for which it would have asked upstream */

  /* asking upstream (serve/forward.c) */
  char paid_id[REQUEST_ID_SIZE]; /* of its next entry in the ledger; the first one has `id` */
  struct flight *flight;         /* joined or begun, one reference; NULL: none, or left again */
  struct flight_reader *reader;  /* reads `flight`; from STEP_RELAY on it is the reply's body's */
  struct flight_state seen;      /* of `flight`, when the request last judged it */
  bool leads;                    /* began `flight`, and pays for it */
  bool relays;                   /* the reply is read from `flight` */
  bool derives;                  /* the reply is read from `computed` */
  bool refreshes;                /* began a flight that it does not read */
  bool impatient;                /* left a flight, as no byte had come for too long */
  bool left_lead;                /* left a flight that it led; the ledger books the flight */

  enum outcome outcome;
  unsigned status;
  struct amount spent, saved;
  struct amount earlier; /* the part of `spent` that went to flights it led before this one */
  bool cost_is_known, earlier_is_known;
  bool has_paid;   /* the ledger has an entry of a flight that it led before this one */
  bool is_refusal; /* the reply is a refusal by upstream */
};

/* The handler's functions (http/exchange.h). A request is created at its first step. */
enum exchange_step request_step(void *serve, struct exchange *exchange);
void request_finished(void *serve, struct exchange *exchange);

/* True if nothing good is known of the token (access.mode = open): it is neither issued, registered
 * nor accepted by upstream, and has spent nothing. Such a token gets no line in the account for
 * requests that cost nothing. */
bool request_is_strangers(const struct request *request);

/* The methods that are allowed on its front, for Allow (RFC 9110 10.2.1). */
const char *request_methods(const struct request *request);

/* True if the method is HEAD. */
bool request_is_head(const struct request *request);

/* What facts are gathered about. Borrowed from the request. */
struct inquiry request_inquiry(const struct request *request);
/* Gathers the facts again and decides: fills `token`, `found` and `plan`. Blocks on the disk; under
 * no lock. */
void request_plan(struct request *request);
/* The step that serves what the plan found stored: STORED, or DERIVE. */
enum step request_serve(const struct request *request);
/* The present standing of its token; fills `token`. Does not block. */
enum plan_standing request_standing(struct request *request);

/* Decides what the request asks upstream, before it joins or makes a flight: fills `wide`. False:
 * no memory. Blocks on the disk; under no lock. */
bool request_widen(struct request *request) MUST_CHECK;
/* The query that upstream is asked. Valid as long as `wide` does not change. */
const struct query *request_asked(const struct request *request);
/* True if the reply is made of the rows of the answer to `wide`, which is in this state. */
bool request_rewrites(const struct request *request, const struct flight_state *state);
/* True if the reply must wait for the end of the answer to `wide`: the form states the count of
 * rows first, and upstream has not announced it. */
bool request_needs_count(const struct request *request, const struct flight_state *state);
/* Makes the whole reply in memory if it can be, before the head goes out: fills `rewritten`. False:
 * it cannot be made of the answer to `wide`, and the request asks for its query itself. Blocks on
 * the disk. */
bool request_rewrite(struct request *request, const struct flight_state *state) MUST_CHECK;
/* Notes that the answer to `wide` was paid and of no use. What makes it impossible to write one
 * target's JSON as PHP (a member beside the rows, a fraction) is likely to be there for others,
 * too: for cache.ttl each query for PHP is asked itself. */
void request_note_no_use(const struct request *request, const struct flight_state *state);
/* The body that is made of `*inner`, the answer to `wide`, on the way; takes over `*inner`. */
struct body *request_rewriting(struct request *request, const struct flight_state *state,
                               struct body **inner) MUST_CHECK;
/* True if the reply is v2's subscription_info, made of v3's limits-and-usage
 * (serve/subscription_info.c). */
bool request_is_subscription_info(const struct request *request);
/* Makes that reply of the answer, which has ended: RELAY, with `rewritten` filled; or REFUSE with
 * the fault set. */
enum step request_write_subscription_info(struct request *request);
/* The body of the flight's bytes, as this client may see them; takes over `reader`. */
struct body *request_flight_body(struct request *request) MUST_CHECK;

/* The order for asking upstream `question`, which is that of `asked`, on behalf of the request. All
 * that it points to is borrowed. */
struct paid_order request_order(const struct request *request, const struct query *asked,
                                const struct question *question);
/* Makes the flight, as paid_prepare() does. A fault, too: there is nothing to spend. */
struct flight *request_prepare(const struct request *request, const struct paid_order *order,
                               struct fault *fault) MUST_CHECK;
/* True if the whole of the target may be bought in place of this miss, and the miss counts as a
 * slice (cache.buy_whole). */
bool request_buys_wholes(const struct request *request);
/* True if the request may try to buy the whole now. */
bool request_may_try_whole(const struct request *request);

/* Joins the flight of `key` or makes one, as flights_join() does; then request_take(). False:
 * `fault` gives the reason. */
bool request_join(struct request *request, const struct digest *key,
                  const struct flights_maker *maker, struct flights_place *place);
/* Sends `place->started`, or withdraws it if it is not needed. Releases the reference. */
void request_send(struct flights_place *place, bool is_needed);
/* The same for a flight that the ledger books: the request's next entry gets another id. */
void request_spend(struct request *request, struct flights_place *place, bool is_needed);
/* Leaves the computation, if there is one. */
void request_leave_computed(struct request *request);
/* True if it has spent nothing: it leads no flight, and led none before this one. */
bool request_has_joined(const struct request *request);
/* Notes the cost of the flight that it leads, on top of earlier ones. */
void request_note_cost(struct request *request, const struct answer_cost *cost);
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

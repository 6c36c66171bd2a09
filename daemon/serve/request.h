/* One client request on its way; of the serve room only. It belongs to its exchange, and is touched
 * by no other thread than the one that runs the exchange's step or read.
 *
 *   check -> plan -> hit -----------------------------------> replied
 *     |     ^  ^ '-> forward (join or begin) -> await ------'
 *     |     |  '-- another's refusal or budget -'
 *     '-> verify: a token that is not known, before anything else is done for it
 *
 * Each step ends with a reply, with the next step, or with EXCHANGE_WAIT and `next` set to what
 * goes on when the request is woken. */
#pragma once

#include "serve/inside.h"

struct request {
  struct serve *serve;
  struct exchange *exchange;
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

  struct cache_hold *stored; /* what the cache has for the query; NULL: nothing */
  struct plan plan;

  enum exchange_step (*next)(struct request *request); /* when it is woken */

  struct flight_reader *reader; /* until the reply: then its body has it */
  struct flight *flight;        /* that the reply is read from, for the account */
  bool leads;                   /* began the flight, and pays */
  bool refreshes;               /* began one that it does not read */
  bool impatient;               /* left a flight of which it had heard nothing for too long */
  bool left_lead;               /* left a flight that it led: the ledger has the flight */

  enum serve_outcome outcome;
  unsigned status;
  struct rows spent, saved;
  bool cost_is_known;
  bool is_refusal; /* what upstream said to somebody is the reply */
};

/* --- serve/request.c --- */

/* With access.mode = open, of a token of which nothing good is known: not issued, registered or
 * accepted by upstream, and nothing spent. What costs nothing makes it no line in the account. */
bool request_is_strangers(const struct request *request);

/* --- serve/check.c --- */

bool request_is_head(const struct request *request);

/* Path, method, limits, query, token, table: fills what the request holds of them. */
bool check_request(struct request *request, struct fault *fault) MUST_CHECK;

/* What holds for every request of a token, whatever it asks, and as long as it waits: fills `token`
 * anew. FAULT_BAD_TOKEN: it is, or was meanwhile, revoked; or the mode is listed, and it is not. */
bool check_access(struct request *request, struct fault *fault) MUST_CHECK;

/* --- serve/steps.c: from the check of the token to the reply --- */

enum exchange_step steps_begin(struct request *request);
void steps_forget_stored(struct request *request);
/* What a request does that was woken. */
enum exchange_step steps_go_on(struct request *request);
/* The same where its client has gone: leaves its flight. */
enum exchange_step steps_abandon(struct request *request);

/* --- serve/reply.c: how a request is answered --- */

void reply_fault(struct request *request, const struct fault *fault);
/* From what is stored, with this freshness. */
void reply_stored(struct request *request, int64_t freshness);
/* From the flight that the request reads, as it stands. */
void reply_flight(struct request *request, const struct flight_state *state);

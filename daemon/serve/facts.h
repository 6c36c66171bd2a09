/* Gathers the facts about a query, for a client's request and for `explain` alike; plan/
 * decides. */
#pragma once

#include "plan/plan.h"
#include "serve/request.h"

/* A query, and all beside it that the decision depends on. Borrowed. */
struct inquiry {
  struct serve *serve;
  const struct settings *settings;
  const struct query *query;
  const struct digest *fingerprint; /* of the token; NULL: there is none */
  struct wish wish;                 /* Cache-Control of the request */
  bool has_unknown_body;            /* it comes with a body of unknown meaning */
  enum access_verdict checked; /* the result of a check that this request made; UNKNOWN: none */
  bool supposes;               /* treat an unknown or missing token as admitted: for explain */
};

/* The standing of a token by the ledger's facts about it, `token`. Does not block; any thread. */
enum plan_standing facts_judge_token(const struct inquiry *inquiry,
                                     const struct token_facts *token);

/* The present standing of the token. Fills `token` with the ledger's facts about it (a zero value
 * if there are none). Does not block; any thread. */
enum plan_standing facts_standing(const struct inquiry *inquiry, struct token_facts *token);

/* Fills `facts`, except those that only plan_predict() reads. `token`: as facts_standing() fills
 * it. `*stored`: the stored result of the query, which the caller releases; NULL: none. It is
 * looked up for an ADMITTED token only, so that nobody else learns what is stored. Blocks on the
 * disk; any thread, under no lock. */
void facts_gather(const struct inquiry *inquiry, enum plan_standing standing,
                  const struct token_facts *token, struct cache_hold **stored,
                  struct plan_facts *facts);

/* The facts that decide about a query: gathered here, for a client's request and for `explain`
 * alike; plan/ decides. */
#pragma once

#include "plan/plan.h"
#include "serve/request.h"

/* A query and those around it that have a say in what becomes of it. */
struct inquiry {
  struct serve *serve;
  const struct settings *settings;
  const struct query *query;
  const struct digest *fingerprint; /* of the token; NULL: there is none */
  struct wish wish;                 /* Cache-Control of the request */
  bool has_unknown_body;            /* a body whose meaning is not known comes with it */
  enum access_verdict checked;      /* what a check for this very query found; UNKNOWN: none */
  bool supposes; /* gather as if an unknown token, or a missing one, were admitted: for explain */
};

/* How a token stands by what the ledger knows of it: `token`. In memory; any thread. */
enum plan_standing facts_judge_token(const struct inquiry *inquiry,
                                     const struct token_facts *token);

/* How the token stands now. Fills `token` with what the ledger knows of it (a zero value where
 * there is none). In memory: does not block; any thread. */
enum plan_standing facts_standing(const struct inquiry *inquiry, struct token_facts *token);

/* Fills `facts`, but for those of plan_predict(). `token`: as facts_standing() fills it. `*stored`: what the cache has for
 * the query, the caller's to release; looked up only for a token that is ADMITTED, so that nobody
 * else learns what is stored; NULL: nothing. Blocks on the disk; any thread, under no lock. */
void facts_gather(const struct inquiry *inquiry, enum plan_standing standing,
                  const struct token_facts *token, struct cache_hold **stored,
                  struct plan_facts *facts);

/* Gathers the facts about a query, for a client's request and for `explain` alike; plan/
 * decides. */
#pragma once

#include "derived/search.h"
#include "dialect/dialect.h"
#include "ledger/token.h"
#include "plan/plan.h"
#include "query/query.h"
#include "serve/serve.h"

/* Only the rows of a source show whether it is of use. If it is not, one other source is tried, and
 * no more: the row that made the first useless is mostly in all others, too. */
#define FACTS_ATTEMPTS_MOST 2

/* A query, and all else that the decision depends on. All pointers are borrowed. */
struct inquiry {
  struct serve *serve;
  const struct settings *settings;
  const struct query *query;
  const struct digest *fingerprint; /* of the token; NULL: there is none */
  struct wish wish;                 /* Cache-Control of the request */
  bool has_unknown_body;            /* it comes with a body of unknown meaning */
  enum access_verdict checked; /* the result of a check that this request made; UNKNOWN: none */
  bool supposes;               /* treat an unknown or missing token as admitted: for explain */
  unsigned attempts;           /* sources that were tried in vain; from FACTS_ATTEMPTS_MOST on no
                                source is looked for */
  const struct digest *vain;   /* the key of the last of these; NULL: none */
};

/* The standing of a token by the ledger's facts about it, `token`. Does not block; any thread. */
enum plan_standing facts_judge_token(const struct inquiry *inquiry,
                                     const struct token_facts *token);

/* The present standing of the token. Fills `token` with the ledger's facts about it (a zero value
 * if there are none). Does not block; any thread. */
enum plan_standing facts_standing(const struct inquiry *inquiry, struct token_facts *token);

/* True if nothing good is known of the token (access.mode = open): it is neither issued, registered
 * nor accepted by upstream, and has spent nothing. Such a token gets no line in the account for
 * requests that cost nothing. Does not block; any thread. */
bool facts_is_strangers(const struct inquiry *inquiry, const struct token_facts *token);

/* True if a stored result may be served at all: what was computed before cache.derive was switched off
 * may not, nor what came from the other API before upstream.api was changed. Pure. */
bool facts_may_serve(const struct settings *settings, const struct cache_entry *entry);

/* What is stored for a query; the caller releases it. Begins as {0}. */
struct findings {
  struct cache_hold *stored;    /* the result of the query itself; NULL: none */
  struct derived_source source; /* another result, from which its answer can be computed */
};
/* Leaves {0}. */
void findings_release(struct findings *findings);

/* Fills `facts`, except those that only plan_predict() reads, and `findings`. `token`: as
 * facts_standing() fills it. The cache is searched for an ADMITTED token only, so that nobody else
 * learns what is stored; for a source only if no result of the query itself is fresh. Blocks on the
 * disk; any thread, under no lock. */
void facts_gather(const struct inquiry *inquiry, enum plan_standing standing,
                  const struct token_facts *token, struct findings *findings,
                  struct plan_facts *facts);

/* The search for a source of the inquiry's query, by facts that facts_gather() has filled. Borrows
 * from the inquiry. */
struct derived_search facts_search(const struct inquiry *inquiry, const struct plan_facts *facts);

/* False: FAULT_UNKNOWN_PATH. Calls have a front only if upstream speaks v3. */
bool facts_check_call(const struct settings *settings, struct fault *fault) MUST_CHECK;

/* False: FAULT_UNTRANSLATABLE. A query that upstream's dialect cannot ask. */
bool facts_check_translation(const struct settings *settings, const struct query *query,
                             bool has_unknown_body, struct fault *fault) MUST_CHECK;

/* The price of a query, upstream. */
struct tariff facts_price(const struct settings *settings, const struct query *query);

/* True if a stored result of `query` itself may be served, and is fresh, for a request that has the
 * wishes of the inquiry and this token. Blocks on the disk; any thread, under no lock. */
bool facts_is_answered(const struct inquiry *inquiry, const struct token_facts *token,
                       const struct query *query);

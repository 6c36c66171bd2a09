/* What would become of a query, if a request came with it now; of explain.c only. */
#pragma once

#include "serve/candidates.h"
#include "serve/facts.h"
#include "serve/whole.h"

struct prediction {
  struct serve *serve;
  const struct query *query;
  struct settings *settings; /* one reference */
  struct secret *own_token;  /* one reference; NULL: none */
  struct tariff tariff;      /* of the query */
  struct digest fingerprint;
  struct inquiry inquiry;

  enum plan_standing standing;
  struct token_facts token;
  struct token_account account; /* of the token; empty if it has no budget */

  struct plan_facts facts;
  struct findings found;
  struct vain_sources vain;
  struct query *wide;        /* what upstream would be asked; NULL: the query itself */
  struct plan plan;          /* of plan_predict() */
  struct whole_choice whole; /* what upstream would be asked first */
  bool shares_whole;         /* another request asks for the whole, and this one would join it */
};

/* Fills `prediction`, which the caller releases in any case. `serve` and `query` are borrowed, and
 * must outlive it. An unknown token and none are taken for one that is admitted. Faults: no memory,
 * or the ledger cannot be read. Sends and spends nothing. Blocks on the disk, and reads the source
 * whole, or two; any thread. */
bool predict(struct serve *serve, const struct query *query, struct prediction *prediction,
             struct fault *fault) MUST_CHECK;
void prediction_release(struct prediction *prediction);

/* True if a stored result would be served, from the source or not. */
bool prediction_is_served(const struct prediction *prediction);
/* True if the answer would be computed from `found.source`. */
bool prediction_is_computed(const struct prediction *prediction);
/* True if the query would go upstream, or wait for one that has. */
bool prediction_goes_upstream(const struct prediction *prediction);

/* Explains how a query would be answered, and what it could cost. */
#pragma once

#include "serve/serve.h"

/* A stored result. Times are in seconds. */
struct serve_stored {
  char key[DIGEST_HEX_SIZE];
  struct text normal;     /* the query that it answers */
  int64_t age, freshness; /* age: or AGE_UNKNOWN, without a freshness */
};

/* A stored result of another query of the same table, target and mode, and what it is good for. */
struct serve_candidate {
  struct serve_stored stored;
  const char *reason, *text; /* of tables/derive_reasons.def; they live forever */
};

/* The plan for a query, and its possible cost. Begins as {0}. */
struct serve_explanation {
  struct text normal;
  char key[DIGEST_HEX_SIZE];
  const char *outcome; /* a word of tables/outcomes.def; for a query without a token, or with an
                          unknown one, the outcome once the token is admitted */
  const char *token;   /* plan_standing_word() */
  struct fault fault;  /* the answer now, if it is one of rowcache's own errors; else FAULT_NONE */

  /* the stored result of the query itself */
  bool stored;
  bool is_derived;        /* if stored: it is a copy, computed from another stored result */
  int64_t age, freshness; /* if stored; seconds. age: or AGE_UNKNOWN, without a freshness */

  /* computing the answer */
  bool computes; /* the answer would be computed, from `source` */
  struct serve_stored source;
  struct serve_candidate *candidates; /* the results that are young enough to be served from, if
                                         only after a failure; NULL: none were looked at */
  size_t candidate_count;             /* DERIVED_CANDIDATES_MOST at most */

  /* asking upstream */
  struct text asked; /* the wider query, or the first page of a translated one, if that would be
                        asked in place of this one; else empty */
  struct text whole; /* the query for the whole, if that would be bought first; else empty */
  struct amount whole_least, whole_most; /* its cost; zero while another request buys it */

  struct amount least, most; /* the whole included */
  bool estimated;
};

/* Explains the query `args`: the raw query string of a request without '?', or a call of v3 with
 * its path, "/v3/ENDPOINT?...". Its `token` is a token, or the label of one. Sends and spends
 * nothing, but reads a source as a request would: so an explanation says what its rows allow. The
 * caller releases `explanation`, also after a failure. Faults: those of query_parse(), of the
 * cache, and of the ledger; a call that has no front here. Blocks on the disk, and until the source
 * is read; any thread. */
bool serve_explain(struct serve *serve, struct view args, struct serve_explanation *explanation,
                   struct fault *fault) MUST_CHECK;
/* Frees what it holds. */
void serve_explanation_release(struct serve_explanation *explanation);

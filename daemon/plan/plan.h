/* The decision about a query, before anything is sent. Facts in, decision out: the same functions
 * decide for a request and for `explain`. They spend nothing and read no clock. Pure. */
#pragma once

#include "base/age.h"
#include "base/fault.h"
#include "query/wish.h"

/* How the token of a query stands. */
enum plan_standing {
  PLAN_NO_TOKEN, /* the query has none */
  PLAN_REVOKED,  /* revoked, or replaced by a new one */
  PLAN_UNLISTED, /* access.mode = listed, and it is not on the list */
  PLAN_UNKNOWN,  /* upstream must check it before it sees or spends anything */
  PLAN_REJECTED, /* upstream does not accept it */
  PLAN_ADMITTED, /* may read the cache and spend */
};

/* A word for each: "none", "revoked", "unlisted", "unknown", "rejected", "admitted". */
const char *plan_standing_word(enum plan_standing standing);

/* Why rowcache itself refuses a query: tables/refusals.def. */
enum plan_refusal {
  PLAN_NOT_REFUSED,
#define REFUSAL(name, fault, text) PLAN_REFUSED_##name,
#include "tables/refusals.def"
#undef REFUSAL
};

struct plan_facts {
  /* the token */
  enum plan_standing standing;
  bool is_issued;  /* by rowcache: it spends from upstream.token_file */
  bool has_budget; /* there is a limit on what it may spend */

  /* the query */
  bool cacheable;        /* false: another table, another output, a body of unknown meaning */
  bool is_other;         /* another table, or a body of unknown meaning */
  bool has_unknown_body; /* a body of unknown meaning */
  bool has_odd_limit;    /* another table's limit that is no number of results */
  bool others_refused;   /* tables.other = refuse */
  struct wish wish;      /* the request's Cache-Control */

  /* what is stored */
  bool stored;
  int64_t age;                    /* seconds; or AGE_UNKNOWN */
  int64_t ttl;                    /* cache.ttl, seconds */
  int64_t stale_if_error;         /* cache.stale_if_error */
  int64_t stale_while_revalidate; /* cache.stale_while_revalidate */

  /* what only plan_predict() reads: a request learns it when it joins, begins and reserves */
  bool is_under_way;   /* somebody's flight of the same query can be joined */
  bool can_spend;      /* false: issued, and there is no upstream.token_file */
  bool exceeds_budget; /* the most that it can cost is more than is left of the token's budget */
};

enum plan_action {
  PLAN_REFUSE,          /* answer with an error, for `refusal` */
  PLAN_VERIFY,          /* check the token upstream, then plan again */
  PLAN_HIT,             /* answer with what is stored */
  PLAN_HIT_AND_REFRESH, /* the same, and ask upstream behind the client's back */
  PLAN_FORWARD,         /* ask upstream, or join who does */
  PLAN_JOIN,            /* predicted: read what somebody has asked upstream for */
};

/* Why a request goes upstream, RFC 9211 2.2. */
enum plan_reason { PLAN_BYPASS, PLAN_URI_MISS, PLAN_STALE, PLAN_REQUEST };

struct plan {
  enum plan_action action;
  enum plan_refusal refusal; /* with REFUSE */
  enum plan_reason reason;   /* with FORWARD and JOIN */
  bool store;                /* with FORWARD: keep the answer */
  bool stale_if_error;       /* with FORWARD: what is stored may be served if upstream fails */
  int64_t freshness; /* of what is stored: seconds left, negative when stale; 0 if not known */
};

/* The refusal that follows from a token's standing alone, whatever it asks for and as long as it
 * waits: revoked tokens, and those that are not on the list. */
enum plan_refusal plan_bar(enum plan_standing standing);

/* What to do with a query. */
struct plan plan_decide(const struct plan_facts *facts);

/* What would become of a query that plan_decide() has decided about, if a request came with it now:
 * also who would join another's flight, and what would be refused when it is to be sent. */
struct plan plan_predict(const struct plan_facts *facts);

/* The word of RFC 9211 for a reason. */
const char *plan_reason_word(enum plan_reason reason);

/* Fills `fault` with the text of a refusal (not NOT_REFUSED); `label` is the token's. False. */
bool plan_refuse(enum plan_refusal refusal, const char *label, struct fault *fault);

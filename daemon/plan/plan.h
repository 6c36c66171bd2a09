/* The decision about a query, before anything is sent. Facts in, decision out: the same functions
 * decide for a request and for `explain`. They spend nothing and read no clock. Pure. */
#pragma once

#include "base/age.h"
#include "base/fault.h"
#include "query/wish.h"

/* The standing of a query's token. */
enum plan_standing {
  PLAN_NO_TOKEN, /* the query has none */
  PLAN_REVOKED,  /* revoked, or replaced by a new one */
  PLAN_UNLISTED, /* access.mode = listed, and it is not on the list */
  PLAN_UNKNOWN,  /* upstream must check it before it sees or spends anything */
  PLAN_REJECTED, /* upstream does not accept it */
  PLAN_ADMITTED, /* may read the cache and spend */
};

/* The word for a standing: "none", "revoked", "unlisted", "unknown", "rejected", "admitted". */
const char *plan_standing_word(enum plan_standing standing);

/* The reason for which rowcache itself refuses a query (tables/refusals.def). */
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
  bool cacheable;         /* false: another table; an output or a body of unknown meaning */
  bool is_other;          /* another table, or a body of unknown meaning: see tables.other */
  bool has_unknown_body;  /* a body of unknown meaning */
  bool has_odd_limit;     /* another table's limit that is no number of results */
  bool others_refused;    /* tables.other = refuse */
  bool is_untranslatable; /* upstream's dialect cannot ask it */
  bool is_subscription;   /* it asks for upstream's own count for the token */
  struct wish wish;       /* the request's Cache-Control */

  /* the stored result of the query itself */
  bool stored; /* there is one */
  int64_t age; /* seconds; or AGE_UNKNOWN */

  /* the source: a stored result of another query, from which the answer can be computed */
  bool has_source;
  int64_t source_age; /* like `age` */

  /* the settings about both */
  int64_t ttl;                    /* cache.ttl, seconds */
  int64_t stale_if_error;         /* cache.stale_if_error */
  int64_t stale_while_revalidate; /* cache.stale_while_revalidate */

  /* read by plan_predict() only: a request learns them when it joins, begins and reserves */
  bool is_under_way;   /* there is a flight of the same query to join */
  bool can_spend;      /* false: issued, and there is no upstream.token_file */
  bool exceeds_budget; /* the query can cost more than is left of the token's budget */
};

enum plan_action {
  PLAN_REFUSE,          /* answer with an error, for `refusal` */
  PLAN_VERIFY,          /* check the token upstream, then plan again */
  PLAN_HIT,             /* answer with the stored result, or from the source: `derive` */
  PLAN_HIT_AND_REFRESH, /* the same, and ask upstream behind the client's back */
  PLAN_FORWARD,         /* join the flight of the query, or ask upstream */
  PLAN_ACCOUNT,         /* answer from the ledger: the token's own budget */
  PLAN_JOIN,            /* only of plan_predict(): join the flight of the query */
};

/* The reason for which a request goes upstream (RFC 9211 2.2). */
enum plan_reason { PLAN_BYPASS, PLAN_URI_MISS, PLAN_STALE, PLAN_REQUEST };

struct plan {
  enum plan_action action;
  enum plan_refusal refusal; /* with REFUSE */
  enum plan_reason reason;   /* with FORWARD and JOIN */
  bool store;                /* with FORWARD: keep the answer */
  bool stale_if_error;       /* with FORWARD: the stored result may be served if upstream fails */
  bool derive;       /* what is served is computed from the source, not the stored result itself */
  int64_t freshness; /* of what may be served: seconds left, negative when stale; 0 if not known */
};

/* The refusal that follows from the standing alone, for a token that is revoked or not on the list;
 * else NOT_REFUSED. It holds for every query, and also after each wait. */
enum plan_refusal plan_bar(enum plan_standing standing);

/* True if the stored result of the query itself may be served and is fresh: then no source is
 * needed. The facts about the source are not read. */
bool plan_is_answered(const struct plan_facts *facts);

/* The greatest ages that a source may have, in seconds. Negative: it may have none. */
struct plan_ages {
  int64_t fresh;  /* to be served as fresh */
  int64_t usable; /* to be served at all, if only after a failure of upstream */
};
struct plan_ages plan_source_ages(const struct plan_facts *facts);

/* Decides what to do with a query. */
struct plan plan_decide(const struct plan_facts *facts);

/* Predicts the fate of a query if a request came with it now. Beyond plan_decide(): would it join a
 * flight, and would it be refused before it is sent. */
struct plan plan_predict(const struct plan_facts *facts);

/* The word of RFC 9211 for a reason. Lives forever. */
const char *plan_reason_word(enum plan_reason reason);

/* Fills `fault` for a refusal (not NOT_REFUSED); `label` is the token's. Always returns false. */
bool plan_refuse(enum plan_refusal refusal, const char *label, struct fault *fault);

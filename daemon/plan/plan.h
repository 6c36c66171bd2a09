/* What to do with a query for which something is, or is not, stored. Facts in, decision out: the
 * same function decides for a request and for `explain`. It spends nothing and reads no clock.
 * Pure. */
#pragma once

#include "base/age.h"
#include "query/wish.h"
#include "settings/settings.h"

struct plan_facts {
  bool cacheable; /* false: another table, another output, a body of unknown meaning */
  bool stored;
  int64_t age;                    /* of what is stored, seconds; or AGE_UNKNOWN */
  struct wish wish;               /* the request's Cache-Control */
  int64_t ttl;                    /* cache.ttl, seconds */
  int64_t stale_if_error;         /* cache.stale_if_error */
  int64_t stale_while_revalidate; /* cache.stale_while_revalidate */
};

enum plan_action {
  PLAN_HIT,             /* answer with what is stored */
  PLAN_HIT_AND_REFRESH, /* the same, and ask upstream behind the client's back */
  PLAN_FORWARD,         /* ask upstream, or join who does */
  PLAN_GATEWAY_TIMEOUT, /* only-if-cached, and it is not */
};

/* Why a request goes upstream, RFC 9211 2.2. */
enum plan_reason { PLAN_BYPASS, PLAN_URI_MISS, PLAN_STALE, PLAN_REQUEST };

struct plan {
  enum plan_action action;
  enum plan_reason reason; /* with FORWARD */
  bool store;              /* with FORWARD: keep the answer */
  bool stale_if_error;     /* with FORWARD: what is stored may be served if upstream fails */
  int64_t freshness; /* of what is stored: seconds left, negative when stale; 0 if not known */
};

struct plan plan_decide(const struct plan_facts *facts);

/* The word of RFC 9211 for a reason. */
const char *plan_reason_word(enum plan_reason reason);

/* The headers that rowcache adds to an answer. Pure. Source: contract, "The client side"; RFC
 * 9211. */
#pragma once

#include "base/money.h"
#include "base/text.h"
#include "plan/plan.h"

/* Appends the Cache-Status of a hit: "rowcache; hit; ttl=N", the same with "; detail=derived" if the
 * answer `is_derived`, or "rowcache; hit; ttl=-N; detail=stale". `freshness`: seconds left; 0 or
 * less: stale. */
void headers_hit(int64_t freshness, bool is_derived, struct text *cache_status);

/* Appends a strong entity-tag (RFC 9110 8.8.3) made of `validator`, with its quotes. As gzip the same
 * result is another representation, and has another tag (RFC 9110 8.8.3.3). */
void headers_tag(struct view validator, bool is_gzip, struct text *tag);

/* The names of the headers that state what an answer cost, and what it saved, in this currency.
 * They live forever. */
const char *headers_spent(enum currency currency);
const char *headers_saved(enum currency currency);

struct headers_forward {
  enum plan_reason reason;
  unsigned status; /* upstream's; shown as fwd-status where it is not 200; 0: none came */
  bool stored, collapsed;
};
/* Appends the Cache-Status of a forwarded request: "rowcache; fwd=uri-miss; stored" and so on. */
void headers_forward(const struct headers_forward *forward, struct text *cache_status);

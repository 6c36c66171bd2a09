#include "plan/plan.h"

/* The request's own bounds on age and freshness, RFC 9111 5.2.1. */
static bool wish_allows(const struct wish *wish, int64_t age, int64_t freshness) {
  if (wish->no_cache)
    return false;
  if (wish->max_age >= 0 && age > wish->max_age)
    return false;
  return wish->min_fresh < 0 || freshness >= wish->min_fresh;
}

/* The client takes what is this stale (max-stale, RFC 9111 5.2.1.2). */
static bool client_takes_stale(const struct wish *wish, int64_t staleness) {
  return wish->max_stale >= 0 && staleness <= wish->max_stale;
}

/* There is something stored, and the request's bounds allow it. */
static struct plan decide_stored(const struct plan_facts *facts, struct plan plan) {
  int64_t staleness = -plan.freshness;
  if (plan.freshness > 0) {
    plan.action = PLAN_HIT;
  } else if (client_takes_stale(&facts->wish, staleness)) {
    plan.action = PLAN_HIT;
  } else if (staleness < facts->stale_while_revalidate && facts->wish.max_stale < 0) {
    plan.action = facts->wish.only_if_cached ? PLAN_HIT : PLAN_HIT_AND_REFRESH;
  } else {
    plan.reason = PLAN_STALE;
    plan.stale_if_error = facts->stale_if_error > 0 && staleness <= facts->stale_if_error;
  }
  return plan;
}

struct plan plan_decide(const struct plan_facts *facts) {
  struct plan plan = {.action = PLAN_FORWARD, .store = facts->cacheable && !facts->wish.no_store};
  if (!facts->cacheable) {
    plan.reason = PLAN_BYPASS;
  } else if (!facts->stored) {
    plan.reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_URI_MISS;
  } else if (facts->age == AGE_UNKNOWN) {
    /* Not within any bound, neither the client's nor those of the configuration, and without an Age
     * to show: so it is not served at all, not even when upstream fails. */
    plan.reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
  } else {
    plan.freshness = facts->ttl - facts->age;
    if (wish_allows(&facts->wish, facts->age, plan.freshness))
      plan = decide_stored(facts, plan);
    else
      plan.reason = plan.freshness > 0 || facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
  }
  if (plan.action == PLAN_FORWARD && facts->wish.only_if_cached)
    plan.action = PLAN_GATEWAY_TIMEOUT;
  return plan;
}

const char *plan_reason_word(enum plan_reason reason) {
  static const char *const words[] = {[PLAN_BYPASS] = "bypass",
                                      [PLAN_URI_MISS] = "uri-miss",
                                      [PLAN_STALE] = "stale",
                                      [PLAN_REQUEST] = "request"};
  return words[reason];
}

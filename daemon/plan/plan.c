#include "plan/plan.h"

/* True if the request's own bounds on age and freshness allow the stored result (RFC 9111
 * 5.2.1). */
static bool wish_allows(const struct wish *wish, int64_t age, int64_t freshness) {
  if (wish->no_cache)
    return false;
  if (wish->max_age >= 0 && age > wish->max_age)
    return false;
  return wish->min_fresh < 0 || freshness >= wish->min_fresh;
}

/* True if the client accepts this staleness, in seconds (max-stale, RFC 9111 5.2.1.2). */
static bool client_takes_stale(const struct wish *wish, int64_t staleness) {
  return wish->max_stale >= 0 && staleness <= wish->max_stale;
}

/* Decides when there is a stored result that the request's bounds allow. */
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

/* Decides about a query that is not refused. */
static struct plan decide_admitted(const struct plan_facts *facts) {
  struct plan plan = {.action = PLAN_FORWARD, .store = facts->cacheable && !facts->wish.no_store};
  if (!facts->cacheable) {
    plan.reason = PLAN_BYPASS;
  } else if (!facts->stored) {
    plan.reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_URI_MISS;
  } else if (facts->age == AGE_UNKNOWN) {
    /* An unknown age is within no bound, the client's or the configuration's, and there is no Age
     * to show. So the result is never served, even if upstream fails. */
    plan.reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
  } else {
    plan.freshness = facts->ttl - facts->age;
    if (wish_allows(&facts->wish, facts->age, plan.freshness))
      plan = decide_stored(facts, plan);
    else
      plan.reason = plan.freshness > 0 || facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
  }
  return plan;
}

static struct plan refuse(struct plan plan, enum plan_refusal refusal) {
  plan.action = PLAN_REFUSE;
  plan.refusal = refusal;
  return plan;
}

enum plan_refusal plan_bar(enum plan_standing standing) {
  switch (standing) {
  case PLAN_REVOKED:
    return PLAN_REFUSED_REVOKED;
  case PLAN_UNLISTED:
    return PLAN_REFUSED_UNLISTED;
  case PLAN_NO_TOKEN:
  case PLAN_UNKNOWN:
  case PLAN_REJECTED:
  case PLAN_ADMITTED:
    break;
  }
  return PLAN_NOT_REFUSED;
}

/* A query of unknown cost must not spend from a budget, nor with upstream.token_file. The answer to
 * a query that is never cached and asks for "only if cached" is known without a check of the token,
 * and reveals nothing to a stranger. */
static enum plan_refusal refusal_of(const struct plan_facts *facts) {
  if (facts->standing == PLAN_NO_TOKEN)
    return PLAN_REFUSED_NO_TOKEN;
  if (plan_bar(facts->standing))
    return plan_bar(facts->standing);
  if (facts->has_unknown_body && (facts->has_budget || facts->is_issued))
    return PLAN_REFUSED_BODY;
  if (facts->has_odd_limit && facts->has_budget)
    return PLAN_REFUSED_LIMIT;
  if (facts->is_other && facts->others_refused)
    return PLAN_REFUSED_OTHER_TABLE;
  if (!facts->cacheable && facts->wish.only_if_cached)
    return PLAN_REFUSED_NOT_CACHED;
  return facts->standing == PLAN_REJECTED ? PLAN_REFUSED_REJECTED : PLAN_NOT_REFUSED;
}

struct plan plan_decide(const struct plan_facts *facts) {
  enum plan_refusal refusal = refusal_of(facts);
  if (refusal)
    return refuse((struct plan){0}, refusal);
  if (facts->standing == PLAN_UNKNOWN)
    return (struct plan){.action = PLAN_VERIFY};
  struct plan plan = decide_admitted(facts);
  if (plan.action == PLAN_FORWARD && facts->wish.only_if_cached)
    return refuse(plan, PLAN_REFUSED_NOT_CACHED);
  return plan;
}

struct plan plan_predict(const struct plan_facts *facts) {
  struct plan plan = plan_decide(facts);
  if (plan.action != PLAN_FORWARD)
    return plan;
  if (plan.store && facts->is_under_way)
    plan.action = PLAN_JOIN;
  else if (!facts->can_spend)
    plan = refuse(plan, PLAN_REFUSED_NOTHING_TO_SPEND);
  else if (facts->exceeds_budget && plan.stale_if_error)
    plan.action = PLAN_HIT;
  else if (facts->exceeds_budget)
    plan = refuse(plan, PLAN_REFUSED_OVER_BUDGET);
  return plan;
}

const char *plan_standing_word(enum plan_standing standing) {
  static const char *const words[] = {
      [PLAN_NO_TOKEN] = "none",   [PLAN_REVOKED] = "revoked",   [PLAN_UNLISTED] = "unlisted",
      [PLAN_UNKNOWN] = "unknown", [PLAN_REJECTED] = "rejected", [PLAN_ADMITTED] = "admitted"};
  CHECK(standing < sizeof words / sizeof *words);
  return words[standing];
}

const char *plan_reason_word(enum plan_reason reason) {
  static const char *const words[] = {[PLAN_BYPASS] = "bypass",
                                      [PLAN_URI_MISS] = "uri-miss",
                                      [PLAN_STALE] = "stale",
                                      [PLAN_REQUEST] = "request"};
  return words[reason];
}

bool plan_refuse(enum plan_refusal refusal, const char *label, struct fault *fault) {
  static const struct {
    enum fault_kind kind;
    const char *text;
  } refusals[] = {
#define REFUSAL(name, fault, text) [PLAN_REFUSED_##name] = {FAULT_##fault, text},
#include "tables/refusals.def"
#undef REFUSAL
  };
  CHECK(refusal > PLAN_NOT_REFUSED && refusal < sizeof refusals / sizeof *refusals);
  return fault_set(fault, refusals[refusal].kind, refusals[refusal].text, label);
}

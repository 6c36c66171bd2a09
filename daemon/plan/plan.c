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

/* Decides about a query that is not refused, with a result of this age. */
static struct plan decide_with(const struct plan_facts *facts, int64_t age) {
  struct plan plan = {.action = PLAN_FORWARD};
  if (age == AGE_UNKNOWN) {
    /* An unknown age is within no bound, the client's or the configuration's, and there is no Age
     * to show. So the result is never served, even if upstream fails. */
    plan.reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
    return plan;
  }
  plan.freshness = facts->ttl - age;
  if (wish_allows(&facts->wish, age, plan.freshness))
    return decide_stored(facts, plan);
  plan.reason = plan.freshness > 0 || facts->wish.no_cache ? PLAN_REQUEST : PLAN_STALE;
  return plan;
}

static struct plan decide_without(const struct plan_facts *facts) {
  return (struct plan){.action = PLAN_FORWARD,
                       .reason = facts->wish.no_cache ? PLAN_REQUEST : PLAN_URI_MISS};
}

/* How good the answer of a plan is for the client. */
static int rank(const struct plan *plan) {
  if (plan->action != PLAN_FORWARD)
    return plan->freshness > 0 ? 3 : 2;
  return plan->stale_if_error ? 1 : 0;
}

/* The query's own result comes first: it costs the least. The source is taken if only it is fresh,
 * or if only it may be served at all. */
static struct plan decide_cacheable(const struct plan_facts *facts) {
  struct plan plan = facts->stored ? decide_with(facts, facts->age) : decide_without(facts);
  if (!facts->has_source)
    return plan;
  struct plan other = decide_with(facts, facts->source_age);
  other.derive = true;
  return rank(&other) > rank(&plan) ? other : plan;
}

/* Decides about a query that is not refused. */
static struct plan decide_admitted(const struct plan_facts *facts) {
  struct plan plan = {.action = PLAN_FORWARD, .reason = PLAN_BYPASS};
  if (facts->cacheable)
    plan = decide_cacheable(facts);
  plan.store = facts->cacheable && !facts->wish.no_store;
  return plan;
}

bool plan_is_answered(const struct plan_facts *facts) {
  if (!facts->stored)
    return false;
  struct plan plan = decide_with(facts, facts->age);
  return rank(&plan) == 3;
}

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

struct plan_ages plan_source_ages(const struct plan_facts *facts) {
  const struct wish *wish = &facts->wish;
  int64_t window = greater(facts->stale_if_error, facts->stale_while_revalidate);
  struct plan_ages ages = {.fresh = facts->ttl - greater(wish->min_fresh, 1)};
  if (wish->no_cache)
    return (struct plan_ages){-1, -1};
  /* Durations are at most ten years, and so is what is added; max-stale may be anything. */
  ages.usable = wish->max_stale > INT64_MAX - facts->ttl
                    ? INT64_MAX
                    : facts->ttl + greater(window, wish->max_stale);
  if (wish->max_age >= 0 && wish->max_age < ages.fresh)
    ages.fresh = wish->max_age;
  if (wish->max_age >= 0 && wish->max_age < ages.usable)
    ages.usable = wish->max_age;
  if (wish->min_fresh >= 0)
    ages.usable = ages.fresh;
  return ages;
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

/* A token that rowcache issued is asked about here: upstream does not know it. */
static bool is_account(const struct plan_facts *facts) {
  return facts->is_subscription && facts->is_issued;
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
  if (facts->is_untranslatable)
    return PLAN_REFUSED_UNTRANSLATABLE;
  if (!facts->cacheable && facts->wish.only_if_cached && !is_account(facts))
    return PLAN_REFUSED_NOT_CACHED;
  return facts->standing == PLAN_REJECTED ? PLAN_REFUSED_REJECTED : PLAN_NOT_REFUSED;
}

struct plan plan_decide(const struct plan_facts *facts) {
  enum plan_refusal refusal = refusal_of(facts);
  if (refusal)
    return refuse((struct plan){0}, refusal);
  if (facts->standing == PLAN_UNKNOWN)
    return (struct plan){.action = PLAN_VERIFY};
  if (is_account(facts))
    return (struct plan){.action = PLAN_ACCOUNT};
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

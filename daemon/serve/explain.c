/* The plan for a query, in figures, without the deed. */
#include "serve/request.h"

#include "base/clock.h"
#include "base/scope.h"

static enum outcome outcome_of(const struct plan *plan) {
  if (plan->action == PLAN_FORWARD)
    return plan->reason == PLAN_BYPASS ? OUTCOME_BYPASS : OUTCOME_MISS;
  return plan->freshness > 0 ? OUTCOME_HIT : OUTCOME_STALE;
}

static void explain_cost(const struct plan *plan, const struct tariff *tariff,
                         struct serve_explanation *out) {
  out->estimated = tariff->estimated;
  /* What is served stale and refreshed behind the client's back spends as well. */
  if (plan->action == PLAN_HIT)
    return;
  /* The least is a refusal, which is free; what is answered costs at least the request itself. */
  out->least = amount_rows(tariff_cost(tariff, 0));
  out->most = amount_rows(tariff_most(tariff));
}

static struct plan plan_for(struct serve *serve, const struct settings *settings,
                            const struct query *query, struct serve_explanation *out) {
  struct cache_hold *hold = NULL;
  struct plan_facts facts = {.cacheable = query_table(query) == QUERY_BACKLINKS_NEW_LOST &&
                                          query_output(query) == QUERY_JSON,
                             .wish = WISH_NONE,
                             .ttl = settings->ttl,
                             .stale_if_error = settings->stale_if_error,
                             .stale_while_revalidate = settings->stale_while_revalidate};
  if (facts.cacheable)
    hold = cache_find(serve->rooms.cache, query_key(query));
  if (hold) {
    facts.stored = true;
    facts.age = age_at(cache_hold_entry(hold)->answered_at, clock_seconds());
    cache_release(&hold);
  }
  out->stored = facts.stored;
  out->age = facts.age;
  struct plan plan = plan_decide(&facts);
  out->freshness = plan.freshness;
  return plan;
}

bool serve_explain(struct serve *serve, struct view args, struct serve_explanation *out,
                   struct fault *fault) {
  struct query *query;
  *out = (struct serve_explanation){0};
  if (!query_parse(args, VIEW(""), &query, fault))
    return false;
  struct settings *settings = current_settings(serve->rooms.current);
  struct plan plan = plan_for(serve, settings, query, out);
  struct question question = question_of(query, NULL);
  struct tariff tariff = dialect_for(settings)->price(settings, &question);
  out->outcome = outcome_word(outcome_of(&plan));
  explain_cost(&plan, &tariff, out);
  text_add(&out->normal, query_normal(query));
  digest_print(query_key(query), out->key);
  settings_release(&settings);
  query_release(&query);
  return text_ok(&out->normal) || fault_no_memory(fault);
}

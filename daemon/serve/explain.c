/* Explains a query: gathers the facts as for a request with it, and predicts the decision. */
#include "serve/request.h"
#include "serve/wide.h"

#include "base/scope.h"
#include "dialect/dialect.h"

#include <stdio.h>

struct subject {
  struct serve *serve;
  struct settings *settings;
  struct secret *own_token;
  struct query *query;
  struct query *wide; /* what upstream would be asked; NULL: the query itself */
  struct digest fingerprint;
  struct token_facts token;
  struct token_account account; /* of the token; empty if it has no budget */
  bool is_derived;              /* what is stored for the query is a copy of what was computed */
};

/* --- the token --- */

struct search {
  struct view label;
  struct subject *subject;
};

static void note_row(void *context, const struct token_row *row) {
  struct search *search = context;
  struct subject *subject = search->subject;
  if (!view_is(search->label, row->label) && !view_is(search->label, row->digits))
    return;
  subject->account = row->account;
  subject->token = (struct token_facts){.known = true,
                                        .has_spent = row->last_day >= 0,
                                        .revoked = row->revoked_at != 0,
                                        .no_cache = row->no_cache,
                                        .has_budget = row->account.has_budget,
                                        .kind = row->kind};
  snprintf(subject->token.label, sizeof subject->token.label, "%s", row->label);
}

/* Finds the token by its text, or by its label if the ledger does not know the text. The account of
 * the token is found by its label in both cases. */
static bool find_token(struct subject *subject, const struct inquiry *inquiry,
                       enum plan_standing *standing, struct fault *fault) {
  struct ledger *ledger = subject->serve->rooms.ledger;
  *standing = facts_standing(inquiry, &subject->token);
  if (*standing == PLAN_NO_TOKEN || subject->token.revoked)
    return true;
  const struct token_facts token = subject->token;
  struct search search = {.label = token.known ? view_of(token.label) : query_token(subject->query),
                          .subject = subject};
  if (!token_list(ledger, note_row, &search, fault))
    return false;
  *standing = facts_judge_token(inquiry, &subject->token);
  return true;
}

/* --- the plan --- */

static bool exceeds(const struct token_account *account, struct amount most) {
  return account->has_budget && account->left.currency == most.currency &&
         amount_order(most, account->left) > 0;
}

static void gather(struct subject *subject, const struct inquiry *inquiry,
                   enum plan_standing standing, struct amount most, struct plan_facts *facts) {
  struct findings found;
  const struct query *asked = subject->wide ? subject->wide : subject->query;
  facts_gather(inquiry, standing, &subject->token, &found, facts);
  subject->is_derived = found.stored && cache_hold_entry(found.stored)->is_derived;
  findings_release(&found);
  facts->is_under_way = flights_have(subject->serve->rooms.flights, query_key(asked));
  facts->can_spend = !facts->is_issued || subject->own_token;
  facts->exceeds_budget = exceeds(&subject->account, most);
}

static enum outcome outcome_of(const struct plan *plan, bool is_derived) {
  switch (plan->action) {
  case PLAN_REFUSE:
  case PLAN_VERIFY:
    return OUTCOME_ERROR;
  case PLAN_FORWARD:
    return plan->reason == PLAN_BYPASS ? OUTCOME_BYPASS : OUTCOME_MISS;
  case PLAN_JOIN:
    return OUTCOME_COLLAPSED;
  case PLAN_HIT:
  case PLAN_HIT_AND_REFRESH:
    break;
  }
  if (plan->freshness <= 0)
    return OUTCOME_STALE;
  return plan->derive || is_derived ? OUTCOME_DERIVED : OUTCOME_HIT;
}

/* The least is the cost of an answer without results; only a refusal by upstream is free. A refresh
 * behind the client's back spends, too. */
static void explain_cost(const struct plan *plan, const struct tariff *tariff,
                         struct serve_explanation *out) {
  bool spends = plan->action == PLAN_FORWARD || plan->action == PLAN_HIT_AND_REFRESH;
  struct amount nothing = amount_zero(tariff->fixed.currency);
  out->estimated = tariff->estimated;
  out->least = spends ? tariff_cost(tariff, 0) : nothing;
  out->most = spends ? tariff_most(tariff) : nothing;
}

static void explain_fault(const struct subject *subject, const struct plan *plan,
                          enum plan_standing standing, struct fault *fault) {
  enum plan_refusal refusal = plan->action == PLAN_REFUSE ? plan->refusal : PLAN_NOT_REFUSED;
  if (standing == PLAN_NO_TOKEN)
    refusal = PLAN_REFUSED_NO_TOKEN;
  *fault = (struct fault){.kind = FAULT_NONE};
  if (refusal)
    (void)plan_refuse(refusal, subject->token.label, fault);
}

static bool explain(struct subject *subject, struct serve_explanation *out, struct fault *fault) {
  bool has_token = query_token(subject->query).length > 0;
  const struct inquiry inquiry = {.serve = subject->serve,
                                  .settings = subject->settings,
                                  .query = subject->query,
                                  .fingerprint = has_token ? &subject->fingerprint : NULL,
                                  .wish = WISH_NONE,
                                  .supposes = true,
                                  .derives = subject->settings->derive == DERIVE_ON};
  const struct question question = question_of(subject->query, NULL);
  const struct tariff tariff = dialect_for(subject->settings)->price(subject->settings, &question);
  enum plan_standing standing;
  struct plan_facts facts;
  if (!find_token(subject, &inquiry, &standing, fault) ||
      !wide_query(subject->settings, subject->query, &subject->wide, fault))
    return false;
  gather(subject, &inquiry, standing, tariff_most(&tariff), &facts);
  struct plan plan = plan_predict(&facts);
  out->outcome = outcome_word(outcome_of(&plan, subject->is_derived));
  out->token = plan_standing_word(standing);
  out->stored = facts.stored;
  out->age = facts.age;
  out->freshness = plan.freshness;
  explain_cost(&plan, &tariff, out);
  explain_fault(subject, &plan, standing, &out->fault);
  text_add(&out->normal, query_normal(subject->query));
  digest_print(query_key(subject->query), out->key);
  return text_ok(&out->normal) || fault_no_memory(fault);
}

bool serve_explain(struct serve *serve, struct view args, struct serve_explanation *out,
                   struct fault *fault) {
  struct subject subject = {.serve = serve};
  *out = (struct serve_explanation){0};
  if (!query_parse(args, VIEW(""), &subject.query, fault))
    return false;
  current_hold(serve->rooms.current, &subject.settings, &subject.own_token);
  subject.fingerprint = ledger_fingerprint(serve->rooms.ledger, query_token(subject.query));
  bool ok = explain(&subject, out, fault);
  settings_release(&subject.settings);
  secret_release(&subject.own_token);
  query_release(&subject.query);
  query_release(&subject.wide);
  return ok;
}

#include "serve/predict.h"

#include "serve/request.h"
#include "serve/wide.h"

#include "base/clock.h"

#include <stdio.h>

/* --- the token --- */

struct search {
  struct view label;
  struct prediction *prediction;
};

static void note_row(void *context, const struct token_row *row) {
  struct search *search = context;
  struct prediction *prediction = search->prediction;
  if (!view_is(search->label, row->label) && !view_is(search->label, row->digits))
    return;
  prediction->account = row->account;
  prediction->token = (struct token_facts){.known = true,
                                           .has_spent = row->last_day >= 0,
                                           .revoked = row->revoked_at != 0,
                                           .no_cache = row->no_cache,
                                           .has_budget = row->account.has_budget,
                                           .kind = row->kind};
  snprintf(prediction->token.label, sizeof prediction->token.label, "%s", row->label);
}

/* Finds the token by its text, or by its label if the ledger does not know the text. The account of
 * the token is found by its label in both cases. */
static bool find_token(struct prediction *prediction, struct fault *fault) {
  struct ledger *ledger = prediction->serve->rooms.ledger;
  prediction->standing = facts_standing(&prediction->inquiry, &prediction->token);
  if (prediction->standing == PLAN_NO_TOKEN || prediction->token.revoked)
    return true;
  const struct token_facts token = prediction->token;
  struct search search = {.label =
                              token.known ? view_of(token.label) : query_token(prediction->query),
                          .prediction = prediction};
  if (!token_list(ledger, note_row, &search, fault))
    return false;
  prediction->standing = facts_judge_token(&prediction->inquiry, &prediction->token);
  return true;
}

/* --- the plan --- */

static bool exceeds(const struct token_account *account, struct amount most) {
  return account->has_budget && account->left.currency == most.currency &&
         amount_order(most, account->left) > 0;
}

static bool is_under_way(const struct prediction *prediction, const struct digest *key) {
  return flights_have(prediction->serve->rooms.flights, key);
}

/* Plans as a request does, and adds what that meets later. */
static bool plan_once(struct prediction *prediction, struct fault *fault) {
  struct plan_facts *facts = &prediction->facts;
  findings_release(&prediction->found);
  query_release(&prediction->wide);
  facts_gather(&prediction->inquiry, prediction->standing, &prediction->token, &prediction->found,
               facts);
  const struct plan plan = plan_decide(facts);
  if (!wide_query(&prediction->inquiry, &prediction->token, &plan, &prediction->wide, fault))
    return false;
  facts->is_under_way =
      is_under_way(prediction, query_key(prediction->wide ? prediction->wide : prediction->query));
  facts->can_spend = !facts->is_issued || prediction->own_token;
  facts->exceeds_budget = exceeds(&prediction->account, tariff_most(&prediction->tariff));
  prediction->plan = plan_predict(facts);
  return true;
}

bool prediction_is_served(const struct prediction *prediction) {
  enum plan_action action = prediction->plan.action;
  return action == PLAN_HIT || action == PLAN_HIT_AND_REFRESH;
}

bool prediction_is_computed(const struct prediction *prediction) {
  return prediction_is_served(prediction) && prediction->plan.derive;
}

/* A request that upstream has failed tries one source only. */
static bool try_source(struct prediction *prediction) {
  bool ok = candidates_try(&prediction->inquiry, &prediction->found.source, &prediction->vain);
  if (!ok && prediction->plan.stale_if_error)
    prediction->inquiry.attempts = FACTS_ATTEMPTS_MOST;
  return ok;
}

static bool make_plan(struct prediction *prediction, struct fault *fault) {
  do {
    if (!plan_once(prediction, fault))
      return false;
  } while (prediction_is_computed(prediction) && !try_source(prediction));
  return true;
}

/* --- what upstream would be asked --- */

bool prediction_goes_upstream(const struct prediction *prediction) {
  enum plan_action action = prediction->plan.action;
  return action == PLAN_FORWARD || action == PLAN_JOIN;
}

/* The budget must also hold the query itself: it is asked if the whole is not complete. */
static bool can_buy(const struct prediction *prediction) {
  const struct tariff whole = facts_price(prediction->settings, prediction->whole.query);
  struct amount most = amount_add(tariff_most(&whole), tariff_most(&prediction->tariff));
  return prediction->facts.can_spend && !exceeds(&prediction->account, most);
}

static bool choose_whole(struct prediction *prediction, struct fault *fault) {
  struct digest of;
  if (!prediction_goes_upstream(prediction) ||
      !whole_may_be_tried(&prediction->inquiry, &prediction->plan) ||
      !query_subject(prediction->query, &of))
    return true;
  if (!whole_choose(&prediction->inquiry, &of, clock_milliseconds(), &prediction->whole, fault))
    return false;
  prediction->shares_whole = is_under_way(prediction, &of) && whole_may_hold(prediction->query);
  if (prediction->whole.query && !prediction->shares_whole && !can_buy(prediction))
    query_release(&prediction->whole.query);
  return true;
}

/* --- life --- */

bool predict(struct serve *serve, const struct query *query, struct prediction *prediction,
             struct fault *fault) {
  bool has_token = query_token(query).length > 0;
  *prediction = (struct prediction){.serve = serve, .query = query};
  current_hold(serve->rooms.current, &prediction->settings, &prediction->own_token);
  prediction->tariff = facts_price(prediction->settings, query);
  prediction->fingerprint = ledger_fingerprint(serve->rooms.ledger, query_token(query));
  prediction->inquiry = (struct inquiry){.serve = serve,
                                         .settings = prediction->settings,
                                         .query = query,
                                         .fingerprint = has_token ? &prediction->fingerprint : NULL,
                                         .wish = WISH_NONE,
                                         .supposes = true};
  return find_token(prediction, fault) && make_plan(prediction, fault) &&
         choose_whole(prediction, fault);
}

void prediction_release(struct prediction *prediction) {
  findings_release(&prediction->found);
  query_release(&prediction->wide);
  query_release(&prediction->whole.query);
  settings_release(&prediction->settings);
  secret_release(&prediction->own_token);
}

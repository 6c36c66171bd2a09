#include "serve/explain.h"

#include "serve/predict.h"

#include "base/clock.h"
#include "base/scope.h"
#include "query/call.h"
#include "query/form.h"
#include "query/uri.h"
#include "translate/translate.h"

#include <stdlib.h>

static enum outcome outcome_of(const struct prediction *prediction) {
  const struct plan *plan = &prediction->plan;
  bool is_copy = prediction->found.stored && cache_hold_entry(prediction->found.stored)->is_derived;
  if (prediction->shares_whole)
    return OUTCOME_COLLAPSED;
  if (prediction->whole.query)
    return OUTCOME_MISS;
  if (plan->action == PLAN_FORWARD)
    return plan->reason == PLAN_BYPASS ? OUTCOME_BYPASS : OUTCOME_MISS;
  if (plan->action == PLAN_JOIN)
    return OUTCOME_COLLAPSED;
  if (!prediction_is_served(prediction))
    return OUTCOME_ERROR;
  if (plan->freshness <= 0)
    return OUTCOME_STALE;
  return plan->derive || is_copy ? OUTCOME_DERIVED : OUTCOME_HIT;
}

static void explain_fault(const struct prediction *prediction, struct fault *fault) {
  const struct plan *plan = &prediction->plan;
  enum plan_refusal refusal = plan->action == PLAN_REFUSE ? plan->refusal : PLAN_NOT_REFUSED;
  if (prediction->standing == PLAN_NO_TOKEN && refusal != PLAN_REFUSED_UNTRANSLATABLE)
    refusal = query_call(prediction->query) ? PLAN_REFUSED_NO_KEY : PLAN_REFUSED_NO_TOKEN;
  *fault = (struct fault){.kind = FAULT_NONE};
  if (refusal)
    (void)plan_refuse(refusal, prediction->token.label, fault);
  if (refusal == PLAN_REFUSED_UNTRANSLATABLE) /* the better text */
    (void)!facts_check_translation(prediction->settings, prediction->query, false, fault);
}

/* The most is the sum of both, unless the query is answered from the whole even if that is not
 * complete. The least is the whole's alone: without results it is complete, and answers every
 * query. */
static void explain_whole(const struct prediction *prediction, struct serve_explanation *out) {
  const struct tariff whole = facts_price(prediction->settings, prediction->whole.query);
  text_add(&out->whole, query_normal(prediction->whole.query));
  if (!prediction->shares_whole) {
    out->whole_least = tariff_cost(&whole, 0);
    out->whole_most = tariff_most(&whole);
  }
  if (whole_suffices(&prediction->whole, prediction->query))
    out->most = amount_zero(whole.fixed.currency);
  out->most = amount_add(out->most, out->whole_most);
  out->least = out->whole_least;
}

static struct amount least_of(const struct tariff *tariff) {
  return tariff->may_be_free ? amount_zero(tariff->fixed.currency) : tariff_cost(tariff, 0);
}

/* The least is the cost of an answer without results; only a refusal by upstream is free. A refresh
 * behind the client's back spends, too. */
static void explain_cost(const struct prediction *prediction, struct serve_explanation *out) {
  const struct tariff *own = &prediction->tariff;
  enum plan_action action = prediction->plan.action;
  bool spends = action == PLAN_FORWARD || action == PLAN_HIT_AND_REFRESH;
  struct amount nothing = amount_zero(own->fixed.currency);
  out->estimated = own->estimated;
  out->least = spends ? least_of(own) : nothing;
  out->most = spends ? tariff_most(own) : nothing;
  out->whole_least = out->whole_most = nothing;
  if (prediction->whole.query)
    explain_whole(prediction, out);
  else if (prediction->shares_whole)
    out->least = nothing;
}

static void explain_stored(const struct prediction *prediction, struct serve_explanation *out) {
  const struct plan_facts *facts = &prediction->facts;
  out->stored = facts->stored;
  out->is_derived = facts->stored && cache_hold_entry(prediction->found.stored)->is_derived;
  out->age = facts->age;
  out->freshness = facts->ttl - facts->age;
  out->computes = prediction_is_computed(prediction);
  if (out->computes)
    candidates_describe(&prediction->found.source, prediction->settings, &out->source);
}

/* The first page of a translated query. A cap that is not configured is learned later. */
static void explain_page(const struct prediction *prediction, struct text *asked) {
  const struct settings *settings = prediction->settings;
  const struct query *query = prediction->wide ? prediction->wide : prediction->query;
  const struct translate_limits limits = {.today = clock_day(),
                                          .most = (size_t)settings->max_translated};
  int64_t cap = settings->max_rows ? settings->max_rows : -1;
  struct query *page = NULL;
  struct fault fault;
  struct translation *translation = translate_create(query, &limits, &fault);
  if (translation && translate_next(translation, cap, -1, &page, &fault) == TRANSLATE_ASK)
    text_add(asked, query_normal(page));
  query_release(&page);
  translate_release(&translation);
}

static void explain_asked(const struct prediction *prediction, struct serve_explanation *out) {
  bool asks =
      prediction_goes_upstream(prediction) || prediction->plan.action == PLAN_HIT_AND_REFRESH;
  bool is_translated = dialect_for(prediction->settings)->translates &&
                       question_kind_of(prediction->query, false) == QUESTION_RESULTS;
  if (asks && is_translated)
    explain_page(prediction, &out->asked);
  else if (asks && prediction->wide)
    text_add(&out->asked, query_normal(prediction->wide));
}

static void put_into_words(const struct prediction *prediction, struct serve_explanation *out) {
  text_add(&out->normal, query_normal(prediction->query));
  digest_print(query_key(prediction->query), out->key);
  out->outcome = outcome_word(outcome_of(prediction));
  out->token = plan_standing_word(prediction->standing);
  explain_fault(prediction, &out->fault);
  explain_stored(prediction, out);
  explain_asked(prediction, out);
  explain_cost(prediction, out);
}

/* True if derivation is not out of the question for this query. */
static bool has_candidates(const struct prediction *prediction) {
  return prediction->facts.cacheable && prediction->facts.standing == PLAN_ADMITTED &&
         prediction->settings->derive == DERIVE_ON;
}

/* A text keeps its failure. */
static bool is_complete(const struct serve_explanation *out) {
  bool ok = text_ok(&out->normal) && text_ok(&out->source.normal) && text_ok(&out->asked) &&
            text_ok(&out->whole);
  for (size_t i = 0; ok && i < out->candidate_count; i++)
    ok = text_ok(&out->candidates[i].stored.normal);
  return ok;
}

static bool explain(const struct prediction *prediction, struct serve_explanation *out,
                    struct fault *fault) {
  put_into_words(prediction, out);
  if (has_candidates(prediction) &&
      !candidates_list(&prediction->inquiry, &prediction->facts, &prediction->vain, out, fault))
    return false;
  return is_complete(out) || fault_no_memory(fault);
}

/* A call is given as its path and query string; its token is a parameter here alone. */
static bool parse_call(struct view path, struct view args, struct query **query,
                       struct fault *fault) {
  scope_text struct text own = {0};
  struct form secret = {.count = 0};
  struct view part, value, name;
  bool ok = true;
  while (ok && view_split(&args, '&', &part)) {
    value = part;
    if (view_split(&value, '=', &name) && form_means(name, VIEW("token")))
      ok = form_parse(&secret, part, fault);
    else
      text_printf(&own, "%s%.*s", own.length ? "&" : "", VIEW_ARGS(part));
  }
  const struct view *token = form_get(&secret, "token");
  ok = ok && (text_ok(&own) || fault_no_memory(fault)) &&
       query_parse_call(path, text_view(&own), token ? *token : VIEW(""), query, fault);
  form_free(&secret);
  return ok;
}

static bool parse(struct view args, struct query **query, struct fault *fault) {
  struct uri uri = uri_split(args);
  return view_starts(uri.path, VIEW(CALL_PREFIX))
             ? parse_call(view_from(uri.path, strlen(CALL_PREFIX)), uri.args, query, fault)
             : query_parse(args, VIEW(""), query, fault);
}

bool serve_explain(struct serve *serve, struct view args, struct serve_explanation *out,
                   struct fault *fault) {
  struct prediction prediction;
  struct query *query;
  *out = (struct serve_explanation){0};
  if (!parse(args, &query, fault))
    return false;
  bool ok = predict(serve, query, &prediction, fault) &&
            (!query_call(query) || facts_check_call(prediction.settings, fault)) &&
            explain(&prediction, out, fault);
  prediction_release(&prediction);
  query_release(&query);
  return ok;
}

void serve_explanation_release(struct serve_explanation *explanation) {
  for (size_t i = 0; i < explanation->candidate_count; i++)
    text_free(&explanation->candidates[i].stored.normal);
  free(explanation->candidates);
  text_free(&explanation->normal);
  text_free(&explanation->source.normal);
  text_free(&explanation->asked);
  text_free(&explanation->whole);
}

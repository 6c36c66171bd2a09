#include "serve/facts.h"

#include "serve/request.h"
#include "serve/wide.h"

#include "base/clock.h"
#include "base/scope.h"
#include "query/call.h"
#include "translate/translate.h"

static enum plan_standing standing_by_check(const struct inquiry *inquiry) {
  enum access_verdict verdict = inquiry->checked;
  if (verdict == ACCESS_UNKNOWN && inquiry->fingerprint)
    verdict = access_find(inquiry->serve->rooms.access, inquiry->fingerprint);
  switch (verdict) {
  case ACCESS_YES:
    return PLAN_ADMITTED;
  case ACCESS_NO:
    return PLAN_REJECTED;
  case ACCESS_UNKNOWN:
    break;
  }
  return PLAN_UNKNOWN;
}

enum plan_standing facts_judge_token(const struct inquiry *inquiry,
                                     const struct token_facts *token) {
  int64_t mode = inquiry->settings->access_mode;
  if (token->revoked)
    return PLAN_REVOKED;
  if (token_is_vouched_for(token))
    return PLAN_ADMITTED;
  if (mode == ACCESS_MODE_LISTED)
    return PLAN_UNLISTED;
  return mode == ACCESS_MODE_OPEN ? PLAN_ADMITTED : standing_by_check(inquiry);
}

enum plan_standing facts_standing(const struct inquiry *inquiry, struct token_facts *token) {
  *token = (struct token_facts){.no_cache = true};
  if (!inquiry->fingerprint)
    return PLAN_NO_TOKEN;
  token_recall(inquiry->serve->rooms.ledger, inquiry->fingerprint, token);
  return facts_judge_token(inquiry, token);
}

bool facts_check_call(const struct settings *settings, struct fault *fault) {
  return dialect_for(settings)->translates ||
         fault_set(fault, FAULT_UNKNOWN_PATH,
                   "Ahrefs API v3 is not served here, as upstream.api is v2: set it to v3");
}

bool facts_check_translation(const struct settings *settings, const struct query *query,
                             bool has_unknown_body, struct fault *fault) {
  enum question_kind kind = question_kind_of(query, has_unknown_body);
  bool is_v2s = kind != QUESTION_SUBSCRIPTION && !query_call(query);
  if (!dialect_for(settings)->translates || !is_v2s)
    return true;
  if (kind == QUESTION_RESULTS)
    return translate_check(query, fault);
  return fault_set(fault, FAULT_UNTRANSLATABLE,
                   "Ahrefs API v3 (upstream.api = v3) is asked for from=backlinks_new_lost and "
                   "from=subscription_info alone, with output=json or php and no body");
}

static void gather_query(const struct inquiry *inquiry, struct plan_facts *facts) {
  enum question_kind kind = question_kind_of(inquiry->query, inquiry->has_unknown_body);
  facts->cacheable = kind == QUESTION_RESULTS ||
                     (kind == QUESTION_CALL && call_has_known_form(query_call(inquiry->query)));
  facts->is_other = kind == QUESTION_OTHER || kind == QUESTION_UNKNOWN;
  facts->has_unknown_body = kind == QUESTION_UNKNOWN;
  facts->is_subscription = kind == QUESTION_SUBSCRIPTION;
  facts->is_untranslatable =
      !facts_check_translation(inquiry->settings, inquiry->query, inquiry->has_unknown_body, NULL);
  facts->has_odd_limit =
      query_table(inquiry->query) == QUERY_OTHER && !query_check_limit(inquiry->query, NULL);
}

static void gather_settings(const struct settings *settings, struct plan_facts *facts) {
  facts->others_refused = settings->tables_other == TABLES_OTHER_REFUSE;
  facts->ttl = settings->ttl;
  facts->stale_if_error = settings->stale_if_error;
  facts->stale_while_revalidate = settings->stale_while_revalidate;
}

static int64_t age_of(const struct cache_hold *hold) {
  return age_at(cache_hold_entry(hold)->answered_at, clock_seconds());
}

static void note_stored(const struct cache_hold *stored, struct plan_facts *facts) {
  facts->stored = stored;
  if (stored)
    facts->age = age_of(stored);
}

/* What was computed before cache.derive was switched off is not served any more, nor what came from
 * the other API before upstream.api was changed: amounts of two currencies are never mixed. */
bool facts_may_serve(const struct settings *settings, const struct cache_entry *entry) {
  return (!entry->is_derived || settings->derive == DERIVE_ON) &&
         entry->cost.currency == dialect_for(settings)->currency;
}

static void gather_stored(const struct inquiry *inquiry, const struct query *query,
                          struct cache_hold **stored, struct plan_facts *facts) {
  *stored = cache_find(inquiry->serve->rooms.cache, query_key(query));
  if (*stored && !facts_may_serve(inquiry->settings, cache_hold_entry(*stored)))
    cache_release(stored);
  note_stored(*stored, facts);
}

struct derived_search facts_search(const struct inquiry *inquiry, const struct plan_facts *facts) {
  struct plan_ages ages = plan_source_ages(facts);
  return (struct derived_search){.cache = inquiry->serve->rooms.cache,
                                 .wanted = inquiry->query,
                                 .now = clock_seconds(),
                                 .fresh = ages.fresh,
                                 .usable = ages.usable,
                                 .vain = inquiry->vain,
                                 .currency = dialect_for(inquiry->settings)->currency,
                                 .cap = inquiry->settings->max_rows};
}

/* The result of the query itself may have come since it was looked for: then that is the source. */
static bool is_own(const struct inquiry *inquiry, const struct derived_source *source) {
  return source->hold &&
         digest_equal(&cache_hold_entry(source->hold)->key, query_key(inquiry->query));
}

static void gather_source(const struct inquiry *inquiry, struct findings *findings,
                          struct plan_facts *facts) {
  struct derived_source *source = &findings->source;
  struct derived_search search = facts_search(inquiry, facts);
  struct query *wide = NULL;
  struct fault fault;
  (void)!wide_of(inquiry->settings, inquiry->query, &wide, &fault); /* then without it */
  search.wide = wide;
  derived_find(&search, source);
  query_release(&wide);
  if (is_own(inquiry, source)) {
    cache_release(&findings->stored);
    findings->stored = steal(source->hold);
    note_stored(findings->stored, facts);
    derived_source_release(source);
  }
  facts->has_source = source->hold;
  if (source->hold)
    facts->source_age = age_of(source->hold);
}

static void gather_findings(const struct inquiry *inquiry, struct findings *findings,
                            struct plan_facts *facts) {
  if (!facts->cacheable || facts->standing != PLAN_ADMITTED)
    return;
  gather_stored(inquiry, inquiry->query, &findings->stored, facts);
  bool derives = inquiry->settings->derive == DERIVE_ON && inquiry->attempts < FACTS_ATTEMPTS_MOST;
  if (derives && !plan_is_answered(facts))
    gather_source(inquiry, findings, facts);
}

bool facts_is_strangers(const struct inquiry *inquiry, const struct token_facts *token) {
  return inquiry->settings->access_mode == ACCESS_MODE_OPEN && !token_is_vouched_for(token) &&
         !token->has_spent &&
         access_find(inquiry->serve->rooms.access, inquiry->fingerprint) != ACCESS_YES;
}

static enum plan_standing suppose(const struct inquiry *inquiry, enum plan_standing standing) {
  bool is_open = standing == PLAN_NO_TOKEN || standing == PLAN_UNKNOWN;
  return inquiry->supposes && is_open ? PLAN_ADMITTED : standing;
}

void facts_gather(const struct inquiry *inquiry, enum plan_standing standing,
                  const struct token_facts *token, struct findings *findings,
                  struct plan_facts *facts) {
  *findings = (struct findings){0};
  *facts = (struct plan_facts){.standing = suppose(inquiry, standing),
                               .is_issued = token->kind == TOKEN_ISSUED,
                               .has_budget = token->has_budget,
                               .wish = inquiry->wish};
  if (!token->no_cache)
    wish_forgo(&facts->wish);
  gather_query(inquiry, facts);
  gather_settings(inquiry->settings, facts);
  gather_findings(inquiry, findings, facts);
}

void findings_release(struct findings *findings) {
  cache_release(&findings->stored);
  derived_source_release(&findings->source);
}

struct tariff facts_price(const struct settings *settings, const struct query *query) {
  const struct question question = question_of(query, NULL);
  return dialect_for(settings)->price(settings, &question);
}

bool facts_is_answered(const struct inquiry *inquiry, const struct token_facts *token,
                       const struct query *query) {
  struct cache_hold *stored;
  struct plan_facts facts = {.wish = inquiry->wish};
  if (!token->no_cache)
    wish_forgo(&facts.wish);
  gather_settings(inquiry->settings, &facts);
  gather_stored(inquiry, query, &stored, &facts);
  cache_release(&stored);
  return plan_is_answered(&facts);
}

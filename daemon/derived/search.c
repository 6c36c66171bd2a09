#include "derived/search.h"

#include "base/age.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "derive/rules.h"
#include "derived/derived.h"

struct visit {
  const struct derived_search *search;
  void (*each)(void *context, const struct cache_entry *entry, struct view normal,
               enum derive_reason reason);
  void *context;
};

/* The translation may have begun a day before it was answered: then it has a day more. */
int32_t derived_since(enum currency currency, int64_t answered_at) {
  return currency == CURRENCY_ROWS ? 0 : (int32_t)(answered_at / NUM_DAY) - RULES_PERIOD_DAYS;
}

/* What the rules say of a stored result, which answers `query`. */
static enum derive_reason ask_rules(const struct derived_search *search, const struct query *query,
                                    const struct cache_entry *entry) {
  const struct derive_source source = {.query = query,
                                       .results = entry->results,
                                       .may_be_cut = entry->may_be_cut,
                                       .cap = search->cap,
                                       .since =
                                           derived_since(entry->cost.currency, entry->answered_at)};
  struct derive_recipe recipe;
  if (entry->cost.currency != search->currency)
    return DERIVE_API;
  return rules_derive(search->wanted, &source, &recipe);
}

/* A text on the disk that is no query, or another one than its key says, is no source. */
static enum derive_reason judge(const struct visit *visit, const struct cache_entry *entry,
                                struct view normal) {
  struct query *query = NULL;
  struct fault fault;
  enum derive_reason reason = DERIVE_SUBJECT;
  if (query_parse_normal(normal, &query, &fault) && digest_equal(query_key(query), &entry->key))
    reason = ask_rules(visit->search, query, entry);
  query_release(&query);
  return reason;
}

static void visit_row(void *context, const struct cache_entry *entry, struct view normal,
                      struct view target) {
  const struct visit *visit = context;
  (void)target;
  visit->each(visit->context, entry, normal, judge(visit, entry, normal));
}

/* Visits the candidates that are at most `age` seconds old. */
static bool visit_candidates(const struct visit *visit, int64_t age, struct fault *fault) {
  const struct derived_search *search = visit->search;
  struct digest subject;
  if (age < 0 || !query_subject(search->wanted, &subject))
    return true;
  int64_t since = age < search->now ? search->now - age : 0;
  return cache_sources(search->cache, &subject, since, search->now + AGE_AHEAD_MOST,
                       DERIVED_CANDIDATES_MOST, visit_row, (void *)visit, fault);
}

bool derived_candidates(const struct derived_search *search,
                        void (*each)(void *context, const struct cache_entry *entry,
                                     struct view normal, enum derive_reason reason),
                        void *context, struct fault *fault) {
  const struct visit visit = {search, each, context};
  return visit_candidates(&visit, search->usable, fault);
}

/* --- choosing --- */

struct choice {
  const struct digest *vain;
  bool by_age; /* the newest, not the shortest */
  bool found;
  struct cache_entry entry;
  struct text normal;
};

static int bits_of(int64_t length) {
  int bits = 0;
  for (; length > 0; length /= 2)
    bits++;
  return bits;
}

/* Bodies whose lengths have equally many bits cost about the same to compute from. Of these the
 * newest is better: a client that has asked upstream anew is then not answered from what was there
 * before. */
static bool is_better(const struct choice *choice, const struct cache_entry *entry) {
  int bits = bits_of(entry->body_length), chosen = bits_of(choice->entry.body_length);
  if (!choice->found)
    return true;
  if (!choice->by_age && bits != chosen)
    return bits < chosen;
  return entry->answered_at > choice->entry.answered_at;
}

static void choose(void *context, const struct cache_entry *entry, struct view normal,
                   enum derive_reason reason) {
  struct choice *choice = context;
  bool is_vain = choice->vain && digest_equal(choice->vain, &entry->key);
  if (reason != DERIVE_POSSIBLE || is_vain || !is_better(choice, entry))
    return;
  choice->found = true;
  choice->entry = *entry;
  text_clear(&choice->normal);
  text_add(&choice->normal, normal);
}

static bool find(const struct derived_search *search, struct choice *choice, struct fault *fault) {
  const struct visit visit = {search, choose, choice};
  if (!visit_candidates(&visit, search->fresh, fault))
    return false;
  choice->by_age = !choice->found;
  return choice->found || search->usable <= search->fresh ||
         visit_candidates(&visit, search->usable, fault);
}

/* The result may have been replaced since it was chosen: what is held then counts. */
static bool hold(const struct derived_search *search, const struct choice *choice,
                 struct derived_source *source, struct fault *fault) {
  if (!choice->found)
    return true;
  if (!text_ok(&choice->normal))
    return fault_no_memory(fault);
  source->hold = cache_find(search->cache, &choice->entry.key);
  if (!source->hold || query_parse_normal(text_view(&choice->normal), &source->query, fault))
    return true;
  cache_release(&source->hold);
  return false;
}

/* --- the answer to the wider query --- */

static bool is_fresh(const struct derived_search *search, const struct cache_entry *entry) {
  int64_t age = age_at(entry->answered_at, search->now);
  return age != AGE_UNKNOWN && age <= search->fresh;
}

static bool is_wanted(const struct derived_search *search, const struct cache_entry *entry) {
  bool is_vain = search->vain && digest_equal(search->vain, &entry->key);
  return !is_vain && is_fresh(search, entry) &&
         ask_rules(search, search->wide, entry) == DERIVE_POSSIBLE;
}

/* Looked up by its key, as it need not be among the first candidates. */
static bool find_wide(const struct derived_search *search, struct derived_source *source,
                      struct fault *fault) {
  if (!search->wide)
    return true;
  source->hold = cache_find(search->cache, query_key(search->wide));
  if (source->hold && !is_wanted(search, cache_hold_entry(source->hold)))
    cache_release(&source->hold);
  if (!source->hold || query_parse_normal(query_normal(search->wide), &source->query, fault))
    return true;
  cache_release(&source->hold);
  return false;
}

void derived_find(const struct derived_search *search, struct derived_source *source) {
  struct choice choice = {.vain = search->vain};
  struct fault fault;
  *source = (struct derived_source){0};
  if (!find_wide(search, source, &fault) ||
      (!source->hold && (!find(search, &choice, &fault) || !hold(search, &choice, source, &fault))))
    log_warning(EVENT_cache_unreadable, "reason=%s", LOG_VALUE(fault.text));
  text_free(&choice.normal);
}

void derived_source_release(struct derived_source *source) {
  cache_release(&source->hold);
  query_release(&source->query);
}

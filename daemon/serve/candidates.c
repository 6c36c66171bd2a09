#include "serve/candidates.h"

#include "serve/derive.h"

#include "base/clock.h"

#include <stdlib.h>

bool candidates_try(struct inquiry *inquiry, const struct derived_source *source,
                    struct vain_sources *vain) {
  const struct derived_order order = derive_order(inquiry, source);
  struct fault fault;
  enum derive_reason reason = derived_try(&order, &fault);
  if (reason == DERIVE_POSSIBLE)
    return true;
  unsigned number = vain->count++;
  CHECK(number < FACTS_ATTEMPTS_MOST);
  vain->list[number].key = cache_hold_entry(source->hold)->key;
  vain->list[number].reason = reason;
  inquiry->vain = &vain->list[number].key;
  inquiry->attempts++;
  return false;
}

static void describe(const struct cache_entry *entry, struct view normal, int64_t ttl,
                     struct serve_stored *stored) {
  digest_print(&entry->key, stored->key);
  text_add(&stored->normal, normal);
  stored->age = age_at(entry->answered_at, clock_seconds());
  stored->freshness = ttl - stored->age;
}

void candidates_describe(const struct derived_source *source, const struct settings *settings,
                         struct serve_stored *stored) {
  describe(cache_hold_entry(source->hold), query_normal(source->query), settings->ttl, stored);
}

/* --- listing --- */

struct listing {
  const struct inquiry *inquiry;
  const struct vain_sources *vain;
  struct serve_explanation *explanation;
};

/* Where the rows were read, what they said counts, and not what the rules say. */
static enum derive_reason reason_by_rows(const struct vain_sources *vain, const struct digest *key,
                                         enum derive_reason reason) {
  for (unsigned i = 0; i < vain->count; i++)
    if (digest_equal(&vain->list[i].key, key))
      return vain->list[i].reason;
  return reason;
}

/* The result of the query itself is no candidate: it is what `stored` is about. */
static void add(void *context, const struct cache_entry *entry, struct view normal,
                enum derive_reason reason) {
  const struct listing *listing = context;
  struct serve_explanation *explanation = listing->explanation;
  if (digest_equal(&entry->key, query_key(listing->inquiry->query)))
    return;
  CHECK(explanation->candidate_count < DERIVED_CANDIDATES_MOST);
  struct serve_candidate *candidate = &explanation->candidates[explanation->candidate_count++];
  reason = reason_by_rows(listing->vain, &entry->key, reason);
  candidate->reason = reason_word(reason);
  candidate->text = reason_text(reason);
  describe(entry, normal, listing->inquiry->settings->ttl, &candidate->stored);
}

bool candidates_list(const struct inquiry *inquiry, const struct plan_facts *facts,
                     const struct vain_sources *vain, struct serve_explanation *explanation,
                     struct fault *fault) {
  const struct derived_search search = facts_search(inquiry, facts);
  struct listing listing = {inquiry, vain, explanation};
  explanation->candidates = calloc(DERIVED_CANDIDATES_MOST, sizeof *explanation->candidates);
  if (!explanation->candidates)
    return fault_no_memory(fault);
  return derived_candidates(&search, add, &listing, fault);
}

#include "ctl/verdict.h"

static const struct {
  struct view word; /* it begins so */
  enum outcome outcome;
} words[] = {
    {VIEW("fwd=bypass"), OUTCOME_BYPASS},
    {VIEW("fwd="), OUTCOME_MISS},
    {VIEW("hit"), OUTCOME_HIT},
    {VIEW("detail=derived"), OUTCOME_DERIVED},
    {VIEW("detail=stale"), OUTCOME_STALE},
    {VIEW("collapsed"), OUTCOME_COLLAPSED},
};

static bool find(struct view word, enum outcome *outcome) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (view_starts(word, words[i].word)) {
      *outcome = words[i].outcome;
      return true;
    }
  return false;
}

/* A later word says more about the same answer. */
bool verdict_outcome(struct view cache_status, enum outcome *outcome) {
  struct view word;
  bool found = false;
  if (!view_split(&cache_status, ';', &word) || !view_is(view_trim(word), "rowcache"))
    return false;
  while (view_split(&cache_status, ';', &word))
    found = find(view_trim(word), outcome) || found;
  return found;
}

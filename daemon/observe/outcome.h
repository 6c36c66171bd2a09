/* The outcomes of requests (tables/outcomes.def). Pure. */
#pragma once

#include <stdbool.h>

enum outcome {
#define OUTCOME(name, word, is_hit) OUTCOME_##name,
#include "tables/outcomes.def"
#undef OUTCOME
  OUTCOMES
};

/* The word that users see. Lives forever. */
const char *outcome_word(enum outcome outcome);

/* True if requests with this outcome count as hits: they were answered without spending. */
bool outcome_is_hit(enum outcome outcome);

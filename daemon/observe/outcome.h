/* How a request ended (tables/outcomes.def). Pure. */
#pragma once

#include <stdbool.h>

enum outcome {
#define OUTCOME(name, word, is_hit) OUTCOME_##name,
#include "tables/outcomes.def"
#undef OUTCOME
  OUTCOMES
};

/* The word that users see. Lives for ever. */
const char *outcome_word(enum outcome outcome);

/* True if a request that ended so counts as a hit: it was answered without spending a row. */
bool outcome_is_hit(enum outcome outcome);

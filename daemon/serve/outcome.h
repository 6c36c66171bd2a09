/* How a request ended (tables/outcomes.def). Pure. */
#pragma once

#include <stdbool.h>

enum serve_outcome {
#define OUTCOME(name, word, is_hit) SERVE_##name,
#include "tables/outcomes.def"
#undef OUTCOME
  SERVE_OUTCOMES
};

/* The word that users see. Lives for ever. */
const char *serve_outcome_word(enum serve_outcome outcome);

/* True if a request that ended so counts as a hit: it was answered without spending a row. */
bool serve_outcome_is_hit(enum serve_outcome outcome);

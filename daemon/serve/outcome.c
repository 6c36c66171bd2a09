#include "serve/outcome.h"

#include "base/check.h"

static const struct {
  const char *word;
  bool is_hit;
} outcomes[SERVE_OUTCOMES] = {
#define OUTCOME(name, word, is_hit) {word, is_hit},
#include "tables/outcomes.def"
#undef OUTCOME
};

const char *serve_outcome_word(enum serve_outcome outcome) {
  CHECK(outcome < SERVE_OUTCOMES);
  return outcomes[outcome].word;
}

bool serve_outcome_is_hit(enum serve_outcome outcome) {
  CHECK(outcome < SERVE_OUTCOMES);
  return outcomes[outcome].is_hit;
}

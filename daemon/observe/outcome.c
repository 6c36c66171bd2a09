#include "observe/outcome.h"

#include "base/check.h"

static const struct {
  const char *word;
  bool is_hit;
} outcomes[OUTCOMES] = {
#define OUTCOME(name, word, is_hit) {word, is_hit},
#include "tables/outcomes.def"
#undef OUTCOME
};

const char *outcome_word(enum outcome outcome) {
  CHECK(outcome < OUTCOMES);
  return outcomes[outcome].word;
}

bool outcome_is_hit(enum outcome outcome) {
  CHECK(outcome < OUTCOMES);
  return outcomes[outcome].is_hit;
}

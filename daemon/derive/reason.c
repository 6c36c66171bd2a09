#include "derive/reason.h"

static const struct {
  const char *word, *text;
} reasons[DERIVE_REASONS] = {
#define DERIVE_REASON(name, word, text) {word, text},
#include "tables/derive_reasons.def"
#undef DERIVE_REASON
};

const char *reason_word(enum derive_reason reason) {
  return reasons[reason].word;
}

const char *reason_text(enum derive_reason reason) {
  return reasons[reason].text;
}

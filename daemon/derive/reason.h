/* Why a query is not derived, from tables/derive_reasons.def. Pure. */
#pragma once

enum derive_reason {
#define DERIVE_REASON(name, word, text) DERIVE_##name,
#include "tables/derive_reasons.def"
#undef DERIVE_REASON
  DERIVE_REASONS
};

/* The word of a reason, for programs, and its text, for people. They live forever. */
const char *reason_word(enum derive_reason reason);
const char *reason_text(enum derive_reason reason);

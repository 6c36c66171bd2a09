/* The judges of check-upstream's points, and how they give their verdicts. Inside probe/ only.
 * Pure. */
#pragma once

#include "probe/verdict.h"

/* Makes a verdict. Its words are cut at FAULT_TEXT_SIZE. */
struct verdict verdict_say(enum verdict_kind kind, const char *format, ...) PRINTF_LIKE(2, 3);
/* The words for the one or the other. */
struct verdict verdict_yes_if(bool is_so, const char *yes, const char *no);

/* One for each point. The readings that it needs (verdict.c) are sound. REQUIRED: required.c; OPEN:
 * open.c. */
#define PROBE(name, word, api, need, statement) \
  struct verdict judge_##name(const struct verdict_facts *facts);
#include "tables/probes.def"
#undef PROBE

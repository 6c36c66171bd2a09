#include "probe/judge.h"

#include <stdarg.h>
#include <stdio.h>

const struct probe_row probe_rows[PROBES] = {
#define PROBE(name, word, api, need, statement) {word, statement, PROBE_##api, PROBE_##need},
#include "tables/probes.def"
#undef PROBE
};

struct verdict verdict_say(enum verdict_kind kind, const char *format, ...) {
  struct verdict verdict = {.kind = kind};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(verdict.words, sizeof verdict.words, format, arguments);
  va_end(arguments);
  return verdict;
}

struct verdict verdict_yes_if(bool is_so, const char *yes, const char *no) {
  return verdict_say(is_so ? VERDICT_YES : VERDICT_NO, "%s", is_so ? yes : no);
}

#define NEEDS(ask) (1u << (ask))
_Static_assert(ASKS <= 32, "a bit for each");

/* The readings that a probe needs sound. Those that it can do without are not listed. */
static const struct {
  struct verdict (*judge)(const struct verdict_facts *facts);
  unsigned needs;
} judges[PROBES] = {
    [PROBE_REACHED] = {judge_REACHED, 0},
    [PROBE_IN_SERVICE] = {judge_IN_SERVICE, 0},
    [PROBE_KEY] = {judge_KEY, 0},
    [PROBE_PLAN] = {judge_PLAN, NEEDS(ASK_ACCOUNT)},
    [PROBE_FREE] = {judge_FREE, NEEDS(ASK_CANARY)},
    [PROBE_COLUMNS] = {judge_COLUMNS, 0},
    [PROBE_PRICE] = {judge_PRICE, NEEDS(ASK_SAMPLE)},
    [PROBE_TYPES] = {judge_TYPES, NEEDS(ASK_SAMPLE)},
    [PROBE_TRANSLATION] = {judge_TRANSLATION, NEEDS(ASK_PAGE)},
    [PROBE_CAP] = {judge_CAP, NEEDS(ASK_SAMPLE)},
    [PROBE_EMPTY] = {judge_EMPTY, NEEDS(ASK_EMPTY)},
    [PROBE_SINCE] = {judge_SINCE, NEEDS(ASK_LOST) | NEEDS(ASK_SINCE_CONTROL) |
                                      NEEDS(ASK_SINCE_EARLY) | NEEDS(ASK_SINCE_LATE) |
                                      NEEDS(ASK_SINCE_NEXT)},
    [PROBE_DAY] = {judge_DAY, NEEDS(ASK_SAMPLE) | NEEDS(ASK_DAY_CONTROL) | NEEDS(ASK_DAY_FROM) |
                                  NEEDS(ASK_DAY_BEFORE) | NEEDS(ASK_DAY_TO)},
    [PROBE_NULLS] = {judge_NULLS, NEEDS(ASK_SAMPLE) | NEEDS(ASK_LOST) | NEEDS(ASK_NULLS_UP) |
                                      NEEDS(ASK_NULLS_DOWN)},
    [PROBE_SECOND] = {judge_SECOND, NEEDS(ASK_SECOND_UP) | NEEDS(ASK_SECOND_DOWN)},
    [PROBE_TIES] = {judge_TIES, NEEDS(ASK_TIES) | NEEDS(ASK_TIES_AGAIN)},
    [PROBE_EQ] = {judge_EQ, NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_EQ)},
    [PROBE_SUBSTRING] = {judge_SUBSTRING,
                         NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_SUBSTRING)},
    [PROBE_ISUBSTRING] = {judge_ISUBSTRING,
                          NEEDS(ASK_SAMPLE) | NEEDS(ASK_CASE_CONTROL) | NEEDS(ASK_ISUBSTRING)},
    [PROBE_PHRASE] = {judge_PHRASE,
                      NEEDS(ASK_SAMPLE) | NEEDS(ASK_PHRASE_CONTROL) | NEEDS(ASK_PHRASE)},
};

static struct verdict of_unsound(const struct verdict_facts *facts, const struct reading *reading) {
  switch (reading->state) {
  case READING_UNASKED:
    return verdict_say(VERDICT_UNASKED, "%s", facts->why);
  case READING_SKIPPED:
    return verdict_say(VERDICT_UNCLEAR, "the sample has no rows that could be asked about");
  case READING_REFUSED:
    return verdict_say(VERDICT_UNCLEAR, "upstream answered with status %u: %.300s", reading->status,
                       reading->fault.text);
  case READING_FAILED:
  case READING_SOUND:
    break;
  }
  return verdict_say(VERDICT_UNCLEAR, "%s", reading->fault.text);
}

/* FREE has its word also where the plan keeps its request from being asked. */
struct verdict verdict_of(enum probe probe, const struct verdict_facts *facts) {
  bool is_decided = probe == PROBE_FREE && verdict_is_free_plan(facts);
  for (enum ask ask = 0; ask < ASKS && !is_decided; ask++) {
    const struct reading *reading = &facts->readings[ask];
    if (judges[probe].needs & NEEDS(ask) && reading->state != READING_SOUND)
      return of_unsound(facts, reading);
  }
  if (probe == PROBE_COLUMNS && facts->readings[ASK_COLUMNS].state == READING_UNASKED)
    return verdict_say(VERDICT_UNASKED, "%s", facts->why);
  return judges[probe].judge(facts);
}

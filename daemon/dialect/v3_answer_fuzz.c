/* Fuzz target: an answer of v3, and the verdict. The first line: the kind ("0" a call, "1" the
 * account, "2" another method), the status ("0": none, then 200, 400, 401, 403, 429, 500), results
 * that came ("0" on), and of "s" sent, "t" sent twice, "c" clean, "f" of a form that is read, "r"
 * read, "e" error those that hold. Headers follow, then an empty line and the body. */
#include "base/check.h"
#include "dialect/v3.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned digit_at(struct view text, size_t index) {
  return index < text.length ? (unsigned char)(text.at[index] - '0') : 0;
}

static bool has(struct view text, char letter) {
  return text.length && memchr(text.at, letter, text.length);
}

static struct answer_evidence begin(struct view line) {
  static const unsigned statuses[] = {0, 200, 400, 401, 403, 429, 500};
  static const enum question_kind kinds[] = {QUESTION_CALL, QUESTION_SUBSCRIPTION,
                                             QUESTION_CALL_OTHER};
  struct answer_evidence evidence = {.kind = kinds[digit_at(line, 0) % 3],
                                     .tariff = {.fixed = amount_zero(CURRENCY_UNITS),
                                                .result = amount_of_units(UNITS(21)),
                                                .least = amount_of_units(UNITS(50)),
                                                .limit = 10},
                                     .sends = has(line, 't') ? 2 : has(line, 's'),
                                     .reads = has(line, 'f'),
                                     .head = answer_head_empty()};
  evidence.clean = has(line, 'c') && digit_at(line, 1) % 7;
  evidence.read = evidence.clean && evidence.reads && has(line, 'r');
  evidence.error = evidence.reads && has(line, 'e');
  evidence.counted = evidence.reads ? (int64_t)digit_at(line, 2) : 0;
  evidence.head.status = statuses[digit_at(line, 1) % 7];
  fault_set(&evidence.transport, FAULT_UPSTREAM, "the transport");
  fault_set(&evidence.reading, FAULT_UPSTREAM, "the reading");
  return evidence;
}

/* Each line from a copy of just its size, so that a sanitizer sees a read past its end. Returns what
 * stands behind the empty line. */
static struct view note(struct view lines, struct answer_evidence *evidence) {
  struct view line;
  while (view_split(&lines, '\n', &line) && line.length) {
    char *copy = malloc(line.length);
    CHECK(copy);
    memcpy(copy, line.at, line.length);
    dialect_read_header(&dialect_v3, (struct view){copy, line.length}, VIEW("token"), evidence);
    free(copy);
  }
  return lines.at ? lines : VIEW("");
}

static void give(struct view body, struct answer_evidence *evidence) {
  struct view first = view_first(body, sizeof evidence->beginning);
  evidence->body_length = (int64_t)body.length;
  if (first.length)
    memcpy(evidence->beginning, first.at, first.length);
}

static void check_costs(const struct v3_costs *costs) {
  const int64_t numbers[] = {costs->rows, costs->cost_row, costs->total, costs->actual};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    CHECK(numbers[i] >= -1 && numbers[i] <= INT64_C(1000000000000));
  CHECK(memchr(costs->cache, '\0', sizeof costs->cache));
}

static void check_cost(const struct answer_evidence *e, const struct answer_cost *cost) {
  bool is_free = e->kind == QUESTION_SUBSCRIPTION || !e->sends;
  CHECK(cost->spent.currency == CURRENCY_UNITS && cost->once.currency == CURRENCY_UNITS);
  CHECK(!amount_is_negative(cost->once) && amount_order(cost->once, cost->spent) <= 0);
  CHECK(e->sends < 2 || !cost->is_known);
  if (e->head.costs.actual >= 0)
    CHECK(cost->once.parts == e->head.costs.actual);
  else if (is_free || (e->head.status && e->head.status != 200))
    CHECK(amount_is_zero(cost->once));
  else
    CHECK(!cost->is_known && amount_order(cost->once, tariff_most(&e->tariff)) >= 0);
}

static void check_verdict(const struct answer_evidence *e, const struct answer_verdict *verdict) {
  check_cost(e, &verdict->cost);
  CHECK(verdict->results >= 0);
  CHECK(!verdict->read || verdict->outcome == ANSWER_COMPLETE);
  CHECK(memchr(verdict->fault.text, '\0', sizeof verdict->fault.text));
  for (const char *c = verdict->fault.text; *c; c++)
    CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
  if (verdict->outcome == ANSWER_COMPLETE)
    CHECK(e->clean && e->head.status == 200 && !e->error && (e->read || !e->reads));
  else
    CHECK(verdict->fault.kind != FAULT_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view lines = {size ? (const char *)data : "", size}, first = {0};
  if (!view_split(&lines, '\n', &first) || !lines.at)
    return 0;
  struct answer_evidence evidence = begin(first);
  give(note(lines, &evidence), &evidence);
  check_costs(&evidence.head.costs);
  struct answer_cost quoted = dialect_v3.quote(&evidence);
  struct answer_verdict verdict = dialect_v3.judge(&evidence);
  check_verdict(&evidence, &verdict);
  CHECK(!quoted.is_known || amount_order(quoted.spent, verdict.cost.spent) == 0);
  enum dialect_token token = dialect_v3.judge_token(&evidence.head, &verdict);
  CHECK(token != DIALECT_TOKEN_ACCEPTED || verdict.read);
  CHECK(token != DIALECT_TOKEN_REFUSED || evidence.head.status == 401 ||
        evidence.head.status == 403);
  return 0;
}

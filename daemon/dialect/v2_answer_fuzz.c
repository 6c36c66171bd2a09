/* Fuzz target: the head of an answer of v2, and the verdict. The first line: the kind ("0" to "4"),
 * the status ("0": none, "1": 200, "2": 503), results that came ("0" on; "/": the form does not
 * tell), and of "s" sent, "c" clean, "r" read, "a" agrees, "e" error those that hold. The other lines
 * are headers. */
#include "base/check.h"
#include "dialect/v2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char at(struct view text, size_t index) {
  return index < text.length ? text.at[index] : '0';
}

static bool has(struct view text, char letter) {
  return text.length && memchr(text.at, letter, text.length);
}

static struct answer_evidence begin(struct view line) {
  static const unsigned statuses[] = {0, 200, 503};
  struct answer_evidence evidence = {
      .kind = (enum question_kind)((unsigned char)(at(line, 0) - '0') % 5),
      .tariff = {.fixed = amount_of_rows(ROWS(1)), .result = {CURRENCY_ROWS, 2}, .limit = 1000},
      .sends = has(line, 's'),
      .clean = has(line, 'c'),
      .read = has(line, 'r'),
      .error = has(line, 'e'),
      .counted = at(line, 2) == '/' ? -1 : (unsigned char)(at(line, 2) - '0')};
  evidence.head.results_count = -1;
  evidence.head.status = statuses[(unsigned char)(at(line, 1) - '0') % 3];
  return evidence;
}

/* Each line from a copy of just its size, so that a sanitizer sees a read past its end. */
static void note(struct view lines, struct answer_evidence *evidence) {
  struct view line;
  while (view_split(&lines, '\n', &line)) {
    char *copy = malloc(line.length);
    CHECK(copy || !line.length);
    if (line.length)
      memcpy(copy, line.at, line.length);
    dialect_read_header(&dialect_v2, (struct view){copy, line.length}, VIEW("token"), evidence);
    free(copy);
  }
}

static void check_head(const struct answer_head *head) {
  CHECK(head->results_count >= -1);
  CHECK(memchr(head->content_type, '\0', sizeof head->content_type));
  for (const char *c = head->content_type; *c; c++)
    CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void check_verdict(const struct answer_evidence *e, const struct answer_verdict *verdict) {
  const struct answer_cost *cost = &verdict->cost;
  bool is_other_status = e->head.status != 0 && e->head.status != 200;
  bool is_free = cost->is_known && amount_is_zero(cost->spent);
  CHECK(amount_order(cost->spent, cost->once) == 0); /* it is sent once here */
  CHECK(is_free || (!is_other_status && e->kind != QUESTION_SUBSCRIPTION));
  CHECK(is_free || cost->is_known || verdict->results == -1 || verdict->results >= e->counted);
  CHECK(is_free || !cost->is_known || verdict->outcome == ANSWER_COMPLETE);
  CHECK(verdict->outcome == ANSWER_BROKEN || e->clean || e->head.status == 0);
  if (verdict->outcome != ANSWER_COMPLETE)
    return;
  CHECK(e->clean && e->head.status == 200 && !e->error && !e->head.is_error);
  int64_t results = e->counted < 0 ? e->head.results_count : e->counted;
  CHECK(e->kind != QUESTION_RESULTS || (e->read && verdict->results == results));
  CHECK(verdict->results >= 0 || !cost->is_known);
  CHECK(e->kind != QUESTION_UNKNOWN || !cost->is_known);
}

/* What a reader says of the number, once the head is known. */
static void agree(struct view line, struct answer_evidence *e) {
  bool could = e->counted < 0 ? has(line, 'a') : e->counted == e->head.results_count;
  e->agrees = e->read && could;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view lines = {size ? (const char *)data : "", size}, first = {0};
  if (!view_split(&lines, '\n', &first))
    return 0;
  struct answer_evidence evidence = begin(first);
  if (lines.at)
    note(lines, &evidence);
  agree(first, &evidence);
  check_head(&evidence.head);
  struct answer_verdict verdict = dialect_v2.judge(&evidence);
  check_verdict(&evidence, &verdict);

  /* Said again, it is the same. */
  struct answer_evidence twice = evidence;
  if (lines.at)
    note(lines, &twice);
  const struct answer_head again = twice.head;
  CHECK(again.results_count == evidence.head.results_count);
  CHECK(again.is_error == evidence.head.is_error);
  CHECK(strcmp(again.content_type, evidence.head.content_type) == 0);
  return 0;
}

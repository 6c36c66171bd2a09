#include "dialect/v2_answer.h"

#include "base/num.h"

#include <inttypes.h>

const struct reader_shape *v2_shape(const struct question *question) {
  static const struct reader_shape results[] = {
      [QUERY_JSON] = {.format = QUERY_JSON, .rows = VIEW("refpages")},
      [QUERY_XML] = {.format = QUERY_XML, .root = VIEW("AhrefsApiResponse")},
      [QUERY_PHP] = {.format = QUERY_PHP, .rows = VIEW("refpages")},
  };
  static const struct reader_shape any = {.rows = VIEW("")};
  _Static_assert(sizeof results / sizeof *results == QUERY_OUTPUT_UNKNOWN, "one for each form");
  switch (question->kind) {
  case QUESTION_RESULTS:
    return &results[question->form];
  case QUESTION_OTHER:
  case QUESTION_SUBSCRIPTION:
    return &any;
  case QUESTION_OPAQUE:
  case QUESTION_UNKNOWN:
  case QUESTION_CALL: /* v2 has no calls */
  case QUESTION_CALL_OTHER:
    break;
  }
  return NULL;
}

/* --- headers --- */

/* If there are two different counts, the higher one counts: it may have been charged. */
static void note_count(struct view value, struct answer_head *head) {
  int64_t count;
  if (num_integer(value, &count) && count > head->results_count)
    head->results_count = count;
}

static void note_status(struct view value, struct answer_head *head) {
  head->is_error = head->is_error || num_same_word(value, VIEW("error"));
}

void v2_header(struct view name, struct view value, struct answer_head *head) {
  static const struct {
    struct view name;
    void (*note)(struct view value, struct answer_head *head);
  } headers[] = {
      {VIEW("X-Results-Count"), note_count},
      {VIEW("X-Status"), note_status},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    if (num_same_word(name, headers[i].name))
      headers[i].note(value, head);
}

struct answer_cost v2_quote(const struct answer_evidence *e) {
  const struct answer_head *head = &e->head;
  bool shows_cost = head->results_count >= 0 && head->status == 200 && !head->is_error &&
                    e->kind != QUESTION_UNKNOWN;
  if (shows_cost) {
    struct amount price = tariff_cost(&e->tariff, head->results_count);
    return (struct answer_cost){.spent = price, .once = price, .is_known = e->sends <= 1};
  }
  struct amount nothing = amount_zero(e->tariff.fixed.currency);
  return (struct answer_cost){.spent = nothing, .once = nothing};
}

/* --- the meaning of an answer, and its cost --- */

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* The announced number of results, even if it is more than was asked for. -1: none was announced,
 * or the number is nonsense: more than any answer can have, more than was asked for, more than has
 * come, and the answer does not agree with it. Nonsense must not reach the account. */
static int64_t announced_of(const struct answer_evidence *e) {
  int64_t most = greater(V2_RESULTS_MOST, greater(e->tariff.limit, e->counted));
  return e->head.results_count > most && !e->agrees ? -1 : e->head.results_count;
}

/* The most results that may have been charged: the announced number or the number that has come,
 * whichever is greater. If none was announced and the answer was not read to its end, as many as
 * were asked for (-1), unless more have come. */
static int64_t at_most(const struct answer_evidence *e) {
  if (announced_of(e) >= 0 || (e->read && e->head.results_count < 0))
    return greater(e->head.results_count, e->counted);
  return e->counted > e->tariff.limit ? e->counted : -1;
}

/* True if the head and the body say so, or the one that says anything. */
static bool has_no_results(const struct answer_evidence *e) {
  return e->counted == 0 ? e->head.results_count <= 0 : e->head.results_count == 0 && e->agrees;
}

/* Upstream answered "error" with status 200. A refusal comes before any result and costs nothing.
 */
static struct answer_verdict refused(const struct answer_evidence *e) {
  bool is_free = e->kind == QUESTION_SUBSCRIPTION || has_no_results(e);
  int64_t results = is_free ? 0 : at_most(e);
  return (struct answer_verdict){
      .outcome = e->clean ? ANSWER_REFUSED : ANSWER_BROKEN,
      .results = results,
      .cost = answer_cost(e, is_free ? ANSWER_FREE : ANSWER_AT_MOST, results),
      .fault = e->transport};
}

/* An answer whose form does not tell the number of results may have more of them than were
 * announced: at most as many as were asked for (-1). */
static struct answer_verdict miscounted(const struct answer_evidence *e) {
  bool is_certain = e->counted >= 0 || announced_of(e) > e->tariff.limit;
  struct fault fault;
  if (e->counted >= 0)
    fault_set(&fault, FAULT_UPSTREAM,
              "upstream's answer is broken: it has %" PRId64 " results, its X-Results-Count says "
              "%" PRId64,
              e->counted, e->head.results_count);
  else
    fault_set(&fault, FAULT_UPSTREAM,
              "upstream's answer is broken: it cannot have the %" PRId64 " results that its "
              "X-Results-Count says",
              e->head.results_count);
  return answer_broken(e, ANSWER_AT_MOST, is_certain ? at_most(e) : -1, &fault);
}

/* Where the number of results is not certain, the cost is an upper bound. So it is with XML without
 * an announced number: it is whole, and its client has it, but nobody can say how many results were
 * paid for. */
static struct answer_verdict whole(const struct answer_evidence *e) {
  int64_t announced = announced_of(e);
  int64_t results = announced < 0 && e->read ? e->counted : announced;
  bool is_known = results >= 0 && e->kind != QUESTION_UNKNOWN;
  if (!is_known)
    results = at_most(e);
  return (struct answer_verdict){
      .outcome = ANSWER_COMPLETE,
      .results = results,
      .read = e->read,
      .cost = answer_cost(e, is_known ? ANSWER_KNOWN : ANSWER_AT_MOST, results)};
}

/* Errors with another status than 200, and the subscription. */
static struct answer_verdict free_of_charge(const struct answer_evidence *e,
                                            enum answer_outcome outcome) {
  return (struct answer_verdict){.outcome = outcome,
                                 .read = outcome == ANSWER_COMPLETE && e->read,
                                 .cost = answer_cost(e, ANSWER_FREE, 0)};
}

struct answer_verdict v2_judge(const struct answer_evidence *e) {
  bool is_free = e->kind == QUESTION_SUBSCRIPTION || !e->sends;
  bool differs = e->head.results_count >= 0 && !e->agrees;
  if (e->head.status == 0)
    return answer_broken(e, is_free ? ANSWER_FREE : ANSWER_AT_MOST, -1, &e->transport);
  if (answer_is_redirect(e->head.status))
    return answer_redirected(e);
  if (e->head.status != 200)
    return e->clean ? free_of_charge(e, ANSWER_REFUSED)
                    : answer_broken(e, ANSWER_FREE, 0, &e->transport);
  if (e->head.is_error || e->error)
    return refused(e);
  if (!e->clean)
    return answer_broken(e, is_free ? ANSWER_FREE : ANSWER_AT_MOST, at_most(e), &e->transport);
  if (e->kind == QUESTION_SUBSCRIPTION)
    return free_of_charge(e, ANSWER_COMPLETE);
  if (e->kind == QUESTION_RESULTS && !e->read)
    return answer_broken(e, ANSWER_AT_MOST, at_most(e), &e->reading);
  return e->kind == QUESTION_RESULTS && differs ? miscounted(e) : whole(e);
}

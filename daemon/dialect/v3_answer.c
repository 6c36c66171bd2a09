#include "dialect/v3_answer.h"

#include "base/num.h"
#include "dialect/v2.h"
#include "dialect/v3_error.h"
#include "dialect/v3_subscription.h"
#include "query/call.h"

#include <stddef.h>

/* --- the shape --- */

static const struct reader_shape any = {.rows = VIEW(""), .takes_arrays = true};

static const struct reader_shape *shape_of(const struct endpoint *endpoint) {
  static const struct {
    struct view path;
    struct reader_shape shape;
  } shapes[] = {
#define ENDPOINT(id, place, member, limit, defaults) {VIEW(place), {.rows = VIEW(member)}},
#define COLUMN(name, type, units, null, use)
#define ENDPOINT_END
#include "tables/endpoints.def"
#undef ENDPOINT
#undef COLUMN
#undef ENDPOINT_END
  };
  for (size_t i = 0; endpoint && i < sizeof shapes / sizeof *shapes; i++)
    if (view_equal(shapes[i].path, endpoint->path))
      return &shapes[i].shape;
  return &any;
}

static bool asks_for_json(const struct call *call) {
  struct view output = call_value(call, "output");
  return !output.at || view_is(output, "json");
}

const struct reader_shape *v3_shape(const struct question *question) {
  static const struct reader_shape account = {.rows = VIEW("")};
  if (question->kind == QUESTION_RESULTS) /* what it is translated into */
    return dialect_v2.shape(question);
  if (question->kind == QUESTION_SUBSCRIPTION)
    return &account;
  bool is_read = question->kind == QUESTION_CALL && asks_for_json(question->call);
  return is_read ? shape_of(question->call->endpoint) : NULL;
}

/* --- headers --- */

static void note_number(struct view value, int64_t *number) {
  int64_t said;
  if (num_integer(value, &said) && said <= V3_NUMBER_MOST && said > *number)
    *number = said;
}

static void note_cache(struct view value, char cache[16]) {
  static const struct view states[] = {VIEW("hit"), VIEW("miss"), VIEW("no_cache")};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (num_same_word(value, states[i]))
      memcpy(cache, states[i].at, states[i].length + 1);
}

void v3_header(struct view name, struct view value, struct answer_head *head) {
  struct v3_costs *costs = &head->costs;
  const struct {
    struct view name;
    int64_t *number;
  } numbers[] = {
      {VIEW("x-api-rows"), &costs->rows},
      {VIEW("x-api-units-cost-row"), &costs->cost_row},
      {VIEW("x-api-units-cost-total"), &costs->total},
      {VIEW("x-api-units-cost-total-actual"), &costs->actual},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (num_same_word(name, numbers[i].name))
      note_number(value, numbers[i].number);
  if (num_same_word(name, VIEW("x-api-cache")))
    note_cache(value, costs->cache);
}

/* --- the cost --- */

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* Each send but the last may have cost the most. */
static struct answer_cost charged(const struct answer_evidence *e, struct amount once,
                                  bool is_known) {
  int64_t again = greater(e->sends - 1, 0);
  struct amount extra = amount_times(tariff_most(&e->tariff), again);
  return (struct answer_cost){.spent = amount_add(once, extra),
                              .once = once,
                              .is_known = is_known && amount_is_zero(extra)};
}

/* The most that one send can have cost, if nothing says what it did. */
static struct amount most_of(const struct answer_evidence *e) {
  int64_t results = greater(e->tariff.limit, greater(e->counted, e->head.costs.rows));
  struct amount most = tariff_cost(&e->tariff, results);
  struct amount listed = amount_of_units(UNITS(greater(e->head.costs.total, 0)));
  return amount_order(listed, most) > 0 ? listed : most;
}

static struct answer_cost cost_of(const struct answer_evidence *e) {
  bool is_free = e->kind == QUESTION_SUBSCRIPTION || !e->sends;
  bool is_charged = e->head.status == 200 || e->head.status == 0;
  if (e->head.costs.actual >= 0)
    return charged(e, amount_of_units(UNITS(e->head.costs.actual)), true);
  if (is_free || !is_charged)
    return charged(e, amount_zero(CURRENCY_UNITS), true);
  return charged(e, most_of(e), false);
}

struct answer_cost v3_quote(const struct answer_evidence *e) {
  struct amount nothing = amount_zero(CURRENCY_UNITS);
  if (e->head.costs.actual >= 0)
    return cost_of(e);
  return (struct answer_cost){.spent = nothing, .once = nothing};
}

/* --- the meaning --- */

/* What was read counts before what the head says. Of an answer that is not read, and says nothing,
 * none are counted: the charge does not depend on it. */
static int64_t results_of(const struct answer_evidence *e) {
  return e->read ? e->counted : greater(e->head.costs.rows, greater(e->counted, 0));
}

static struct answer_verdict verdict_of(const struct answer_evidence *e,
                                        enum answer_outcome outcome) {
  return (struct answer_verdict){.outcome = outcome,
                                 .results = outcome == ANSWER_REFUSED ? 0 : results_of(e),
                                 .read = outcome == ANSWER_COMPLETE && e->read,
                                 .cost = cost_of(e)};
}

static struct answer_verdict broken(const struct answer_evidence *e, const struct fault *fault) {
  struct answer_verdict verdict = verdict_of(e, ANSWER_BROKEN);
  verdict.fault = *fault;
  return verdict;
}

static struct answer_verdict refused(const struct answer_evidence *e,
                                     const struct v3_error *error) {
  struct answer_verdict verdict = verdict_of(e, ANSWER_REFUSED);
  verdict.fault = error->fault;
  verdict.fault.retry_after = e->head.retry_after;
  verdict.shortage = error->shortage;
  return verdict;
}

static struct answer_verdict redirected(const struct answer_evidence *e) {
  struct answer_verdict verdict = answer_redirected(e);
  verdict.cost = cost_of(e);
  return verdict;
}

/* A form that is not read may be anything. A web page is no form of rows: it comes from something on
 * the way, which is under maintenance or asks for a login. */
static bool is_page(const struct answer_evidence *e) {
  static const struct view html = VIEW("text/html");
  struct view type = view_of(e->head.content_type);
  return e->kind == QUESTION_CALL && num_same_word(view_first(type, html.length), html);
}

static struct answer_verdict misplaced(const struct answer_evidence *e) {
  struct fault fault;
  fault_set(&fault, FAULT_UPSTREAM, "upstream's answer is broken: it is a web page");
  return broken(e, &fault);
}

/* limits-and-usage. The name of the plan tells the cap. */
static struct answer_verdict subscription_of(const struct answer_evidence *e) {
  struct answer_verdict verdict = verdict_of(e, ANSWER_COMPLETE);
  struct dialect_subscription subscription;
  struct fault fault;
  verdict.tells_cap =
      v3_read_subscription(answer_short_body(e), &subscription, &fault) && subscription.cap >= 0;
  verdict.cap = verdict.tells_cap ? subscription.cap : 0;
  return verdict;
}

struct answer_verdict v3_judge(const struct answer_evidence *e) {
  struct v3_error error;
  if (e->head.status == 0)
    return broken(e, &e->transport);
  if (answer_is_redirect(e->head.status))
    return redirected(e);
  if (!e->clean)
    return broken(e, &e->transport);
  bool has_error = v3_error_read(e->head.status, answer_short_body(e), &error);
  if (e->head.status != 200 || has_error || e->error)
    return refused(e, &error);
  if (e->reads && !e->read)
    return broken(e, &e->reading);
  if (!e->reads && is_page(e))
    return misplaced(e);
  return e->kind == QUESTION_SUBSCRIPTION ? subscription_of(e) : verdict_of(e, ANSWER_COMPLETE);
}

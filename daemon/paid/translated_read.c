/* A page: its bytes, and what became of it. */
#include "paid/translated_steps.h"

#include "base/scope.h"
#include "body/flight.h"
#include "body/masked.h"
#include "ledger/token.h"

void translated_read_flight(struct translated *self, struct flight_reader **reader, bool leads) {
  self->reader = steal(*reader);
  self->flight = flight_hold(flight_of(self->reader));
  self->leads = leads;
}

/* Another client's token, if the page repeats it, is masked. */
static struct view secret_of(const struct translated *self) {
  return paid_secret(self->flight, &self->paid->request.token);
}

/* True if the page has begun, or has no patience left. If the clients of this request seem to have
 * gone, so does it: a page that waits for its turn is dropped if nobody else waits for it. */
static bool await_page(struct translated *self) {
  if (flight_await(self->reader))
    return true;
  if (flight_is_deserted(self->paid->flight)) {
    flight_doubt(self->reader);
    self->doubts = true;
  }
  return false;
}

/* The flight's hold on what is stored is there when its answer has begun. BROKEN: no byte came for
 * too long, and the reader stays; or there is no memory. */
static enum body_read begin(struct translated *self) {
  struct flight_state state;
  if (!await_page(self))
    return BODY_WAIT;
  flight_peek(self->flight, &state);
  if (state.phase == FLIGHT_WAITING)
    return BODY_BROKEN;
  self->body = body_flight(&self->reader, paid_hold(self->flight), self->paid->request.id);
  self->body = body_masked(&self->body, secret_of(self));
  return self->body ? BODY_BYTES : BODY_BROKEN;
}

static enum body_read read_piece(struct translated *self, char *piece, size_t *count) {
  enum body_read read = self->body ? BODY_BYTES : begin(self);
  return read == BODY_BYTES ? body_read(self->body, piece, TRANSLATED_PIECE, count) : read;
}

static bool is_of_rows(const struct translated *self) {
  struct flight_state state;
  if (!self->flight)
    return true;
  flight_peek(self->flight, &state);
  return state.head.status == 200 && !state.head.is_error;
}

/* The bytes of an error are not kept: its verdict says what it is. */
static void take(struct translated *self, struct view bytes) {
  self->is_read = self->is_read || is_of_rows(self);
  if (self->is_read && self->fault.kind == FAULT_NONE)
    (void)!translate_feed(self->translation, bytes, &self->fault);
}

static enum body_read read_page(struct translated *self) {
  char piece[TRANSLATED_PIECE];
  size_t count;
  enum body_read read;
  while ((read = read_piece(self, piece, &count)) == BODY_BYTES)
    take(self, (struct view){piece, count});
  return read;
}

static void note_cost(struct translated *self) {
  struct answer_cost cost = paid_cost(self->flight);
  self->once = amount_add(self->once, cost.once);
  self->has_asked = true;
  if (!self->leads)
    return;
  self->spent = amount_add(self->spent, cost.spent);
  self->is_known = self->is_known && cost.is_known;
  self->is_booked = self->is_booked || paid_is_booked(self->flight);
}

static bool ask_again(struct translated *self) {
  translated_leave_page(self);
  translate_drop_page(self->translation);
  self->step = TRANSLATED_CHOOSE;
  return true;
}

/* What is left can pay for a smaller page, which is enough if that is all there is. Tried once. */
static bool may_ask_less(struct translated *self, struct amount left) {
  int64_t rows = self->row_cost > 0 ? left.parts / self->row_cost : 0;
  const struct question question = question_of(self->page, NULL);
  struct tariff tariff = self->paid->dialect->price(self->settings, &question);
  tariff.limit = rows;
  if (self->has_asked_less || rows < TRANSLATED_LESS_LEAST || rows >= query_limit(self->page) ||
      amount_order(tariff_most(&tariff), left) > 0)
    return false;
  self->has_asked_less = true;
  self->affordable = rows;
  return true;
}

/* --- what became of a page --- */

static bool fits_less_budget(struct translated *self) {
  struct token_usage usage;
  struct fault fault;
  return token_usage(self->paid->desk->rooms.ledger, &self->paid->request.token,
                     self->spent.currency, &usage, &fault) &&
         usage.has_limit && may_ask_less(self, usage.left);
}

static bool is_held_back(const struct fault *refusal) {
  return refusal->kind == FAULT_OVER_BUDGET || refusal->kind == FAULT_BAD_TOKEN;
}

/* The page was not sent. What holds for another token need not hold for this one. */
static bool on_refused(struct translated *self, const struct fault *refusal) {
  bool is_another = !self->leads && is_held_back(refusal) && self->tries++ < TRANSLATED_TRIES_MOST;
  if (is_another || (refusal->kind == FAULT_OVER_BUDGET && fits_less_budget(self)))
    return ask_again(self);
  struct fault fault = *refusal;
  translated_leave_page(self);
  return translated_refuse(self, &fault);
}

/* Upstream's status goes along: what upstream says to one token, no other client is told. */
static bool fail_as_upstream(struct translated *self, const struct flight_state *state) {
  const struct fault fault = state->verdict.fault;
  struct answer_head head = answer_head_empty();
  head.status = state->head.status;
  flight_set_head(self->paid->flight, &head);
  translated_leave_page(self);
  return translated_fail(self, &fault);
}

/* Upstream answered with an error. */
static bool on_error(struct translated *self, const struct flight_state *state) {
  const struct paid *paid = self->paid;
  bool is_another = !self->leads && state->head.status < 500 &&
                    !paid_asks_as(self->flight, &paid->request.token, paid->is_own_token) &&
                    self->tries++ < TRANSLATED_TRIES_MOST;
  if (is_another)
    return ask_again(self);
  struct amount left = {.currency = self->spent.currency, .parts = state->verdict.shortage.left};
  if (left.parts > 0 && may_ask_less(self, left))
    return ask_again(self);
  return fail_as_upstream(self, state);
}

static bool on_page(struct translated *self, int64_t answered_at) {
  struct fault fault = self->fault;
  if (!self->answered_at || answered_at < self->answered_at)
    self->answered_at = answered_at;
  translated_leave_page(self);
  if (fault.kind == FAULT_NONE && translate_end_page(self->translation, &fault)) {
    int64_t cap = translate_cap(self->translation);
    if (cap > 0 && cap != translated_known_cap(self).rows && !self->settings->max_rows)
      caps_learn(self->paid->desk->caps, &self->paid->sent, cap);
    self->step = TRANSLATED_CHOOSE;
    return true;
  }
  return translated_fail(self, &fault);
}

/* The page goes on without this request, which will not learn its cost. */
static bool give_up(struct translated *self) {
  struct fault fault;
  self->is_known = self->is_known && !self->leads;
  self->is_booked = self->is_booked || self->leads;
  if (self->reader)
    fault_set(&fault, FAULT_UPSTREAM_TIMEOUT,
              "upstream sent nothing for %lld s (upstream.stall_timeout)",
              (long long)self->settings->stall_timeout);
  else
    fault_set(&fault, FAULT_UNAVAILABLE, "a page of the answer cannot be read; try again");
  translated_leave_page(self);
  return translated_fail(self, &fault);
}

/* The page was dropped for its clients' sake, and others may have come since. */
static bool was_dropped(const struct translated *self, const struct flight_state *state) {
  struct answer_cost cost = paid_cost(self->flight);
  return self->doubts && state->head.status == 0 && cost.is_known && amount_is_zero(cost.spent);
}

static bool judge_flight(struct translated *self, enum body_read end) {
  struct flight_state state;
  flight_peek(self->flight, &state);
  bool is_over = state.phase == FLIGHT_CONCLUDED;
  if (!is_over ||
      (end != BODY_END && state.end == FLIGHT_ENDED && state.verdict.outcome != ANSWER_BROKEN))
    return give_up(self);
  if (state.end == FLIGHT_WITHDRAWN)
    return ask_again(self);
  note_cost(self);
  if (state.end == FLIGHT_REFUSED)
    return on_refused(self, &state.refusal);
  if (state.verdict.outcome == ANSWER_REFUSED)
    return on_error(self, &state);
  if (state.verdict.outcome == ANSWER_BROKEN && was_dropped(self, &state))
    return ask_again(self);
  if (state.verdict.outcome == ANSWER_BROKEN) {
    struct fault fault = state.verdict.fault;
    translated_leave_page(self);
    return translated_fail(self, &fault);
  }
  self->is_masked = self->is_masked || (secret_of(self).length && self->store && !state.storing);
  return on_page(self, state.head.answered_at);
}

/* A stored page that turns out to be damaged is asked for again: it is not found any more. */
static bool judge_page(struct translated *self, enum body_read end) {
  if (self->flight)
    return judge_flight(self, end);
  if (end == BODY_END) {
    self->once = amount_add(self->once, self->price);
    return on_page(self, self->stored_at);
  }
  struct fault fault;
  if (self->tries++ < TRANSLATED_TRIES_MOST)
    return ask_again(self);
  fault_set(&fault, FAULT_UNAVAILABLE, "a stored page of the answer cannot be read");
  translated_leave_page(self);
  return translated_fail(self, &fault);
}

bool translated_read(struct translated *self) {
  enum body_read read = read_page(self);
  return read == BODY_WAIT ? false : judge_page(self, read);
}

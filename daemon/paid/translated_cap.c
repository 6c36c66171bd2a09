/* The cap: the configured one, one that is known, or the one that the name of the plan tells. */
#include "paid/translated_steps.h"

static struct flight *make_count(struct translated *self, struct fault *fault) {
  struct question question = question_of_subscription();
  struct paid_order order = translated_order(self, &question, self->paid->request.id);
  order.is_internal = true;
  return paid_prepare(&order, fault);
}

static void ask_count(struct translated *self) {
  struct fault fault;
  struct flight *flight = make_count(self, &fault);
  struct flight_reader *reader = flight ? flight_join(flight, translated_wake, self) : NULL;
  if (flight && reader)
    paid_send(flight);
  else if (flight)
    paid_withdraw(flight);
  flight_release(&flight);
  if (reader)
    translated_read_flight(self, &reader, false);
}

static void learn_cap(struct translated *self) {
  const struct dialect *dialect = self->paid->dialect;
  struct dialect_subscription subscription;
  struct flight_state state;
  struct fault fault;
  flight_peek(self->flight, &state);
  if (state.phase == FLIGHT_CONCLUDED && state.end == FLIGHT_ENDED && state.verdict.read &&
      dialect->judge_token(&state.head, &state.verdict) == DIALECT_TOKEN_ACCEPTED &&
      text_ok(&self->text) &&
      dialect->read_subscription(text_view(&self->text), &subscription, &fault)) {
    self->cap = subscription.cap;
    caps_learn(self->paid->desk->caps, &self->key, self->cap);
  }
}

/* The cap is the configured one, one that is known, or the one that the plan's name tells. Without it
 * the pages themselves show it. False: wait. */
bool translated_find_cap(struct translated *self) {
  self->cap = self->settings->max_rows;
  if (!self->cap)
    self->cap = caps_find(self->paid->desk->caps, &self->key);
  self->step = TRANSLATED_CHOOSE;
  if (self->cap >= 0)
    return true;
  if (!self->flight)
    ask_count(self);
  if (self->flight && translated_read_text(self) == BODY_WAIT) {
    self->step = TRANSLATED_CAP;
    return false;
  }
  if (self->flight)
    learn_cap(self);
  translated_leave_page(self);
  return true;
}

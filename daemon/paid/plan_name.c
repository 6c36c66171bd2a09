/* The name of the plan tells the cap. It stands in limits-and-usage, which is free, and is asked for
 * once for each key, before the first call is sent. */
#include "paid/life.h"

/* Not where the cap is configured, nor for what costs nothing. */
static bool is_wanted(const struct paid *paid) {
  return paid->kind == QUESTION_CALL && !paid->is_internal && !paid->max_rows &&
         caps_begin_asking(paid->desk->caps, &paid->sent);
}

struct flight *paid_ask_plan(const struct paid_order *of, bool unread, struct fault *fault) {
  const struct question question = question_of_subscription();
  const struct paid_order order = {.desk = of->desk,
                                   .settings = of->settings,
                                   .question = &question,
                                   .key = of->fingerprint,
                                   .token = of->token,
                                   .is_own_token = of->is_own_token,
                                   .fingerprint = of->fingerprint,
                                   .id = of->id,
                                   .is_internal = true,
                                   .is_page = of->is_page,
                                   .unread = unread};
  return paid_prepare(&order, fault);
}

void paid_prepare_plan(struct paid *paid, const struct paid_order *order) {
  struct fault fault;
  if (!is_wanted(paid))
    return;
  paid->plan = paid_ask_plan(order, true, &fault);
  if (!paid->plan)
    caps_ask_again(paid->desk->caps, &paid->sent);
}

void paid_end_plan(struct paid *paid, bool is_sent) {
  if (!paid->plan)
    return;
  if (is_sent)
    paid_send(paid->plan);
  else
    paid_withdraw(paid->plan);
  flight_release(&paid->plan);
}

void paid_note_plan(struct paid *paid) {
  struct flight_state state;
  if (paid->kind != QUESTION_SUBSCRIPTION)
    return;
  flight_peek(paid->flight, &state);
  bool has_ended = state.end == FLIGHT_ENDED;
  if (has_ended && state.verdict.tells_cap)
    caps_learn(paid->desk->caps, &paid->sent, state.verdict.cap);
  else if (!has_ended || !state.verdict.read)
    caps_ask_again(paid->desk->caps, &paid->sent);
}

/* The name of the plan tells the cap: it stands in upstream's own count for the key, which is free. It
 * is asked for once for each key, before the first call is sent. */
#include "paid/life.h"

/* Not where the cap is configured, nor for what costs nothing. */
static bool is_wanted(const struct paid *paid) {
  return paid->kind == QUESTION_CALL && !paid->is_internal && !paid->max_rows &&
         caps_begin_asking(paid->desk->caps, &paid->sent);
}

void paid_prepare_count(struct paid *paid, const struct paid_order *order) {
  const struct question question = question_of_subscription();
  struct paid_order count = {.desk = order->desk,
                             .settings = order->settings,
                             .question = &question,
                             .key = order->fingerprint,
                             .token = order->token,
                             .is_own_token = order->is_own_token,
                             .fingerprint = order->fingerprint,
                             .id = order->id,
                             .is_internal = true,
                             .unread = true};
  struct fault fault;
  if (!is_wanted(paid))
    return;
  paid->count = paid_prepare(&count, &fault);
  if (!paid->count)
    caps_ask_again(paid->desk->caps, &paid->sent);
}

void paid_end_count(struct paid *paid, bool is_sent) {
  if (!paid->count)
    return;
  if (is_sent)
    paid_send(paid->count);
  else
    paid_withdraw(paid->count);
  flight_release(&paid->count);
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

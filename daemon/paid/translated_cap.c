/* The cap: the configured one, one that is known, or the one that the name of the plan tells
 * (paid/plan_name.c). It saves reservations; without it the pages themselves show it. */
#include "paid/translated_steps.h"

struct cap translated_known_cap(const struct translated *self) {
  struct cap cap = caps_find(self->paid->desk->caps, &self->paid->sent);
  if (self->settings->max_rows)
    cap.rows = self->settings->max_rows;
  return cap;
}

static void ask_plan(struct translated *self) {
  struct fault fault;
  const struct paid_order order = translated_order(self, NULL, self->paid->request.id);
  struct flight *flight = paid_ask_plan(&order, false, &fault);
  struct flight_reader *reader = flight ? flight_join(flight, translated_wake, self) : NULL;
  if (flight && reader)
    paid_send(flight);
  else if (flight)
    paid_withdraw(flight);
  flight_release(&flight);
  if (reader)
    translated_read_flight(self, &reader, false);
  else
    caps_ask_again(self->paid->desk->caps, &self->paid->sent);
}

bool translated_find_cap(struct translated *self) {
  const struct paid *paid = self->paid;
  self->step = TRANSLATED_CAP;
  if (!self->flight && !self->settings->max_rows &&
      caps_begin_asking(paid->desk->caps, &paid->sent))
    ask_plan(self);
  if (self->reader && !flight_await(self->reader))
    return false;
  translated_leave_page(self);
  self->step = TRANSLATED_CHOOSE;
  return true;
}

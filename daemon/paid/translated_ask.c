/* The next page, from the store or from upstream. */
#include "paid/translated_steps.h"

#include "base/age.h"
#include "base/clock.h"
#include "body/stored.h"

#include <stdio.h>

/* No two entries of the ledger have the same id. The first is the request's own. */
static void name_page(const struct translated *self, char id[LEDGER_REQUEST_ID_SIZE]) {
  const char *own = self->paid->request.id;
  char text[LEDGER_REQUEST_ID_SIZE + 16];
  snprintf(id, LEDGER_REQUEST_ID_SIZE, "%s", own);
  if (!self->asked)
    return;
  snprintf(text, sizeof text, "%s/%u", own, self->asked);
  struct digest digest = digest_sha256(view_of(text));
  snprintf(id, LEDGER_REQUEST_ID_SIZE, "%s", DIGEST_TEXT(&digest));
}

static struct flight *make_page(void *context, struct fault *fault) {
  struct translated *self = context;
  char id[LEDGER_REQUEST_ID_SIZE];
  const struct question question = question_of(self->page, NULL);
  name_page(self, id);
  struct paid_order order = translated_order(self, &question, id);
  order.normal = query_normal(self->page);
  order.key = query_key(self->page);
  order.conditions = query_condition_count(self->page);
  order.store = self->store;
  order.is_further = self->is_booked;
  query_subject(self->page, &order.subject);
  return paid_prepare(&order, fault);
}

/* A page that is stored, fresh, and of this currency. */
static bool find_stored(struct translated *self) {
  if (self->fresh < 0)
    return false;
  struct cache_hold *hold = cache_find(self->paid->desk->rooms.cache, query_key(self->page));
  if (!hold)
    return false;
  const struct cache_entry *entry = cache_hold_entry(hold);
  int64_t age = age_at(entry->answered_at, clock_seconds());
  bool is_usable = age != AGE_UNKNOWN && age <= self->fresh && !entry->is_derived &&
                   entry->cost.currency == self->once.currency;
  if (is_usable) {
    self->price = entry->cost;
    self->stored_at = entry->answered_at;
    self->body = body_stored(&hold, self->paid->request.id);
  }
  cache_release(&hold);
  self->is_read = self->body != NULL;
  return self->is_read;
}

/* Sends the page that it has made, unless another request has stored it meanwhile. */
static void begin_page(struct translated *self, struct flights_place *place) {
  bool is_needed = place->reader && !find_stored(self);
  if (is_needed)
    paid_send(place->started);
  else
    paid_withdraw(place->started);
  self->asked += is_needed;
  if (!is_needed)
    flight_leave(&place->reader);
}

static bool join_page(struct translated *self, struct fault *fault) {
  struct flights *flights = self->paid->desk->rooms.flights;
  const struct flights_maker maker = {make_page, self};
  const struct flights_waker waker = {translated_wake, self};
  struct flights_place place = {0};
  if (!self->store) {
    place.started = make_page(self, fault);
    if (place.started)
      place.reader = flight_join(place.started, translated_wake, self);
  } else if (flights_join(flights, query_key(self->page), &maker, &waker, &place, fault) ==
             FLIGHTS_FAILED) {
    return false;
  }
  if (!self->store && !place.started)
    return false;
  bool leads = place.started != NULL;
  if (leads)
    begin_page(self, &place);
  flight_release(&place.started);
  if (place.reader)
    translated_read_flight(self, &place.reader, leads);
  return self->reader || self->body || fault_no_memory(fault);
}

static bool abandon(struct translated *self) {
  struct fault fault;
  fault_set(&fault, FAULT_UNAVAILABLE,
            "its client seemed to have gone: no further page was asked for");
  return translated_fail(self, &fault);
}

/* The page is there already if it is asked for again. */
static bool ask_page(struct translated *self) {
  struct fault fault;
  bool has_waited = self->asked > 0;
  self->is_read = false;
  self->fault.kind = FAULT_NONE;
  self->step = TRANSLATED_READ;
  if (find_stored(self))
    return true;
  if (flight_give_up(self->paid->flight, has_waited))
    return abandon(self);
  return join_page(self, &fault) || translated_refuse(self, &fault);
}

bool translated_choose(struct translated *self) {
  struct fault fault;
  struct cap cap = translated_known_cap(self);
  query_release(&self->page);
  enum translate_step step =
      translate_next(self->translation, cap.rows, self->affordable, &self->page, &fault);
  self->affordable = -1;
  switch (step) {
  case TRANSLATE_ASK:
    return ask_page(self);
  case TRANSLATE_FAILED:
    return translated_fail(self, &fault);
  case TRANSLATE_DONE:
    break;
  }
  self->step = TRANSLATED_ANSWER;
  return true;
}

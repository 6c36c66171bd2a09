#include "paid/translated_steps.h"

#include "base/clock.h"
#include "base/scope.h"

/* --- memory --- */

size_t paid_desk_memory(const struct paid_desk *desk) {
  return atomic_load_explicit(&desk->translated, memory_order_relaxed);
}

/* The desk is not touched where nothing changes: what could not be made has none yet. */
static void count_memory(struct translated *self, size_t bytes) {
  if (bytes == self->counted)
    return;
  atomic_size_t *sum = &self->paid->desk->translated;
  atomic_fetch_add_explicit(sum, bytes - self->counted, memory_order_relaxed); /* modulo 2^64 */
  self->counted = bytes;
}

/* --- life --- */

static bool copy_token(struct translated *self, struct view token) {
  self->token = strndup(token.at, token.length);
  return self->token != NULL;
}

static bool fill(struct translated *self, const struct paid_order *order, struct fault *fault) {
  const struct translate_limits limits = {
      .today = clock_day(),
      .most = (size_t)order->settings->max_translated,
      .proven = caps_find(order->desk->caps, &self->paid->sent).proven};
  self->settings = settings_hold(order->settings);
  self->fresh = order->fresh;
  self->store = order->store;
  self->affordable = -1;
  self->row_cost = translate_price(order->translated).row_cost;
  self->spent = self->once = amount_zero(self->paid->dialect->currency);
  self->is_known = true;
  if (!copy_token(self, order->token))
    return fault_no_memory(fault);
  if (!query_parse_normal(query_normal(order->translated), &self->query, fault))
    return false;
  self->translation = translate_create(self->query, &limits, fault);
  return self->translation != NULL;
}

bool translated_create(struct paid *paid, const struct paid_order *order, struct translated **out,
                       struct fault *fault) {
  struct translated *self = calloc(1, sizeof *self);
  *out = NULL;
  if (!self)
    return fault_no_memory(fault);
  self->paid = paid;
  if (fill(self, order, fault))
    *out = steal(self);
  translated_release(&self);
  return *out != NULL;
}

void translated_leave_page(struct translated *self) {
  body_release(&self->body);
  flight_leave(&self->reader);
  flight_release(&self->flight);
  self->leads = self->doubts = false;
}

void translated_release(struct translated **address) {
  struct translated *self = steal(*address);
  if (!self)
    return;
  translated_leave_page(self);
  count_memory(self, 0);
  query_release(&self->page);
  translate_release(&self->translation);
  query_release(&self->query);
  settings_release(&self->settings);
  if (self->token)
    explicit_bzero(self->token, strlen(self->token));
  free(self->token);
  free(self);
}

bool translated_has_asked(const struct translated *self) {
  return self->has_asked;
}

bool translated_is_booked(const struct translated *self) {
  return self->is_booked;
}

void translated_wake(void *context) {
  struct translated *self = context;
  queue_call(self->paid->desk->queue, &self->job);
}

static void on_called(void *context, struct flight *flight) {
  (void)flight;
  translated_wake(context);
}

static const struct flight_writer writer = {.room = on_called, .deserted = on_called};

void translated_start(struct translated *self) {
  flight_hold(self->paid->flight); /* until translated_run() has ended it */
  flight_set_writer(self->paid->flight, &writer, self);
  queue_add(self->paid->desk->queue, &self->job);
}

/* --- the end --- */

struct answer_cost translated_cost(const struct translated *self) {
  return (struct answer_cost){.spent = self->spent, .once = self->once, .is_known = self->is_known};
}

bool translated_end(struct translated *self, const struct answer_verdict *verdict) {
  self->step = TRANSLATED_OVER;
  flight_end(self->paid->flight, verdict);
  return true;
}

bool translated_fail(struct translated *self, const struct fault *fault) {
  const struct answer_verdict verdict = {
      .outcome = ANSWER_BROKEN, .results = -1, .cost = translated_cost(self), .fault = *fault};
  return translated_end(self, &verdict);
}

/* rowcache itself refuses to go on, as it would refuse a request of one page. */
bool translated_refuse(struct translated *self, const struct fault *fault) {
  struct paid *paid = self->paid;
  self->step = TRANSLATED_OVER;
  paid->cost = translated_cost(self);
  flight_set_writer(paid->flight, NULL, NULL);
  flight_refuse(paid->flight, fault);
  paid_conclude(paid);
  return true;
}

/* --- what several steps do --- */

struct paid_order translated_order(struct translated *self, const struct question *question,
                                   const char *id) {
  const struct paid *paid = self->paid;
  return (struct paid_order){.desk = paid->desk,
                             .settings = self->settings,
                             .question = question,
                             .key = &self->paid->sent,
                             .token = view_of(self->token),
                             .is_own_token = paid->is_own_token,
                             .fingerprint = &paid->request.token,
                             .is_page = true,
                             .is_strangers = paid->request.is_strangers,
                             .id = id};
}

/* --- the loop --- */

static translated_function *const steps[TRANSLATED_OVER] = {
    [TRANSLATED_CAP] = translated_find_cap,
    [TRANSLATED_CHOOSE] = translated_choose,
    [TRANSLATED_READ] = translated_read,
    [TRANSLATED_ANSWER] = translated_write_answer,
};

/* Each step returns false to wait. The flight, and the request with it, may be freed at the end. */
enum queue_end translated_run(struct queue_job *job) {
  struct translated *self = (struct translated *)job;
  struct flight *flight = self->paid->flight;
  while (self->step != TRANSLATED_OVER) {
    bool waits = !steps[self->step](self);
    if (self->step != TRANSLATED_OVER)
      count_memory(self, translate_memory(self->translation));
    if (waits)
      return QUEUE_PARK;
  }
  /* Now, and not when the last reader has left: by then the desk may be gone. */
  translate_release(&self->translation);
  count_memory(self, 0);
  flight_release(&flight);
  return QUEUE_OVER;
}

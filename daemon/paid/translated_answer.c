/* The answer: v2's, out of the request's own flight. */
#include "paid/translated_steps.h"

#include "base/clock.h"

#include <stdio.h>

static void begin_answer(struct translated *self) {
  struct flight *flight = self->paid->flight;
  struct answer_head head = answer_head_empty();
  head.status = 200;
  head.results_count = translate_results(self->translation);
  head.answered_at = self->answered_at ? self->answered_at : clock_seconds();
  snprintf(head.content_type, sizeof head.content_type, "%s", output_content_type(QUERY_JSON));
  head.cost = translated_cost(self);
  if (self->is_masked)
    flight_storing_failed(flight);
  else
    paid_begin_storing(self->paid);
  flight_set_head(flight, &head);
}

/* True if the flight refused bytes although it has room: it had no memory, and would not call. */
static bool lacks_memory(const struct translated *self) {
  struct flight_state state;
  flight_peek(self->paid->flight, &state);
  return state.length + (int64_t)FLIGHT_CHUNK_SIZE <=
         (int64_t)FLIGHT_WINDOW * (int64_t)FLIGHT_CHUNK_SIZE;
}

/* True if the flight will not call: it lacks memory, or rowcache stops, and its readers are too
 * slow. */
static bool cannot_wait(const struct translated *self, struct fault *fault) {
  if (lacks_memory(self))
    return !fault_no_memory(fault);
  return atomic_load(&self->paid->desk->aborted) &&
         !fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping");
}

bool translated_write_answer(struct translated *self) {
  struct view all = translate_answer(self->translation), rest = view_from(all, self->fed);
  struct fault fault;
  if (!self->fed)
    begin_answer(self);
  while (rest.length) {
    struct view piece = view_first(rest, FLIGHT_CHUNK_SIZE);
    if (!flight_feed(self->paid->flight, piece))
      return cannot_wait(self, &fault) && translated_fail(self, &fault);
    self->fed += piece.length;
    rest = view_from(rest, piece.length);
  }
  const struct answer_verdict verdict = {.outcome = ANSWER_COMPLETE,
                                         .results = translate_results(self->translation),
                                         .read = true,
                                         .cost = translated_cost(self)};
  return translated_end(self, &verdict);
}

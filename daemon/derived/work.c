/* A computation on one of the desk's threads. */
#include "derived/job.h"

#include "base/clock.h"
#include "query/query.h"

#include <stdio.h>

#define WINDOW ((int64_t)(FLIGHT_WINDOW * FLIGHT_CHUNK_SIZE))

static bool is_wanted(void *context) {
  struct derived_job *job = context;
  return !flight_give_up(job->flight, false);
}

/* --- the flight calls --- */

static void on_called(void *context, struct flight *flight) {
  (void)flight;
  desk_call(context);
}

static const struct flight_writer writer = {.room = on_called, .deserted = on_called};

/* --- the head and the verdict --- */

static struct answer_cost cost_of(const struct derived_job *job) {
  return (struct answer_cost){.spent = amount_zero(job->tariff.fixed.currency),
                              .once = tariff_cost(&job->tariff, job->extract.results),
                              .is_known = true};
}

static void set_head(struct derived_job *job) {
  const struct cache_entry *source = cache_hold_entry(job->extract.source.hold);
  enum query_output output = query_output(job->extract.wanted);
  struct answer_head head = {.status = 200,
                             .results_count = job->extract.results,
                             .answered_at = source->answered_at,
                             .cost = cost_of(job)};
  snprintf(head.content_type, sizeof head.content_type, "%s",
           output == QUERY_JSON ? source->content_type : output_content_type(output));
  flight_set_head(job->flight, &head);
}

/* The flight has all of the answer now, also while the copy is being stored. */
static void end(struct derived_job *job) {
  struct answer_verdict verdict = {.outcome = ANSWER_COMPLETE,
                                   .results = job->extract.results,
                                   .read = true,
                                   .cost = cost_of(job)};
  extract_forget(&job->extract);
  flight_end(job->flight, &verdict);
}

/* If no reader has a byte yet, all of them may plan again. */
static void break_off(struct derived_job *job, const struct fault *fault) {
  struct flight_state state;
  struct answer_verdict verdict = {
      .outcome = ANSWER_BROKEN, .results = -1, .cost = cost_of(job), .fault = *fault};
  flight_peek(job->flight, &state);
  if (state.phase != FLIGHT_WAITING) {
    flight_end(job->flight, &verdict);
    return;
  }
  flight_set_writer(job->flight, NULL, NULL);
  job_withdraw(job);
}

/* --- pass 2 --- */

/* True if the flight refused a piece although its window has room: it had no memory. Then nobody
 * would call when there is some. */
static bool lacks_memory(const struct derived_job *job) {
  struct flight_state state;
  flight_peek(job->flight, &state);
  return state.length <= WINDOW - (int64_t)FLIGHT_CHUNK_SIZE;
}

enum feeding { FEEDING_TAKEN, FEEDING_PARKED, FEEDING_FAILED };

/* Without readers not even the copy is worth finishing. */
static enum feeding feed(struct derived_job *job, struct fault *fault) {
  if (!job->is_fed)
    flight_set_writer(job->flight, &writer, job);
  job->is_fed = true;
  for (;;) {
    desk_listen(job);
    if (!extract_is_wanted(&job->extract, fault))
      return FEEDING_FAILED;
    if (flight_feed(job->flight, job->piece))
      return FEEDING_TAKEN;
    if (lacks_memory(job)) {
      fault_no_memory(fault);
      return FEEDING_FAILED;
    }
    if (desk_park(job))
      return FEEDING_PARKED;
  }
}

/* The next piece. False: the flight has ended. */
static bool advance(struct derived_job *job) {
  struct fault fault;
  if (job->piece.length)
    return true;
  if (!extract_next(&job->extract, &job->piece, &fault)) {
    break_off(job, &fault);
    return false;
  }
  bool has_piece = job->piece.length > 0;
  if (!has_piece)
    end(job);
  return has_piece;
}

static void write(struct derived_job *job) {
  struct fault fault;
  while (advance(job))
    switch (feed(job, &fault)) {
    case FEEDING_TAKEN:
      job->piece = VIEW("");
      break;
    case FEEDING_PARKED:
      return;
    case FEEDING_FAILED:
      break_off(job, &fault);
      return;
    }
}

/* --- pass 1 --- */

static bool decide(struct derived_job *job) {
  struct fault fault;
  job->extract.is_wanted = is_wanted;
  job->extract.context = job;
  return extract_decide(&job->extract, text_view(&job->wanted_normal),
                        text_view(&job->source_normal), &fault) == DERIVE_POSSIBLE;
}

/* An answer that fits into the flight's window is written without a stop, whoever reads it. */
static bool has_place(struct derived_job *job) {
  return job->extract.length <= WINDOW || job->has_place || desk_take_place(job);
}

/* False: the flight has ended, or the computation waits for a place. Whatever waits holds no
 * memory, so pass 1 runs again then. */
static bool begin(struct derived_job *job) {
  if (!decide(job)) {
    job_withdraw(job);
    return false;
  }
  if (!has_place(job)) {
    extract_forget(&job->extract);
    desk_await_place(job);
    return false;
  }
  job->has_begun = true;
  set_head(job);
  job_begin_storing(job);
  return true;
}

static void refuse(struct derived_job *job) {
  struct fault fault;
  fault_set(&fault, FAULT_UNAVAILABLE,
            "too many long answers are being read slowly, and none has ended within %lld s "
            "(upstream.stall_timeout): nothing was sent; try again",
            (long long)(job->patience / CLOCK_SECOND));
  job_refuse(job, &fault);
}

void job_work(struct derived_job *job) {
  if (job->is_late)
    refuse(job);
  else if (job->has_begun || begin(job))
    write(job);
}

/* The end of a computation: its copy, and its conclusion. */
#include "derived/job.h"

#include "base/log.h"
#include "base/scope.h"

/* --- the end, last step first --- */

static void conclude(struct derived_job *job) {
  struct derived_desk *desk = job->desk;
  struct flight *flight = job->flight;
  extract_release(&job->extract);
  flights_remove(desk->flights, &job->key, flight);
  flight_conclude(flight);
  desk_end(job);
  flight_release(&flight);
  desk_uncount(desk);
}

void job_withdraw(struct derived_job *job) {
  cache_abandon(&job->writer);
  flight_withdraw(job->flight);
  conclude(job);
}

void job_refuse(struct derived_job *job, const struct fault *fault) {
  flight_refuse(job->flight, fault);
  conclude(job);
}

/* Logged once for an answer, at the first failure. */
static void note_not_stored(struct derived_job *job, const struct fault *fault) {
  if (atomic_exchange(&job->saved, -1) >= 0)
    log_warning(EVENT_store, "derived=%s outcome=not-stored reason=%s",
                DIGEST_TEXT(&job->wanted_key), LOG_VALUE(fault->text));
}

static void on_published(void *context, bool ok, const struct fault *fault) {
  struct derived_job *job = context;
  if (!ok) {
    note_not_stored(job, fault);
    flight_storing_failed(job->flight);
  }
  conclude(job);
}

/* The list price of a copy is what upstream would have taken for it; only units have one. */
static int64_t listed_of(struct amount price) {
  return price.currency == CURRENCY_UNITS ? price.parts : CACHE_NOT_LISTED;
}

static void ended(void *context) {
  struct derived_job *job = context;
  struct flight_state state;
  flight_peek(job->flight, &state);
  if (!job->writer || !state.storing || state.verdict.outcome != ANSWER_COMPLETE) {
    cache_abandon(&job->writer);
    conclude(job);
    return;
  }
  struct cache_result result = {.results = state.verdict.results,
                                .body_length = state.length,
                                .cost = state.verdict.cost.once,
                                .listed = listed_of(state.verdict.cost.once),
                                .answered_at = state.head.answered_at,
                                .content_type = state.head.content_type};
  cache_publish(&job->writer, &result, on_published, job);
}

/* --- the copy --- */

static void on_saved(void *context, bool ok, const struct fault *fault) {
  struct derived_job *job = context;
  struct derived_desk *desk = job->desk;
  struct flight *flight = job->flight;
  int64_t number = atomic_load(&job->saved);
  if (!ok)
    note_not_stored(job, fault);
  /* After a failure nothing counts as saved. For lack of memory cache_append() reports it at
   * once. */
  bool saved = ok && number >= 0 &&
               atomic_compare_exchange_strong(&job->saved, &(long long){number}, number + 1);
  if (saved)
    flight_chunk_saved(flight, number);
  else
    flight_chunk_lost(flight);
  flight_release(&flight);
  desk_uncount(desk);
}

/* Each save holds the flight, which has the bytes, and counts, so that the desk is still there when
 * the save makes room in the flight's window. */
static void chunk(void *context, struct view bytes) {
  struct derived_job *job = context;
  desk_count(job->desk);
  flight_hold(job->flight);
  cache_append(job->writer, bytes, on_saved, job);
}

/* Also takes a hold for readers that lag. It outlives the writer. */
static bool begin_writer(struct derived_job *job, struct fault *fault) {
  struct cache_subject subject = {.key = job->wanted_key,
                                  .normal = text_view(&job->wanted_normal),
                                  .target = text_view(&job->target),
                                  .subject = job->subject,
                                  .conditions = job->conditions,
                                  .source = job->extract.source.hold};
  if (!cache_begin(job->desk->cache, &subject, &job->writer, fault))
    return false;
  job->copy = cache_writer_hold(job->writer);
  if (job->copy)
    return true;
  cache_abandon(&job->writer);
  return fault_no_memory(fault);
}

void job_begin_storing(struct derived_job *job) {
  struct fault fault;
  if (job->store && job->extract.length <= DERIVED_COPY) {
    if (begin_writer(job, &fault)) {
      job->validator = cache_writer_validator(job->writer);
      return;
    }
    note_not_stored(job, &fault);
  }
  flight_storing_failed(job->flight);
}

/* --- life --- */

void job_free(struct derived_job *job) {
  extract_release(&job->extract);
  cache_release(&job->copy);
  text_free(&job->wanted_normal);
  text_free(&job->source_normal);
  text_free(&job->target);
  free(job);
}

static void released(void *context) {
  job_free(context);
}

const struct flight_owner job_owner = {.chunk = chunk, .ended = ended, .released = released};

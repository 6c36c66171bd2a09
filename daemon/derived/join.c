/* Orders, and questions of readers. */
#include "derived/job.h"

#include "base/scope.h"
#include "query/query.h"

/* --- making --- */

/* False: no memory. */
static bool begin_extract(struct extract *extract, const struct derived_order *order) {
  extract->source.hold = cache_hold_again(order->source);
  extract->may_be_cut = order->may_be_cut;
  extract->cap = order->cap;
  extract->shape = order->shape;
  extract->max_depth = order->max_depth;
  return extract->source.hold != NULL;
}

static bool fill(struct derived_job *job, const struct derived_order *order) {
  job->desk = order->desk;
  job->wanted_key = *query_key(order->wanted);
  job->subject = order->subject;
  job->conditions = order->conditions;
  job->store = order->store;
  job->tariff = order->tariff;
  job->patience = order->patience;
  job->is_large = cache_hold_entry(order->source)->body_length > (int64_t)DERIVED_SMALL;
  text_add(&job->wanted_normal, query_normal(order->wanted));
  text_add(&job->source_normal, order->source_normal);
  text_add(&job->target, query_target_text(order->wanted));
  return begin_extract(&job->extract, order) && text_ok(&job->wanted_normal) &&
         text_ok(&job->source_normal) && text_ok(&job->target);
}

static struct flight *make_flight(const struct derived_order *order) {
  struct derived_job *job = calloc(1, sizeof *job);
  if (!job)
    return NULL;
  struct flight *flight = fill(job, order) ? flight_create(&job_owner, job, order->store) : NULL;
  if (flight)
    job->flight = flight_hold(flight);
  else
    job_free(job);
  return flight;
}

struct making {
  const struct derived_order *order;
  struct digest key; /* of the flight */
};

/* Computations of one query from one result are the same. */
static struct digest key_of(const struct derived_order *order) {
  const struct cache_validator *source = &cache_hold_entry(order->source)->validator;
  char both[DIGEST_SIZE + CACHE_VALIDATOR_SIZE];
  memcpy(both, query_key(order->wanted)->bytes, DIGEST_SIZE);
  memcpy(both + DIGEST_SIZE, source->bytes, CACHE_VALIDATOR_SIZE);
  return digest_sha256((struct view){both, sizeof both});
}

static struct flight *make(void *context, struct fault *fault) {
  const struct making *making = context;
  struct derived_desk *desk = making->order->desk;
  if (!desk_begin(desk, fault))
    return NULL;
  struct flight *flight = make_flight(making->order);
  if (!flight) {
    desk_uncount(desk);
    fault_no_memory(fault);
    return NULL;
  }
  struct derived_job *job = flight_context(flight);
  job->key = making->key;
  return flight;
}

/* A flight of the same key may have ended just now. Then the same is computed once more: it costs
 * nothing, so nobody searches the cache again. */
struct flight_reader *derived_join(const struct derived_order *order, void (*wake)(void *context),
                                   void *context, struct fault *fault) {
  struct making making = {order, key_of(order)};
  struct flights_maker maker = {make, &making};
  struct flights_waker waker = {wake, context};
  struct flights_place place;
  switch (flights_join(order->desk->flights, &making.key, &maker, &waker, &place, fault)) {
  case FLIGHTS_FAILED:
    return NULL;
  case FLIGHTS_STARTED:
    desk_add(flight_context(place.started));
    break;
  case FLIGHTS_JOINED:
    break;
  }
  flight_release(&place.started);
  if (!place.reader)
    fault_no_memory(fault);
  return place.reader;
}

/* --- without a flight --- */

enum derive_reason derived_try(const struct derived_order *order, struct fault *fault) {
  enum derive_reason reason = DERIVE_MEMORY;
  struct extract *extract = calloc(1, sizeof *extract);
  if (extract && begin_extract(extract, order))
    reason = extract_decide(extract, query_normal(order->wanted), order->source_normal, fault);
  else
    fault_no_memory(fault);
  if (extract)
    extract_release(extract);
  free(extract);
  return reason;
}

/* --- questions --- */

static const struct derived_job *job_of(const struct flight *flight) {
  return flight_context(flight);
}

const struct cache_validator *derived_validator(const struct flight *flight) {
  return &job_of(flight)->validator;
}

const struct cache_hold *derived_hold(const struct flight *flight) {
  return job_of(flight)->copy;
}

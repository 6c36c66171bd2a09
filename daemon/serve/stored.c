/* Replies from the store: with the stored result of the query, or with what is computed from
 * another one. */
#include "serve/reply.h"

#include "base/age.h"
#include "base/clock.h"
#include "base/scope.h"
#include "body/flight.h"
#include "body/stored.h"
#include "derived/derived.h"
#include "serve/headers.h"
#include "serve/quick.h"
#include "serve/ready.h"
#include "serve/stored_head.h"

static enum outcome hit_of(int64_t freshness, bool is_derived) {
  if (freshness <= 0)
    return OUTCOME_STALE;
  return is_derived ? OUTCOME_DERIVED : OUTCOME_HIT;
}

/* What a reply says of time, by one look at the clock: its Age and its ttl. */
struct moment {
  int64_t age, freshness; /* seconds */
};

/* If the clock was set back since the plan, its freshness is the one that is known. */
static struct moment moment_of(const struct request *request, int64_t answered_at) {
  int64_t age = age_at(answered_at, clock_seconds());
  if (age == AGE_UNKNOWN)
    return (struct moment){.age = 0, .freshness = request->plan.freshness};
  return (struct moment){.age = age, .freshness = request->settings->ttl - age};
}

/* The outcome of a request that is answered from the store. One that bought the whole of its
 * target, or waited for it, is no hit: the answer comes from the whole. If what was planned is
 * stale all the same, it does not. */
static void note_hit(struct request *request, int64_t freshness, bool is_derived,
                     struct text *cache_status) {
  bool is_from_whole = request->plan.freshness > 0 && (request->has_bought || request->has_shared);
  struct headers_forward forward = {
      .reason = request->missed, .stored = request->has_bought, .collapsed = !request->has_bought};
  if (is_from_whole) {
    headers_forward(&forward, cache_status);
    request->outcome = request->has_bought ? OUTCOME_MISS : OUTCOME_COLLAPSED;
  } else {
    headers_hit(freshness, is_derived, cache_status);
    request->outcome = hit_of(freshness, is_derived);
  }
}

/* What an answer from the store has saved that costs `price` upstream. */
static struct amount saved_of(const struct request *request, struct amount price) {
  return request->has_bought ? amount_zero(price.currency) : price;
}

static void release_hot(void *context) {
  struct cache_hot *hot = context;
  cache_hot_release(&hot);
}

/* False: it is long, or would have to be compressed anew, and goes out piece by piece. */
static bool send_hot(struct request *request, struct cache_hot *hot) {
  bool takes_gzip = exchange_takes_gzip(request->exchange);
  struct view body = cache_hot_body(hot);
  struct view gzip = takes_gzip ? ready_gzip(request->serve->rooms.cache, hot) : VIEW("");
  bool is_anew = takes_gzip && !gzip.length && (int64_t)body.length > CACHE_HOT_AT_ONCE;
  if (!ready_is_short(hot) || is_anew)
    return false;
  exchange_reply_shared(request->exchange, request->status, gzip.length ? gzip : body,
                        gzip.length ? EXCHANGE_GZIP : EXCHANGE_IDENTITY, release_hot,
                        cache_hot_hold(hot));
  return true;
}

static void release_hold(void *context) {
  struct cache_hold *hold = context;
  cache_release(&hold);
}

/* Sends a body of one chunk as it was read: nothing is copied. False: it is longer, or cannot be
 * read. */
static bool send_chunk(struct request *request) {
  int64_t length = cache_hold_entry(request->found.stored)->body_length;
  struct view bytes;
  struct fault fault;
  if (length == 0 || length > (int64_t)CACHE_CHUNK_SIZE ||
      !cache_read(request->found.stored, 0, &bytes, &fault) || (int64_t)bytes.length != length)
    return false;
  exchange_reply_shared(request->exchange, request->status, bytes, EXCHANGE_IDENTITY, release_hold,
                        steal(request->found.stored));
  return true;
}

/* From memory if it is there, or is short: what is long goes out piece by piece. */
static bool send_at_once(struct request *request) {
  struct cache_hot *hot = cache_hold_heat(request->found.stored);
  if (!hot)
    return send_chunk(request);
  quick_learn(request);
  return send_hot(request, hot);
}

/* A 304 and a HEAD state the length, too. That of the bytes as they are is known, so they are not
 * read for it; that of their gzip is not. */
static bool needs_bytes(const struct request *request) {
  bool has_body = request->status == 200 && !request_is_head(request);
  return has_body || exchange_takes_gzip(request->exchange);
}

static void send(struct request *request) {
  if (needs_bytes(request) && send_at_once(request))
    return;
  int64_t length = cache_hold_entry(request->found.stored)->body_length;
  struct body *body = body_stored(&request->found.stored, request->id);
  exchange_reply_body(request->exchange, request->status, length, &body);
}

static void add_head(struct request *request, const struct stored_facts *facts) {
  struct stored_head head;
  stored_head(facts, &head);
  for (size_t i = 0; i < head.count; i++)
    exchange_add_header(request->exchange, head.lines[i].name, head.lines[i].value);
  reply_name(request);
}

enum step step_stored(struct request *request) {
  scope_text struct text cache_status = {0};
  const struct cache_entry *stored = cache_hold_entry(request->found.stored);
  struct moment moment = moment_of(request, stored->answered_at);
  struct amount saved = saved_of(request, stored->cost);
  bool not_modified = reply_client_has(request, &stored->validator);
  note_hit(request, moment.freshness, stored->is_derived, &cache_status);
  request->status = not_modified ? 304 : 200;
  /* A HEAD saves nothing: it never spends. */
  if (!request_is_head(request)) {
    request->saved = saved;
    cache_count_hit(request->found.stored, saved);
  }
  add_head(request, &(struct stored_facts){
                        .entry = stored,
                        .cache_status = text_string(&cache_status),
                        .age = moment.age,
                        .spent = request->cost_is_known ? &request->spent : NULL,
                        .saved = saved,
                        .output = request->is_call ? QUERY_JSON : query_output(request->query),
                        .is_call = request->is_call,
                        .is_gzip = exchange_takes_gzip(request->exchange),
                        .not_modified = not_modified});
  send(request);
  return STEP_REPLIED;
}

/* --- computed from the store --- */

/* The ETag is that of the copy. */
static bool add_derived_tag(struct request *request) {
  static const struct cache_validator none;
  const struct cache_validator *validator = derived_validator(request->computed);
  return memcmp(validator, &none, sizeof none) != 0 && reply_tag(request, validator);
}

/* The list price of what is computed is what upstream would have taken for it. */
static int64_t listed_of(const struct flight_state *state) {
  struct amount price = state->head.cost.once;
  return price.currency == CURRENCY_UNITS ? amount_units(price).whole : -1;
}

enum step step_derived(struct request *request) {
  struct flight_state state;
  scope_text struct text cache_status = {0};
  flight_peek(request->computed, &state);
  struct moment moment = moment_of(request, state.head.answered_at);
  bool not_modified = add_derived_tag(request);
  request->derives = true;
  struct amount saved = saved_of(request, state.head.cost.once);
  note_hit(request, moment.freshness, true, &cache_status);
  request->status = not_modified ? 304 : 200;
  if (!request_is_head(request)) {
    request->saved = saved;
    cache_count_hit(request->found.source.hold, saved);
  }
  reply_number(request, "Age", moment.age);
  reply_common(request, &cache_status);
  reply_saved(request, saved);
  if (!not_modified) {
    reply_type(request, state.head.content_type);
    reply_count(request, &(struct reply_count){state.head.results_count, listed_of(&state)});
  }
  struct body *body =
      body_flight(&request->computing, derived_hold(request->computed), request->id);
  bool concluded = state.phase == FLIGHT_CONCLUDED;
  exchange_reply_body(request->exchange, request->status,
                      concluded ? state.length : EXCHANGE_UNKNOWN_LENGTH, &body);
  return STEP_REPLIED;
}

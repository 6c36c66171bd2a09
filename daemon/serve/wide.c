/* What upstream is asked for a client's query, and how the answer is made of upstream's: the query
 * may be asked wider (derive/widen.h). */
#include "serve/wide.h"

#include "serve/request.h"

#include "base/clock.h"
#include "base/scope.h"
#include "body/flight.h"
#include "body/masked.h"
#include "body/rows.h"
#include "derive/widen.h"
#include "dialect/dialect.h"
#include "render/php.h"

/* The longest answer, in bytes, that is rewritten in memory before the head goes out: what a flight
 * has in its window. */
#define REWRITTEN_MOST ((int64_t)FLIGHT_WINDOW * (int64_t)FLIGHT_CHUNK_SIZE)

/* --- what is asked --- */

const struct query *request_asked(const struct request *request) {
  return request->wide ? request->wide : request->query;
}

/* The answer to a wider query is of use only where answers are derived, or where there is no other
 * form than JSON: that of a dialect that translates. A call asks for what it wants. */
bool wide_of(const struct settings *settings, const struct query *query, struct query **wide,
             struct fault *fault) {
  const struct dialect *dialect = dialect_for(settings);
  bool all_columns = settings->widen_select == WIDEN_SELECT_ON && !dialect->charges_columns;
  *wide = NULL;
  return query_table(query) != QUERY_BACKLINKS_NEW_LOST ||
         (settings->derive == DERIVE_OFF && !dialect->translates) ||
         widen_query(query, all_columns, wide, fault);
}

/* True if the query itself was asked after its wider query: the rows of that answer were of no use.
 * They would be of no use again, to a client that wants a new answer or comes when both are old. */
static bool was_of_no_use(const struct inquiry *inquiry, const struct query *wide) {
  struct cache *cache = inquiry->serve->rooms.cache;
  struct cache_hold *own = cache_find(cache, query_key(inquiry->query));
  struct cache_hold *other = own ? cache_find(cache, query_key(wide)) : NULL;
  bool was = other && !cache_hold_entry(own)->is_derived &&
             cache_hold_entry(own)->answered_at >= cache_hold_entry(other)->answered_at;
  cache_release(&own);
  cache_release(&other);
  return was;
}

/* Lately PHP could not be made of JSON: see request_note_no_use(). */
static bool asks_php(const struct inquiry *inquiry) {
  return query_output(inquiry->query) == QUERY_PHP &&
         clock_monotonic() < atomic_load(&inquiry->serve->php_until);
}

/* If the answer to the wider query is stored and fresh, and there is a miss all the same, then the
 * answer could not be computed from it: the query itself is asked. */
bool wide_query(const struct inquiry *inquiry, const struct token_facts *token,
                const struct plan *plan, struct query **wide, struct fault *fault) {
  if (dialect_for(inquiry->settings)->translates)
    return wide_of(inquiry->settings, inquiry->query, wide, fault);
  *wide = NULL;
  if ((!plan->store && plan->action != PLAN_HIT_AND_REFRESH) || asks_php(inquiry))
    return true;
  if (!wide_of(inquiry->settings, inquiry->query, wide, fault))
    return false;
  if (*wide && (facts_is_answered(inquiry, token, *wide) || was_of_no_use(inquiry, *wide)))
    query_release(wide);
  return true;
}

bool request_widen(struct request *request) {
  const struct inquiry inquiry = request_inquiry(request);
  query_release(&request->wide);
  return request->asks_itself ||
         wide_query(&inquiry, &request->token, &request->plan, &request->wide, &request->fault);
}

/* --- how the answer is made --- */

static const struct writer_form *form_of(const struct request *request) {
  return query_output(request->query) == QUERY_PHP ? &php_form : &writer_json;
}

/* An error that upstream answers is relayed as it came. */
static bool is_error(const struct flight_state *state) {
  return state->head.status != 200 || state->head.is_error ||
         (state->phase == FLIGHT_CONCLUDED && state->verdict.outcome == ANSWER_REFUSED);
}

void request_note_no_use(const struct request *request, const struct flight_state *state) {
  if (query_output(request->query) == QUERY_PHP && !is_error(state))
    atomic_store(&request->serve->php_until,
                 clock_monotonic() + request->settings->ttl * CLOCK_SECOND);
}

bool request_rewrites(const struct request *request, const struct flight_state *state) {
  return request->wide && !is_error(state);
}

bool request_needs_count(const struct request *request, const struct flight_state *state) {
  return request_rewrites(request, state) && form_of(request)->needs_count &&
         state->head.results_count < 0;
}

static int64_t count_of(const struct flight_state *state) {
  return state->phase == FLIGHT_CONCLUDED ? state->verdict.results : state->head.results_count;
}

struct body *request_flight_body(struct request *request) {
  /* The secret lives as long as the flight. */
  struct view secret = paid_secret(request->flight, &request->fingerprint);
  struct body *body = body_flight(&request->reader, paid_hold(request->flight), request->id);
  return body_masked(&body, secret);
}

struct body *request_rewriting(struct request *request, const struct flight_state *state,
                               struct body **inner) {
  const struct question question = question_of(request->wide, NULL);
  const struct body_rows_order order = {.shape = dialect_for(request->settings)->shape(&question),
                                        .max_depth = request->settings->max_depth,
                                        .recipe = widen_recipe(request->query),
                                        .form = form_of(request),
                                        .count = count_of(state),
                                        .request = request->id};
  return body_rows(inner, &order);
}

/* Reads a body whose bytes are all there. */
static bool read_whole(struct body *body, struct text *out) {
  char bytes[4096];
  size_t count;
  enum body_read read = body ? BODY_BYTES : BODY_BROKEN;
  while (read == BODY_BYTES && text_ok(out)) {
    read = body_read(body, bytes, sizeof bytes, &count);
    if (read == BODY_BYTES)
      text_add(out, (struct view){bytes, count});
  }
  return read == BODY_END && text_ok(out);
}

static bool rewrite_whole(struct request *request, const struct flight_state *state) {
  struct body *body = request_flight_body(request);
  body = request_rewriting(request, state, &body);
  bool ok = read_whole(body, &request->rewritten);
  body_release(&body);
  if (!ok)
    text_free(&request->rewritten);
  return ok;
}

/* Upstream's error is in JSON, and the client's form may be another. If the error is certain to
 * have cost nothing, upstream says it again in the client's form. If it came after results, it is
 * relayed as it is: those may have been charged. */
static bool is_said_again(const struct request *request, const struct flight_state *state) {
  return request->wide && state->head.status == 200 && is_error(state) &&
         query_output(request->query) != QUERY_JSON && state->phase == FLIGHT_CONCLUDED &&
         amount_is_zero(state->verdict.cost.spent);
}

bool request_rewrite(struct request *request, const struct flight_state *state) {
  if (is_said_again(request, state))
    return false;
  if (!request_rewrites(request, state))
    return true;
  if (state->phase != FLIGHT_CONCLUDED)
    return count_of(state) >= 0 || !form_of(request)->needs_count;
  return state->length > REWRITTEN_MOST || rewrite_whole(request, state);
}

/* The end of a request, the one place that counts it: in the ledger, the counters, the last requests
 * and the log. */
#include "serve/request.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#include <stdio.h>

static void note_broken(struct request *request) {
  request->outcome = OUTCOME_ERROR;
  request->saved = amount_zero(request->saved.currency);
}

/* Notes whether what was computed broke off: its source was damaged. */
static void note_computed(struct request *request) {
  struct flight_state state;
  flight_peek(request->computed, &state);
  if (state.phase == FLIGHT_CONCLUDED && state.verdict.outcome == ANSWER_BROKEN)
    note_broken(request);
}

/* Notes what was not known when the head went out: the true cost, and an answer that broke off. */
static void note_end(struct request *request) {
  struct flight_state state;
  if (request->derives)
    note_computed(request);
  if (!request->relays)
    return;
  flight_peek(request->flight, &state);
  if (state.phase != FLIGHT_CONCLUDED)
    return;
  struct answer_cost cost = paid_cost(request->flight);
  if (request->leads)
    request_note_cost(request, &cost);
  else if (request_has_joined(request))
    request->saved = cost.once;
  request->is_refusal = state.verdict.outcome == ANSWER_REFUSED;
  if (state.verdict.outcome == ANSWER_BROKEN)
    note_broken(request);
}

/* Notes that the connection broke while the request waited for its own flight, which may not even
 * have reserved yet. */
static void note_left_lead(struct request *request) {
  struct flight_state state;
  if (!request->leads)
    return;
  flight_peek(request->flight, &state);
  if (state.phase == FLIGHT_WAITING) {
    request->left_lead = true;
    request->cost_is_known = false;
  }
}

/* A refusal by upstream counts as a failure, although it is relayed like any answer. */
static bool has_failed(const struct request *request) {
  return request->outcome == OUTCOME_ERROR || request->is_refusal;
}

/* True if the ledger has a reservation of this request, even if the reply is another answer. */
static bool is_booked(const struct request *request) {
  return request->left_lead || request->has_bought || request->has_paid ||
         (request->leads && paid_is_booked(request->flight));
}

/* Counts what the ledger does not book. A stranger's request is counted without its token. */
static void count_in_ledger(const struct request *request) {
  static const struct digest nobody;
  bool booked = is_booked(request);
  if (!request->has_token || (booked && amount_is_zero(request->saved)))
    return;
  struct view target = request->query ? query_target_text(request->query) : VIEW("");
  enum ledger_free what = booked ? LEDGER_SAVED : has_failed(request) ? LEDGER_ERROR : LEDGER_HIT;
  ledger_count(request->serve->rooms.ledger,
               request_is_strangers(request) ? &nobody : &request->fingerprint, target, what,
               request->saved);
}

/* A line for each request beyond a limit would be as many lines as the client likes. */
static bool is_worth_a_line(const struct request *request, bool may_have_spent) {
  return may_have_spent || (has_failed(request) && !request->is_over_limit) ||
         request->settings->log_requests == LOG_REQUESTS_ALL;
}

/* The line of a request that spent nothing is MINOR: the log drops it first. */
static void log_request(const struct request *request, const char *label, int64_t nanoseconds) {
  bool may_have_spent =
      !amount_is_zero(request->spent) || !request->cost_is_known || request->refreshes;
  if (!is_worth_a_line(request, may_have_spent))
    return;
  struct view target = request->query ? query_target_text(request->query) : VIEW("");
  scope_free char *text = strndup(target.at, target.length);
  log_event(may_have_spent ? LOG_LEVEL_INFO : LOG_LEVEL_MINOR, EVENT_request,
            "id=%s outcome=%s status=%u token=%s target=%s spent=%s%s saved=%s ms=%lld%s",
            request->id, outcome_word(request->outcome), request->status, label, LOG_VALUE(text),
            AMOUNT_TEXT(request->spent), request->cost_is_known ? "" : "?",
            AMOUNT_TEXT(request->saved), (long long)(nanoseconds / CLOCK_MILLISECOND),
            currency_mark(request->spent.currency));
}

static void note_trace(const struct request *request, const char *label) {
  struct trace trace = {.outcome = request->outcome,
                        .status = request->status,
                        .at = request->at,
                        .spent = request->spent,
                        .saved = request->saved};
  snprintf(trace.token, sizeof trace.token, "%s", label);
  traces_add(request->serve->rooms.traces, request->id, &trace);
}

void request_account(struct request *request) {
  const char *label = request->has_token ? request->token.label : "-";
  int64_t nanoseconds = clock_monotonic() - exchange_began(request->exchange);
  note_end(request);
  note_left_lead(request);
  count_in_ledger(request);
  counters_add(request->serve->rooms.counters, request->outcome, nanoseconds);
  note_trace(request, label);
  log_request(request, label, nanoseconds);
}

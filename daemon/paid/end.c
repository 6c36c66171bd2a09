/* The end of a paid request: from its first chunk to its conclusion. */
#include "paid/life.h"

#include "base/log.h"
#include "base/scope.h"

static void settle(struct paid *paid);

/* --- the end, last step first --- */

void paid_conclude(struct paid *paid) {
  struct paid_desk *desk = paid->desk;
  struct flight *flight = paid->flight;
  paid_note_plan(paid);
  flights_remove(desk->rooms.flights, &paid->flight_key, flight);
  flight_conclude(flight);
  flight_release(&flight);
  paid_desk_end(desk);
}

/* If a settlement cannot be written, the ledger tries again and keeps the reservation until then.
 * So the client may have the answer. */
static void on_settled(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok)
    log_error(EVENT_settle, "request=%s reason=%s", paid->request.id, LOG_VALUE(fault->text));
  paid_conclude(paid);
}

/* A stranger's request that spent nothing and got no answer leaves no entry. */
static struct ledger_end end_of(const struct paid *paid, const struct answer_verdict *verdict) {
  struct ledger_end end = {.kind = LEDGER_SETTLED,
                           .results = verdict->results > 0 ? verdict->results : 0,
                           .spent = paid->cost.spent};
  bool is_answer = verdict->outcome == ANSWER_COMPLETE && verdict->read;
  end.is_complete = paid->request.is_whole && is_answer && verdict->results < paid->tariff.limit;
  if (!paid->cost.is_known)
    end.kind = LEDGER_UNKNOWN;
  else if (paid->request.is_strangers && amount_is_zero(end.spent) && !end.results && !is_answer)
    end.kind = LEDGER_VOID;
  return end;
}

static void settle(struct paid *paid) {
  struct flight_state state;
  flight_peek(paid->flight, &state);
  struct ledger_end end = end_of(paid, &state.verdict);
  if (paid->entry)
    ledger_settle(paid->desk->rooms.ledger, &paid->entry, &end, on_settled, paid);
  else
    paid_conclude(paid);
}

/* Logged once for an answer, at the first failure. */
static void note_not_stored(struct paid *paid, const struct fault *fault) {
  if (atomic_exchange(&paid->saved, -1) >= 0)
    log_warning(EVENT_store, "request=%s outcome=not-stored reason=%s", paid->request.id,
                LOG_VALUE(fault->text));
}

static void on_published(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok) {
    note_not_stored(paid, fault);
    flight_storing_failed(paid->flight);
  }
  settle(paid);
}

/* Upstream may charge more than was reserved. All of it is booked, and the log has a warning. */
static void warn_of_more(const struct paid *paid, const struct answer_verdict *verdict) {
  if (paid->kind != QUESTION_SUBSCRIPTION && verdict->results > paid->tariff.limit)
    log_warning(EVENT_count,
                "request=%s asked=%lld results=%lld reason=\"upstream announced or sent "
                "more results than were asked for\"",
                paid->request.id, (long long)paid->tariff.limit, (long long)verdict->results);
}

/* See sending.c: such an answer is not stored. */
static void warn_of_uncounted(struct paid *paid, const struct answer_verdict *verdict) {
  struct fault fault;
  if (!paid->writer || verdict->outcome != ANSWER_COMPLETE || verdict->results >= 0)
    return;
  fault_set(&fault, FAULT_UPSTREAM,
            "neither its head nor its body tells the number of its results");
  note_not_stored(paid, &fault);
}

/* Notes what the answer proves about the client's token. Upstream accepts the token if an answer
 * was read to its end; a page with status 200 proves nothing. The text of a token that spent is
 * kept for reconciliation. A body of unknown meaning may carry another token, so it proves
 * nothing, and a translated answer may be made of pages that others paid for: each page notes its
 * own. */
static void note_token(struct paid *paid, const struct answer_verdict *verdict) {
  struct access *access = paid->desk->rooms.access;
  bool accepted = verdict->outcome == ANSWER_COMPLETE && verdict->read;
  if (paid->is_internal || paid->is_own_token || paid->kind == QUESTION_UNKNOWN || paid->translated)
    return;
  if (accepted)
    access_learn(access, &paid->request.token, ACCESS_YES, paid->remember_yes);
  if (paid->repeated.secret.length && (accepted || !amount_is_zero(paid->cost.spent)))
    texts_keep(paid->desk->rooms.texts, &paid->request.token, paid->repeated.secret);
}

/* The key that issued tokens spend from: whoever runs rowcache learns that upstream refuses it, at
 * once and not at each request. */
static void note_own_token(struct paid *paid, const struct answer_verdict *verdict) {
  bool is_refused = verdict->outcome == ANSWER_REFUSED && verdict->fault.kind == FAULT_BAD_TOKEN;
  if (!paid->is_own_token || (!is_refused && verdict->outcome != ANSWER_COMPLETE))
    return;
  if (atomic_exchange(&paid->desk->own_is_refused, is_refused) != is_refused && is_refused)
    log_warning(EVENT_upstream, "key=upstream.token_file reason=%s",
                LOG_VALUE(verdict->fault.text));
}

/* Notes the verdict of a check, even if its client has left. This happens before the flight leaves
 * the table: a request that finds no flight finds the verdict, and does not check again. */
static void note_check(struct paid *paid, const struct flight_state *state) {
  struct access *access = paid->desk->rooms.access;
  const struct digest *token = &paid->request.token;
  if (!paid->is_check)
    return;
  enum dialect_token word = paid->dialect->judge_token(&state->head, &state->verdict);
  if (word == DIALECT_TOKEN_ACCEPTED) {
    paid->verdict = ACCESS_YES;
    access_learn(access, token, ACCESS_YES, paid->remember_yes);
    if (paid->repeated.secret.length)
      texts_keep(paid->desk->rooms.texts, token, paid->repeated.secret);
  } else if (word == DIALECT_TOKEN_REFUSED) {
    paid->verdict = ACCESS_NO;
    access_learn(access, token, ACCESS_NO, paid->remember_no);
  }
  access_end_check(access, paid->lane, paid->verdict);
}

/* True if the plan may have cut the answer to a call: v3 does so without a word. An answer that
 * contradicts itself is not taken for all there is either. */
static bool may_be_cut(struct paid *paid, const struct flight_state *state) {
  struct caps *caps = paid->desk->caps;
  int64_t rows = state->verdict.results;
  struct cap cap = caps_find(caps, &paid->sent);
  if (paid->kind != QUESTION_CALL)
    return false;
  caps_prove(caps, &paid->sent, rows);
  if (paid->max_rows)
    cap.rows = paid->max_rows;
  return rows >= paid->tariff.limit || state->head.costs.rows > rows || caps_may_cut(&cap, rows);
}

static void ended(void *context) {
  struct paid *paid = context;
  struct flight_state state;
  flight_peek(paid->flight, &state);
  paid->cost = state.verdict.cost;
  warn_of_more(paid, &state.verdict);
  warn_of_uncounted(paid, &state.verdict);
  note_token(paid, &state.verdict);
  note_own_token(paid, &state.verdict);
  note_check(paid, &state);
  if (!paid->writer || !state.storing || state.verdict.outcome != ANSWER_COMPLETE ||
      mask_finds(&(struct mask){.secret = paid->repeated.secret},
                 view_of(state.head.content_type))) {
    cache_abandon(&paid->writer);
    settle(paid);
    return;
  }
  struct cache_result result = {.results = state.verdict.results,
                                .body_length = state.length,
                                .cost = paid->cost.once,
                                .listed = state.head.costs.total,
                                .may_be_cut = may_be_cut(paid, &state),
                                .answered_at = state.head.answered_at,
                                .content_type = state.head.content_type};
  cache_publish(&paid->writer, &result, on_published, paid);
}

/* --- while it arrives --- */

static void on_saved(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok)
    note_not_stored(paid, fault);
  /* After a failure nothing counts as saved. For lack of memory cache_append() reports it at
   * once. */
  int64_t number = atomic_load(&paid->saved);
  bool saved = ok && number >= 0 &&
               atomic_compare_exchange_strong(&paid->saved, &(long long){number}, number + 1);
  struct flight *flight = paid->flight;
  if (saved)
    flight_chunk_saved(flight, number);
  else
    flight_chunk_lost(flight);
  flight_release(&flight);
}

/* Chunks are appended in order, and on_saved() comes in the same order. Each holds the flight,
 * which has the bytes and may be concluded as broken before that. An answer that repeats its token
 * is spoiled in the same order: until then the cache may read the bytes of earlier chunks, and the
 * flight must keep them. */
static void chunk(void *context, struct view bytes) {
  struct paid *paid = context;
  struct fault fault;
  if (paid->is_spoiled) {
    flight_chunk_lost(paid->flight);
    return;
  }
  flight_hold(paid->flight);
  paid->is_spoiled = mask_finds(&paid->repeated, bytes);
  if (!paid->is_spoiled) {
    cache_append(paid->writer, bytes, on_saved, paid);
    return;
  }
  fault_set(&fault, FAULT_UPSTREAM, "the answer repeats the token that it was asked with");
  cache_spoil(paid->writer, &fault, on_saved, paid);
}

void paid_free(struct paid *paid) {
  cache_release(&paid->hold);
  ledger_entry_release(&paid->entry);
  transfer_ask_release(&paid->ask);
  translated_release(&paid->translated);
  explicit_bzero(paid->token, sizeof paid->token);
  text_free(&paid->table);
  text_free(&paid->target);
  text_free(&paid->normal);
  free(paid);
}

static void released(void *context) {
  paid_free(context);
}

const struct flight_owner paid_owner = {.chunk = chunk, .ended = ended, .released = released};

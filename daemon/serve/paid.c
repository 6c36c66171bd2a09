/* One request to upstream that may cost rows. It belongs to no client's request.
 *
 *   paid_prepare ---> paid_withdraw: it is not needed; nothing was done
 *        |
 *   paid_send: reserve ---> refused: nothing was stored, sent or spent
 *        | (durable)
 *   send: chunks -> cache ----> upstream ended: publish or abandon -> settle -> conclude
 *
 * The result is published before the reservation is settled: dying in between leaves a result that
 * is kept and a reservation that is booked at the most, never something paid for and lost. The
 * readers have their last byte only after both.
 *
 * Threads: paid_prepare(), paid_send() and paid_withdraw() on the caller's; on_reserved() on the
 * ledger's keeper; chunk() and ended() on the transfer thread; the other callbacks of a keeper on
 * that keeper's. From the end on they come one after the other; `saved`, which two threads may set,
 * is atomic. */
#include "serve/inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mask.h"
#include "base/scope.h"

struct paid {
  struct serve *serve;
  const struct dialect *dialect;
  struct flight *flight; /* whose context this is; referenced until settled, and by each save */
  struct transfer_ask *ask;
  char token[MASK_MOST]; /* that it was asked with */
  bool is_own_token;     /* ours, not the client's */
  bool is_ours;          /* no client's request */
  enum question_kind kind;
  bool is_check;  /* of a token: */
  bool has_spent; /* the ledger says that upstream accepted it once */
  struct access_bounds bounds;
  enum access_lane lane;
  enum access_verdict verdict;       /* that it found */
  int64_t remember_yes, remember_no; /* seconds */
  struct mask told; /* looks for it in what is stored; empty where it is too short or too long */
  struct tariff tariff;
  struct digest key;
  struct ledger_entry entry;
  struct text table, target, normal; /* normal: where it is to be stored */
  struct cache_writer *writer;       /* NULL where it is not stored */
  struct cache_hold *hold;           /* on what is stored, for readers that lag; likewise */
  struct cache_validator validator;  /* where there is one */
  atomic_llong saved;                /* chunks that the cache has taken; -1: it has failed */
  bool booked;                       /* the ledger holds a reservation */
  struct answer_cost cost;
};

static void settle(struct paid *paid);

/* --- the end, last step first --- */

static void conclude(struct paid *paid) {
  struct serve *serve = paid->serve;
  struct flight *flight = paid->flight;
  flights_remove(serve->flights, &paid->key, flight);
  flight_conclude(flight);
  flight_release(&flight);
  atomic_fetch_sub(&serve->paid, 1);
}

/* A settlement that could not be written is tried again by the ledger; the reservation stands until
 * then, so the client may have what was paid for. */
static void on_settled(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok)
    log_error(EVENT_settle, "request=%s reason=%s", paid->entry.request, LOG_VALUE(fault->text));
  conclude(paid);
}

/* A stranger's token that upstream did not take leaves nothing. */
static enum ledger_end end_of(const struct paid *paid, const struct answer_verdict *verdict,
                              int64_t results) {
  bool is_answer = verdict->outcome == ANSWER_COMPLETE && verdict->read;
  if (!paid->cost.is_known)
    return LEDGER_UNKNOWN;
  if (paid->entry.is_strangers && amount_is_zero(paid->cost.spent) && !results && !is_answer)
    return LEDGER_VOID;
  return LEDGER_SETTLED;
}

static void settle(struct paid *paid) {
  struct flight_state state;
  flight_look(paid->flight, &state);
  int64_t results = state.verdict.results > 0 ? state.verdict.results : 0;
  if (paid->booked)
    ledger_settle(paid->serve->ledger, &paid->entry, end_of(paid, &state.verdict, results), results,
                  paid->cost.spent, on_settled, paid);
  else
    conclude(paid);
}

static void on_published(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok) {
    log_warning(EVENT_store, "request=%s outcome=not-stored reason=%s", paid->entry.request,
                LOG_VALUE(fault->text));
    flight_storing_failed(paid->flight);
  }
  settle(paid);
}

/* Upstream does not ask what was reserved: what it may have charged is booked, and made known. */
static void warn_of_more(const struct paid *paid, const struct answer_verdict *verdict) {
  if (paid->kind != QUESTION_SUBSCRIPTION && verdict->results > paid->tariff.limit)
    log_warning(EVENT_count,
                "request=%s asked=%lld results=%lld reason=\"upstream announced or sent "
                "more results than were asked for\"",
                paid->entry.request, (long long)paid->tariff.limit, (long long)verdict->results);
}

/* What the end says of a client's token: upstream takes it, when an answer was read (not by any
 * page that comes with status 200); and what has spent can be reconciled. Nothing where a body may
 * have carried another token. */
static void note_token(struct paid *paid, const struct answer_verdict *verdict) {
  struct access *access = paid->serve->access;
  bool accepted = verdict->outcome == ANSWER_COMPLETE && verdict->read;
  if (paid->is_ours || paid->is_own_token || paid->kind == QUESTION_UNKNOWN)
    return;
  if (accepted)
    access_learn(access, &paid->entry.token, ACCESS_YES, paid->remember_yes);
  if (paid->told.secret.length && (accepted || !amount_is_zero(paid->cost.spent)))
    texts_keep(paid->serve->texts, &paid->entry.token, paid->told.secret);
}

/* What a check says is learnt before the flight leaves the table: whoever finds no flight finds the
 * verdict, and asks no second time. Also when its client has left. */
static void note_check(struct paid *paid, const struct flight_state *state) {
  struct access *access = paid->serve->access;
  const struct digest *token = &paid->entry.token;
  if (!paid->is_check)
    return;
  enum dialect_token word = paid->dialect->judge_token(&state->head, &state->verdict);
  if (word == DIALECT_TOKEN_ACCEPTED) {
    paid->verdict = ACCESS_YES;
    access_learn(access, token, ACCESS_YES, paid->remember_yes);
    if (paid->told.secret.length)
      texts_keep(paid->serve->texts, token, paid->told.secret);
  } else if (word == DIALECT_TOKEN_REFUSED) {
    paid->verdict = ACCESS_NO;
    access_learn(access, token, ACCESS_NO, paid->remember_no);
  }
  access_end_check(access, paid->lane, paid->verdict);
}

static void ended(void *context) {
  struct paid *paid = context;
  struct flight_state state;
  flight_look(paid->flight, &state);
  paid->cost = state.verdict.cost;
  warn_of_more(paid, &state.verdict);
  note_token(paid, &state.verdict);
  note_check(paid, &state);
  if (!paid->writer || !state.storing || state.verdict.outcome != ANSWER_COMPLETE ||
      mask_finds(&(struct mask){.secret = paid->told.secret}, view_of(state.head.content_type))) {
    cache_abandon(&paid->writer);
    settle(paid);
    return;
  }
  struct cache_result result = {.results = state.verdict.results,
                                .body_length = state.length,
                                .cost = paid->cost.once,
                                .answered_at = state.head.answered_at,
                                .content_type = state.head.content_type};
  cache_publish(&paid->writer, &result, on_published, paid);
}

/* --- while it arrives --- */

static void on_saved(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  if (!ok && atomic_exchange(&paid->saved, -1) >= 0)
    log_warning(EVENT_store, "request=%s outcome=not-stored reason=%s", paid->entry.request,
                LOG_VALUE(fault->text));
  /* Once it has failed, which may be told early (no memory), nothing after it counts as saved. */
  int64_t number = atomic_load(&paid->saved);
  bool saved = ok && number >= 0 &&
               atomic_compare_exchange_strong(&paid->saved, &(long long){number}, number + 1);
  struct flight *flight = paid->flight;
  if (saved)
    flight_chunk_saved(flight, number);
  else
    flight_storing_failed(flight);
  flight_release(&flight);
}

/* Chunks are handed on in their order, and told as saved in the same. The flight, which holds the
 * bytes, may be concluded as broken before that. */
static void chunk(void *context, int64_t number, struct view bytes) {
  (void)number;
  struct paid *paid = context;
  struct fault fault;
  flight_hold(paid->flight);
  if (mask_finds(&paid->told, bytes)) {
    fault_set(&fault, FAULT_UPSTREAM, "the answer repeats the token that it was asked with");
    on_saved(paid, false, &fault);
    return;
  }
  cache_append(paid->writer, bytes, on_saved, paid);
}

static void released(void *context) {
  struct paid *paid = context;
  cache_release(&paid->hold);
  transfer_ask_release(&paid->ask);
  explicit_bzero(paid->token, sizeof paid->token);
  text_free(&paid->table);
  text_free(&paid->target);
  text_free(&paid->normal);
  free(paid);
}

static const struct flight_owner owner = {.chunk = chunk, .ended = ended, .released = released};

/* --- the beginning: made, which does nothing yet --- */

static void fill_entry(struct paid *paid, const struct paid_order *order) {
  struct ledger_entry *entry = &paid->entry;
  memcpy(entry->request, order->id, sizeof entry->request);
  entry->token = *order->fingerprint;
  entry->key = paid->key;
  entry->table = text_view(&paid->table);
  entry->target = text_view(&paid->target);
  entry->most = tariff_most(&paid->tariff);
  entry->estimated = paid->tariff.estimated;
  entry->is_strangers = order->is_strangers;
}

/* What is shorter stands anywhere by chance, and what is longer is no token of Ahrefs'. */
static bool is_secret(struct view token) {
  return token.length >= TOKEN_TEXT_LEAST && token.length <= MASK_MOST;
}

static bool is_to_store(const struct paid_order *order) {
  return order->store && order->token.length <= MASK_MOST;
}

static void copy_order(struct paid *paid, const struct paid_order *order) {
  const struct settings *settings = order->settings;
  paid->serve = order->serve;
  paid->dialect = dialect_for(settings);
  paid->is_own_token = order->is_own_token;
  paid->is_ours = order->is_ours;
  paid->is_check = order->is_check;
  paid->has_spent = order->has_spent;
  paid->bounds = (struct access_bounds){.inflight = settings->checks_inflight,
                                        .per_minute = settings->checks_per_minute};
  paid->remember_yes = settings->remember_yes;
  paid->remember_no = settings->remember_no;
  paid->kind = order->question->kind;
  paid->tariff = paid->dialect->price(settings, order->question);
  paid->key = *order->key;
  if (is_secret(order->token)) {
    memcpy(paid->token, order->token.at, order->token.length);
    paid->told.secret = (struct view){paid->token, order->token.length};
  }
}

static bool copy_texts(struct paid *paid, const struct paid_order *order) {
  text_add(&paid->table, order->question->table);
  text_add(&paid->target, order->question->target);
  if (is_to_store(order))
    text_add(&paid->normal, order->normal);
  return text_ok(&paid->table) && text_ok(&paid->target) && text_ok(&paid->normal);
}

static bool fill(struct paid *paid, const struct paid_order *order, struct fault *fault) {
  copy_order(paid, order);
  paid->ask = transfer_ask_create(paid->dialect, order->question, order->settings, order->token,
                                  &paid->tariff, fault);
  if (!paid->ask)
    return false;
  if (!copy_texts(paid, order))
    return fault_no_memory(fault);
  fill_entry(paid, order);
  return true;
}

static struct paid *make(const struct paid_order *order, struct fault *fault) {
  struct paid *paid = calloc(1, sizeof *paid);
  if (!paid) {
    fault_no_memory(fault);
    return NULL;
  }
  if (fill(paid, order, fault))
    return paid;
  released(paid);
  return NULL;
}

/* Counted before looking: nothing begins once serve_drain() has seen that nothing is under way. */
static bool may_begin(struct serve *serve, struct fault *fault) {
  atomic_fetch_add(&serve->paid, 1);
  if (!atomic_load(&serve->draining))
    return true;
  atomic_fetch_sub(&serve->paid, 1);
  return fault_set(fault, FAULT_UNAVAILABLE, "rowcache is stopping; try again");
}

static struct flight *prepare(const struct paid_order *order, struct fault *fault) {
  struct paid *paid = make(order, fault);
  if (!paid)
    return NULL;
  struct flight *flight = flight_create(&owner, paid, is_to_store(order));
  if (!flight) {
    released(paid);
    fault_no_memory(fault);
    return NULL;
  }
  paid->flight = flight_hold(flight);
  if (order->unread)
    flight_keep(flight);
  return flight;
}

struct flight *paid_prepare(const struct paid_order *order, struct fault *fault) {
  if (!may_begin(order->serve, fault))
    return NULL;
  struct flight *flight = prepare(order, fault);
  if (!flight)
    atomic_fetch_sub(&order->serve->paid, 1);
  return flight;
}

void paid_withdraw(struct flight *flight) {
  struct paid *paid = flight_context(flight);
  flight_withdraw(flight);
  conclude(paid);
}

/* --- the beginning: sent --- */

static void refuse(struct paid *paid, const struct fault *fault) {
  struct amount nothing = amount_zero(paid->tariff.fixed.currency);
  paid->cost = (struct answer_cost){.spent = nothing, .once = nothing, .is_known = true};
  flight_refuse(paid->flight, fault);
  conclude(paid);
}

/* With a hold for readers that lag, which lasts beyond the writer's end. */
static bool begin_writer(struct paid *paid, const struct cache_subject *subject,
                         struct fault *fault) {
  if (!cache_begin(paid->serve->cache, subject, &paid->writer, fault))
    return false;
  paid->hold = cache_writer_hold(paid->writer);
  if (paid->hold)
    return true;
  cache_abandon(&paid->writer);
  return fault_no_memory(fault);
}

/* Storing is worth trying, but not worth failing for. */
static void begin_storing(struct paid *paid) {
  struct cache_subject subject = {paid->key, text_view(&paid->normal), text_view(&paid->target)};
  struct fault fault;
  if (!paid->normal.length)
    return;
  if (begin_writer(paid, &subject, &fault)) {
    paid->validator = cache_writer_validator(paid->writer);
    return;
  }
  log_warning(EVENT_store, "request=%s outcome=not-stored reason=%s", paid->entry.request,
              LOG_VALUE(fault.text));
  flight_storing_failed(paid->flight);
}

/* Nothing enters cache.db for a request that is not sent. */
static void on_reserved(void *context, bool ok, const struct fault *fault) {
  struct paid *paid = context;
  paid->booked = ok;
  if (!ok) {
    refuse(paid, fault);
    return;
  }
  begin_storing(paid);
  /* The reservation is for one send, and the budget holds no more. */
  if (paid->entry.has_budget)
    transfer_ask_once(paid->ask);
  transfer_submit(paid->serve->transfer, paid->flight, &paid->ask);
}

/* What costs nothing is not reserved; the number of checks is bounded. */
static void send_free(struct paid *paid) {
  struct fault fault;
  if (paid->is_check && !access_begin_check(paid->serve->access, &paid->entry.token,
                                            paid->has_spent, &paid->bounds, &paid->lane, &fault))
    refuse(paid, &fault);
  else
    transfer_submit(paid->serve->transfer, paid->flight, &paid->ask);
}

void paid_send(struct flight *flight) {
  struct paid *paid = flight_context(flight);
  if (paid->is_ours)
    send_free(paid);
  else
    ledger_reserve(paid->serve->ledger, &paid->entry, on_reserved, paid);
}

/* --- what readers ask --- */

static const struct paid *paid_of(const struct flight *flight) {
  return flight_context(flight);
}

struct answer_cost paid_cost(const struct flight *flight) {
  return paid_of(flight)->cost;
}

bool paid_is_booked(const struct flight *flight) {
  return paid_of(flight)->booked;
}

bool paid_is_by(const struct flight *flight, const struct digest *fingerprint) {
  return digest_equal(&paid_of(flight)->entry.token, fingerprint);
}

bool paid_asks_as(const struct flight *flight, const struct digest *fingerprint, bool is_issued) {
  bool is_own_token = paid_of(flight)->is_own_token;
  return is_own_token ? is_issued : paid_is_by(flight, fingerprint);
}

struct view paid_secret(const struct flight *flight, const struct digest *fingerprint) {
  const struct paid *paid = paid_of(flight);
  bool is_theirs = !paid->is_own_token && paid_is_by(flight, fingerprint);
  return is_theirs ? VIEW("") : paid->told.secret;
}

enum access_verdict paid_verdict(const struct flight *flight) {
  return paid_of(flight)->verdict;
}

const struct cache_hold *paid_hold(const struct flight *flight) {
  return paid_of(flight)->hold;
}

const struct cache_validator *paid_validator(const struct flight *flight) {
  return &paid_of(flight)->validator;
}

/* The beginning of a paid request: it is made, and does nothing yet. */
#include "paid/life.h"

#include "base/scope.h"
#include "query/call.h"
#include "query/likeness.h"

static void fill_request(struct paid *paid, const struct paid_order *order) {
  struct ledger_request *request = &paid->request;
  memcpy(request->id, order->id, sizeof request->id);
  request->token = *order->fingerprint;
  request->key = paid->key;
  request->table = text_view(&paid->table);
  request->target = text_view(&paid->target);
  request->most = tariff_most(&paid->tariff);
  request->estimated = paid->tariff.estimated;
  request->is_strangers = order->is_strangers;
  request->is_further = order->is_further;
  if (order->is_slice || order->is_whole)
    request->subject = order->subject;
  request->is_whole = order->is_whole;
  request->offer = order->offer;
  request->beside = order->beside;
}

static bool liken(const struct question *question, char alike[LEDGER_ALIKE_SIZE]) {
  _Static_assert(LIKENESS_SIZE <= LEDGER_ALIKE_SIZE, "the ledger keeps the name");
  return !question->call || question->call->endpoint || likeness_name(question, alike);
}

/* What is free has no entry in the ledger. Of a translated request each page has one. */
static bool make_entry(struct paid *paid) {
  if (paid->is_internal || paid->translated)
    return true;
  paid->entry = ledger_entry_create(&paid->request);
  return paid->entry != NULL;
}

/* A shorter text occurs in answers by chance, and no token of Ahrefs is longer. */
static bool is_secret(struct view token) {
  return token.length >= TOKEN_TEXT_LEAST && token.length <= TOKEN_TEXT_MOST;
}

static bool is_to_store(const struct paid_order *order) {
  return order->store && order->token.length <= TOKEN_TEXT_MOST;
}

static void copy_order(struct paid *paid, const struct paid_order *order) {
  const struct settings *settings = order->settings;
  paid->desk = order->desk;
  paid->dialect = dialect_for(settings);
  paid->is_own_token = order->is_own_token;
  paid->is_internal = order->is_internal;
  paid->is_check = order->is_check;
  paid->has_spent = order->has_spent;
  paid->bounds = (struct access_bounds){.inflight = settings->checks_inflight,
                                        .per_minute = settings->checks_per_minute};
  paid->remember_yes = settings->remember_yes;
  paid->remember_no = settings->remember_no;
  paid->kind = order->question->kind;
  paid->tariff = paid->dialect->price(settings, order->question);
  paid->max_rows = settings->max_rows;
  paid->sent = order->is_own_token ? ledger_fingerprint(order->desk->rooms.ledger, order->token)
                                   : *order->fingerprint;
  paid->key = *order->key;
  paid->flight_key = order->flight_key ? *order->flight_key : *order->key;
  if (order->question->form == QUERY_JSON) /* of no other form are answers derived */
    paid->subject = order->subject;
  paid->conditions = order->conditions;
  if (is_secret(order->token)) {
    memcpy(paid->token, order->token.at, order->token.length);
    paid->repeated.secret = (struct view){paid->token, order->token.length};
  }
}

static bool copy_texts(struct paid *paid, const struct paid_order *order) {
  text_add(&paid->table, order->question->table);
  text_add(&paid->target, order->question->target);
  if (is_to_store(order))
    text_add(&paid->normal, order->normal);
  return text_ok(&paid->table) && text_ok(&paid->target) && text_ok(&paid->normal);
}

static bool make_ask(struct paid *paid, const struct paid_order *order, struct fault *fault) {
  paid->ask = transfer_ask_create(paid->dialect, order->question, order->settings, order->token,
                                  &paid->tariff, fault);
  return paid->ask != NULL;
}

static bool fill(struct paid *paid, const struct paid_order *order, struct fault *fault) {
  copy_order(paid, order);
  if (!(order->translated ? translated_create(paid, order, &paid->translated, fault)
                          : make_ask(paid, order, fault)))
    return false;
  if (!copy_texts(paid, order))
    return fault_no_memory(fault);
  fill_request(paid, order);
  if (!liken(order->question, paid->request.alike) || !make_entry(paid))
    return fault_no_memory(fault);
  paid_prepare_plan(paid, order);
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
  paid_free(paid);
  return NULL;
}

static struct flight *prepare(const struct paid_order *order, struct fault *fault) {
  struct paid *paid = make(order, fault);
  if (!paid)
    return NULL;
  struct flight *flight = flight_create(&paid_owner, paid, is_to_store(order));
  if (!flight) {
    paid_end_plan(paid, false);
    paid_free(paid);
    fault_no_memory(fault);
    return NULL;
  }
  paid->flight = flight_hold(flight);
  if (order->unread)
    flight_keep(flight);
  return flight;
}

struct flight *paid_prepare(const struct paid_order *order, struct fault *fault) {
  if (!paid_desk_begin(order->desk, order->is_page, fault))
    return NULL;
  struct flight *flight = prepare(order, fault);
  if (!flight)
    paid_desk_end(order->desk);
  return flight;
}

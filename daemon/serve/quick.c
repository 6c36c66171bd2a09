#include "serve/quick.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/shard.h"
#include "base/token_text.h"
#include "dialect/dialect.h"
#include "serve/memo.h"
#include "serve/ready.h"

#include <pthread.h>

struct quick {
  struct quick_shard {
    SHARD_ALIGNED pthread_mutex_t lock;
    struct memo memo;
  } shards[SHARDS];
};

struct quick *quick_create(void) {
  struct quick *quick = shard_alloc(sizeof *quick);
  for (int i = 0; quick && i < SHARDS; i++)
    pthread_mutex_init(&quick->shards[i].lock, NULL);
  return quick;
}

void quick_release(struct quick **address) {
  struct quick *quick = steal(*address);
  for (int i = 0; quick && i < SHARDS; i++) {
    memo_clear(&quick->shards[i].memo);
    pthread_mutex_destroy(&quick->shards[i].lock);
  }
  free(quick);
}

static struct quick_shard *lock_shard(const struct serve *serve) {
  struct quick_shard *shard = &serve->quick->shards[shard_of_thread()];
  pthread_mutex_lock(&shard->lock);
  return shard;
}

/* --- a visit that was answered quickly --- */

struct quick_visit {
  struct visit visit;
  struct serve *serve;
  struct cache_hot *hot; /* one reference: the reply has its bytes */
  int64_t began;         /* clock_monotonic() */
};

static void finish(struct visit *visit) {
  struct quick_visit *quick = (struct quick_visit *)visit;
  enum outcome outcome = cache_hot_entry(quick->hot)->is_derived ? OUTCOME_DERIVED : OUTCOME_HIT;
  counters_add(quick->serve->rooms.counters, outcome, clock_monotonic() - quick->began);
  cache_hot_release(&quick->hot);
  serve_leave(quick->serve);
  free(quick);
}

static bool begin_visit(struct serve *serve, struct exchange *exchange, struct cache_hot *hot) {
  struct quick_visit *quick = malloc(sizeof *quick);
  if (!quick)
    return false;
  *quick = (struct quick_visit){{finish}, serve, cache_hot_hold(hot), exchange_began(exchange)};
  serve_enter(serve);
  exchange_set_data(exchange, quick);
  return true;
}

/* --- the request --- */

/* The fields of a head that may change the answer, or forbid one from the store. */
#define UNUSUAL (EXCHANGE_CACHE_CONTROL | EXCHANGE_IF_NONE_MATCH)

static bool is_plain(const struct serve *serve, struct exchange *exchange) {
  return view_is(exchange_method(exchange), "GET") && !exchange_has(exchange, UNUSUAL) &&
         exchange_fault(exchange)->kind == FAULT_NONE && !serve_is_draining(serve) &&
         exchange_may_be_ready(exchange);
}

static bool read_spelling(const struct exchange *exchange, struct spelling *spelling) {
  struct view authorization = exchange_has(exchange, EXCHANGE_AUTHORIZATION)
                                  ? exchange_header(exchange, "Authorization")
                                  : VIEW("");
  return spelling_read(exchange_uri(exchange), authorization, spelling);
}

/* --- the decision --- */

struct asker {
  struct digest fingerprint;
  struct token_facts facts;
  enum plan_standing standing;
};

static void look_at_token(struct serve *serve, const struct settings *settings, struct view token,
                          struct asker *asker) {
  asker->fingerprint = ledger_fingerprint(serve->rooms.ledger, token);
  const struct inquiry inquiry = {
      .serve = serve, .settings = settings, .fingerprint = &asker->fingerprint};
  asker->standing = facts_standing(&inquiry, &asker->facts);
}

/* What the steps decide about the same request: only a fresh result is served quickly. */
static struct plan decide(const struct settings *settings, const struct asker *asker,
                          const struct cache_entry *entry, int64_t now) {
  const struct plan_facts facts = {.standing = asker->standing,
                                   .is_issued = asker->facts.kind == TOKEN_ISSUED,
                                   .has_budget = asker->facts.has_budget,
                                   .cacheable = true,
                                   .wish = WISH_NONE,
                                   .stored = true,
                                   .age = age_at(entry->answered_at, now),
                                   .ttl = settings->ttl};
  return plan_decide(&facts);
}

static bool is_hit(const struct plan *plan) {
  return plan->action == PLAN_HIT && plan->freshness > 0;
}

/* --- the answer --- */

static void count(struct serve *serve, const struct settings *settings, const struct asker *asker,
                  const struct memo_meaning *meaning, struct cache_hot *hot) {
  const struct cache_entry *entry = cache_hot_entry(hot);
  static const struct digest nobody;
  const struct inquiry inquiry = {
      .serve = serve, .settings = settings, .fingerprint = &asker->fingerprint};
  bool is_strangers = facts_is_strangers(&inquiry, &asker->facts);
  cache_hot_count_hit(serve->rooms.cache, hot, entry->cost);
  ledger_count(serve->rooms.ledger, is_strangers ? &nobody : &asker->fingerprint, meaning->target,
               LEDGER_HIT, entry->cost);
}

static bool reply(struct serve *serve, struct exchange *exchange, const struct settings *settings,
                  const struct asker *asker, const struct memo_meaning *meaning,
                  struct cache_hot *hot) {
  const struct cache_entry *entry = cache_hot_entry(hot);
  int64_t now = clock_seconds();
  if (!facts_may_serve(settings, entry))
    return false;
  struct plan plan = decide(settings, asker, entry, now);
  if (!is_hit(&plan))
    return false;
  struct exchange_ready *ready =
      ready_reply(serve->rooms.cache, hot,
                  &(struct ready_order){.now = now,
                                        .freshness = plan.freshness,
                                        .output = meaning->output,
                                        .is_call = meaning->is_call,
                                        .is_gzip = exchange_takes_gzip(exchange)});
  if (!ready || !begin_visit(serve, exchange, hot)) {
    exchange_ready_release(&ready);
    return false;
  }
  count(serve, settings, asker, meaning, hot);
  exchange_reply_ready(exchange, &ready);
  return true;
}

static bool answer(struct serve *serve, struct exchange *exchange, struct quick_shard *shard,
                   const struct settings *settings, const struct spelling *spelling) {
  const struct memo_meaning *meaning = memo_find(&shard->memo, spelling);
  struct cache_hot *hot = meaning ? cache_hot_find(serve->rooms.cache, &meaning->key) : NULL;
  struct asker asker;
  if (!hot)
    return false;
  look_at_token(serve, settings, spelling->token, &asker);
  bool answered = reply(serve, exchange, settings, &asker, meaning, hot);
  cache_hot_release(&hot);
  return answered;
}

bool quick_answer(struct serve *serve, struct exchange *exchange) {
  struct spelling spelling;
  if (!is_plain(serve, exchange) || !read_spelling(exchange, &spelling))
    return false;
  struct settings *settings = current_settings(serve->rooms.current);
  struct quick_shard *shard = lock_shard(serve);
  bool answered = settings->log_requests != LOG_REQUESTS_ALL &&
                  answer(serve, exchange, shard, settings, &spelling);
  pthread_mutex_unlock(&shard->lock);
  settings_release(&settings);
  return answered;
}

void quick_learn(const struct request *request) {
  struct spelling spelling;
  char digits[TOKEN_TEXT_DIGITS];
  if (!view_is(exchange_method(request->exchange), "GET") || request->has_foreign_body ||
      !read_spelling(request->exchange, &spelling) ||
      !view_equal(token_text(spelling.token, digits), query_token(request->query)))
    return;
  const struct memo_meaning meaning = {.key = *query_key(request->query),
                                       .target = query_target_text(request->query),
                                       .output = query_output(request->query),
                                       .is_call = request->is_call};
  struct quick_shard *shard = lock_shard(request->serve);
  memo_learn(&shard->memo, &spelling, &meaning);
  pthread_mutex_unlock(&shard->lock);
}

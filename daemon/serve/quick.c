#include "serve/quick.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/shard.h"
#include "base/token_text.h"
#include "dialect/dialect.h"
#include "serve/asker.h"
#include "serve/memo.h"
#include "serve/ready.h"

#include <pthread.h>

struct quick {
  struct quick_shard {
    SHARD_ALIGNED pthread_mutex_t lock;
    struct settings *settings; /* one reference; NULL: none yet */
    uint64_t generation;       /* when they were taken */
    struct memo memo;
    struct askers askers;
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
    askers_wipe(&quick->shards[i].askers);
    settings_release(&quick->shards[i].settings);
    pthread_mutex_destroy(&quick->shards[i].lock);
  }
  free(quick);
}

static struct quick_shard *lock_shard(const struct serve *serve) {
  struct quick_shard *shard = &serve->quick->shards[shard_of_thread()];
  pthread_mutex_lock(&shard->lock);
  return shard;
}

/* The settings in force, as long as the shard is locked. Mostly those of the last time: all threads
 * count the references to them. */
static const struct settings *settings_of(const struct serve *serve, struct quick_shard *shard) {
  struct current *current = serve->rooms.current;
  uint64_t generation = current_generation(current);
  if (!shard->settings || shard->generation != generation) {
    settings_release(&shard->settings);
    shard->settings = current_settings(current);
    shard->generation = generation;
  }
  return shard->settings;
}

struct exchange_limits quick_limits(const struct serve *serve) {
  struct quick_shard *shard = lock_shard(serve);
  const struct settings *settings = settings_of(serve, shard);
  struct exchange_limits limits = {.head = {.uri = (size_t)settings->max_uri,
                                            .headers = (size_t)settings->max_headers,
                                            .count = (size_t)settings->max_header_count},
                                   .body = (size_t)settings->max_body,
                                   .bodies = (size_t)settings->max_bodies,
                                   .kept = (size_t)settings->max_kept};
  pthread_mutex_unlock(&shard->lock);
  return limits;
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

/* --- the request --- */

/* The fields of a head that may change the answer, or forbid one from the store; or announce a body,
 * for which the client may take its time, while the quick answer counts from the head. */
#define UNUSUAL (EXCHANGE_CACHE_CONTROL | EXCHANGE_IF_NONE_MATCH | EXCHANGE_BODY)

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

/* What the request is answered by. */
struct occasion {
  struct serve *serve;
  struct exchange *exchange;
  const struct settings *settings;
  const struct asker *asker;
  enum plan_standing standing; /* of the asker */
  struct memo_meaning *meaning;
  struct cache_hot *hot;
  int64_t now; /* seconds since 1970 */
};

/* What the steps decide about the same request. */
static struct plan decide(const struct occasion *occasion) {
  const struct token_facts *token = &occasion->asker->facts;
  const struct cache_entry *entry = cache_hot_entry(occasion->hot);
  const struct plan_facts facts = {.standing = occasion->standing,
                                   .is_issued = token->kind == TOKEN_ISSUED,
                                   .has_budget = token->has_budget,
                                   .cacheable = true,
                                   .wish = WISH_NONE,
                                   .stored = true,
                                   .age = age_at(entry->answered_at, occasion->now),
                                   .ttl = occasion->settings->ttl};
  return plan_decide(&facts);
}

/* A request that is one too many is refused by the steps. */
static bool is_in_rate(const struct occasion *occasion) {
  int64_t most = occasion->settings->requests_per_second, wait;
  return !most || rate_take(occasion->serve->rooms.rates, &occasion->asker->fingerprint, most,
                            exchange_began(occasion->exchange), &wait);
}

/* Only a fresh result that goes out in one piece is served quickly. */
static bool is_hit(const struct occasion *occasion, int64_t *freshness) {
  if (!ready_is_short(occasion->hot) ||
      !facts_may_serve(occasion->settings, cache_hot_entry(occasion->hot)))
    return false;
  struct plan plan = decide(occasion);
  *freshness = plan.freshness;
  return plan.action == PLAN_HIT && plan.freshness > 0;
}

/* --- the answer --- */

static void begin_visit(const struct occasion *occasion, struct quick_visit *visit) {
  *visit = (struct quick_visit){
      {finish}, occasion->serve, cache_hot_hold(occasion->hot), exchange_began(occasion->exchange)};
  serve_enter(occasion->serve);
  exchange_set_data(occasion->exchange, visit);
}

static void count(const struct occasion *occasion) {
  static const struct digest nobody;
  const struct inquiry inquiry = {.serve = occasion->serve,
                                  .settings = occasion->settings,
                                  .fingerprint = &occasion->asker->fingerprint};
  struct amount saved = cache_hot_entry(occasion->hot)->cost;
  bool is_strangers = facts_is_strangers(&inquiry, &occasion->asker->facts);
  cache_hot_count_hit(occasion->serve->rooms.cache, occasion->hot);
  ledger_count_hit(occasion->serve->rooms.ledger,
                   is_strangers ? &nobody : &occasion->asker->fingerprint,
                   occasion->meaning->target, &occasion->meaning->spot, saved);
}

static struct exchange_ready *make_ready(const struct occasion *occasion, int64_t freshness) {
  const struct ready_order order = {.now = occasion->now,
                                    .freshness = freshness,
                                    .output = occasion->meaning->output,
                                    .is_call = occasion->meaning->is_call,
                                    .is_gzip = exchange_takes_gzip(occasion->exchange)};
  return ready_reply(occasion->serve->rooms.cache, occasion->hot, &order);
}

static bool reply(const struct occasion *occasion) {
  int64_t freshness;
  if (!is_hit(occasion, &freshness))
    return false;
  struct exchange_ready *ready = make_ready(occasion, freshness);
  struct quick_visit *visit = ready ? malloc(sizeof *visit) : NULL;
  if (!visit || !is_in_rate(occasion)) {
    free(visit);
    exchange_ready_release(&ready);
    return false;
  }
  begin_visit(occasion, visit);
  count(occasion);
  exchange_reply_ready(occasion->exchange, &ready);
  return true;
}

static bool answer(struct occasion *occasion, struct quick_shard *shard,
                   const struct spelling *spelling) {
  struct serve *serve = occasion->serve;
  occasion->hot = cache_hot_find(serve->rooms.cache, &occasion->meaning->key);
  if (!occasion->hot)
    return false;
  const struct inquiry inquiry = {.serve = serve, .settings = occasion->settings};
  occasion->asker = asker_find(&shard->askers, &inquiry, spelling->token,
                               exchange_began(occasion->exchange), &occasion->standing);
  occasion->now = clock_seconds();
  bool answered = reply(occasion);
  cache_hot_release(&occasion->hot);
  return answered;
}

/* What another thread has learnt: each need not do the work for itself. */
static bool ask_others(const struct serve *serve, const struct spelling *spelling,
                       struct memo_meaning *meaning, char target[SPELLING_MOST]) {
  const struct memo_meaning *found = NULL;
  for (int i = 0; i < SHARDS && !found; i++) {
    struct quick_shard *shard = &serve->quick->shards[i];
    pthread_mutex_lock(&shard->lock);
    found = memo_find(&shard->memo, spelling);
    if (found && found->target.length <= SPELLING_MOST) {
      *meaning = *found;
      meaning->target.at = memcpy(target, found->target.at, found->target.length);
    } else {
      found = NULL;
    }
    pthread_mutex_unlock(&shard->lock);
  }
  return found;
}

/* Locks the thread's shard, and finds the meaning there. NULL: it is not known; nothing is locked. */
static struct quick_shard *lock_meaning(const struct serve *serve, const struct spelling *spelling,
                                        struct memo_meaning **meaning) {
  struct quick_shard *shard = lock_shard(serve);
  struct memo_meaning others;
  char target[SPELLING_MOST];
  if ((*meaning = memo_find(&shard->memo, spelling)))
    return shard;
  pthread_mutex_unlock(&shard->lock);
  if (!ask_others(serve, spelling, &others, target))
    return NULL;
  pthread_mutex_lock(&shard->lock);
  memo_learn(&shard->memo, spelling, &others);
  if ((*meaning = memo_find(&shard->memo, spelling)))
    return shard;
  pthread_mutex_unlock(&shard->lock);
  return NULL;
}

bool quick_answer(struct serve *serve, struct exchange *exchange) {
  struct spelling spelling;
  struct occasion occasion = {.serve = serve, .exchange = exchange};
  if (!is_plain(serve, exchange) || !read_spelling(exchange, &spelling) ||
      spelling.token.length > ASKER_TEXT_MOST)
    return false;
  struct quick_shard *shard = lock_meaning(serve, &spelling, &occasion.meaning);
  if (!shard)
    return false;
  occasion.settings = settings_of(serve, shard);
  bool answered =
      occasion.settings->log_requests != LOG_REQUESTS_ALL && answer(&occasion, shard, &spelling);
  pthread_mutex_unlock(&shard->lock);
  return answered;
}

/* True if what was cut out is the token that the query has. */
static bool is_of(const struct spelling *spelling, const struct query *query) {
  char digits[TOKEN_TEXT_DIGITS];
  bool same = view_equal(token_text(spelling->token, digits), query_token(query));
  explicit_bzero(digits, sizeof digits);
  return same;
}

void quick_learn(const struct request *request) {
  struct spelling spelling;
  if (!view_is(exchange_method(request->exchange), "GET") || request->has_foreign_body ||
      !read_spelling(request->exchange, &spelling) || !is_of(&spelling, request->query))
    return;
  const struct memo_meaning meaning = {.key = *query_key(request->query),
                                       .target = query_target_text(request->query),
                                       .output = request->is_call ? QUERY_JSON
                                                                  : query_output(request->query),
                                       .is_call = request->is_call};
  struct quick_shard *shard = lock_shard(request->serve);
  memo_learn(&shard->memo, &spelling, &meaning);
  pthread_mutex_unlock(&shard->lock);
}

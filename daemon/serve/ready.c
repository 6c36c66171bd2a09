#include "serve/ready.h"

#include "base/scope.h"
#include "base/text.h"
#include "http/gzip.h"
#include "serve/headers.h"
#include "serve/stored_head.h"

#include <pthread.h>

struct kept {
  struct cache_extra extra; /* first: the cache releases this */
  pthread_mutex_t lock;     /* of all below */
  bool has_tried_gzip;
  struct text gzip; /* empty: none is kept */
  struct moment {
    int64_t now, freshness; /* for which the reply was made */
    struct exchange_ready *reply;
  } moments[2]; /* of the body as it is; as gzip */
};

static void release(struct cache_extra *extra) {
  struct kept *kept = (struct kept *)extra;
  exchange_ready_release(&kept->moments[0].reply);
  exchange_ready_release(&kept->moments[1].reply);
  text_free(&kept->gzip);
  pthread_mutex_destroy(&kept->lock);
  free(kept);
}

static struct kept *make(struct cache_hot *hot) {
  struct kept *kept = calloc(1, sizeof *kept);
  if (!kept)
    return NULL;
  kept->extra.release = release;
  pthread_mutex_init(&kept->lock, NULL);
  struct cache_extra *present = cache_hot_set_extra(hot, &kept->extra);
  if (present != &kept->extra)
    release(&kept->extra);
  return (struct kept *)present;
}

/* NULL: no memory. */
static struct kept *kept_with(struct cache_hot *hot) {
  struct cache_extra *extra = cache_hot_extra(hot);
  return extra ? (struct kept *)extra : make(hot);
}

bool ready_is_short(const struct cache_hot *hot) {
  return cache_hot_entry(hot)->body_length <= READY_MOST;
}

/* --- gzip: under the lock --- */

static void make_gzip(struct cache *cache, struct cache_hot *hot, struct kept *kept) {
  struct view body = cache_hot_body(hot);
  if (kept->has_tried_gzip || !body.length || !ready_is_short(hot))
    return;
  kept->has_tried_gzip = true;
  gzip_text(body, &kept->gzip);
  if (!text_ok(&kept->gzip) || !cache_hot_grow(cache, hot, kept->gzip.capacity))
    text_free(&kept->gzip);
}

struct view ready_gzip(struct cache *cache, struct cache_hot *hot) {
  struct kept *kept = kept_with(hot);
  if (!kept)
    return VIEW("");
  pthread_mutex_lock(&kept->lock);
  make_gzip(cache, hot, kept);
  struct view gzip = text_view(&kept->gzip);
  pthread_mutex_unlock(&kept->lock);
  return gzip;
}

/* --- replies: under the lock --- */

static void add_head(const struct cache_hot *hot, const struct ready_order *order,
                     struct exchange_ready *reply) {
  const struct cache_entry *entry = cache_hot_entry(hot);
  const struct amount nothing = amount_zero(entry->cost.currency);
  scope_text struct text cache_status = {0};
  struct stored_head head;
  headers_hit(order->freshness, entry->is_derived, &cache_status);
  stored_head(&(struct stored_facts){.entry = entry,
                                     .cache_status = text_string(&cache_status),
                                     .age = order->now - entry->answered_at,
                                     .spent = &nothing,
                                     .saved = entry->cost,
                                     .output = order->output,
                                     .is_call = order->is_call,
                                     .is_gzip = order->is_gzip},
              &head);
  for (size_t i = 0; i < head.count; i++)
    exchange_ready_add_header(reply, head.lines[i].name, head.lines[i].value);
}

static void make_reply(const struct cache_hot *hot, const struct kept *kept,
                       const struct ready_order *order, struct moment *moment) {
  struct view bytes = order->is_gzip ? text_view(&kept->gzip) : cache_hot_body(hot);
  exchange_ready_release(&moment->reply);
  moment->now = order->now;
  moment->freshness = order->freshness;
  moment->reply =
      exchange_ready_create(200, bytes, order->is_gzip ? EXCHANGE_GZIP : EXCHANGE_IDENTITY, true);
  if (moment->reply)
    add_head(hot, order, moment->reply);
  if (moment->reply && !exchange_ready_ok(moment->reply))
    exchange_ready_release(&moment->reply);
}

static struct exchange_ready *reply_of(struct cache *cache, struct cache_hot *hot,
                                       struct kept *kept, const struct ready_order *order) {
  struct moment *moment = &kept->moments[order->is_gzip];
  if (order->is_gzip)
    make_gzip(cache, hot, kept);
  if (order->is_gzip && !kept->gzip.length)
    return NULL;
  if (!moment->reply || moment->now != order->now || moment->freshness != order->freshness)
    make_reply(hot, kept, order, moment);
  return moment->reply ? exchange_ready_hold(moment->reply) : NULL;
}

struct exchange_ready *ready_reply(struct cache *cache, struct cache_hot *hot,
                                   const struct ready_order *order) {
  struct kept *kept = kept_with(hot);
  if (!kept)
    return NULL;
  pthread_mutex_lock(&kept->lock);
  struct exchange_ready *reply = reply_of(cache, hot, kept, order);
  pthread_mutex_unlock(&kept->lock);
  return reply;
}

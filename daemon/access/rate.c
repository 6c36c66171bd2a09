#include "access/rate.h"

#include "base/log.h"
#include "base/rarely.h"
#include "base/scope.h"
#include "base/shard.h"

#include <pthread.h>

#define SECOND INT64_C(1000000000)

/* A token has its place in one of the sets of one of the shards: 16,384 places in all. Fingerprints
 * are keyed digests, so nobody can choose one that goes to a certain set. */
#define SETS 128
#define PLACES 8

struct bucket {
  struct digest fingerprint;
  int64_t full_at; /* nanoseconds: when all that was taken will have come back; 0: unused */
};

struct set {
  struct bucket places[PLACES];
};

struct rates {
  struct {
    SHARD_ALIGNED pthread_mutex_t lock;
  } shards[SHARDS];
  struct set *sets; /* SETS of each shard; pages that are never used take no memory */
  struct rarely refused;
};

struct rates *rates_create(void) {
  struct rates *rates = shard_alloc(sizeof *rates);
  struct set *sets = calloc((size_t)SHARDS * SETS, sizeof *sets);
  if (!rates || !sets) {
    free(rates);
    free(sets);
    return NULL;
  }
  rates->sets = sets;
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_init(&rates->shards[i].lock, NULL);
  return rates;
}

void rates_release(struct rates **address) {
  struct rates *rates = steal(*address);
  if (!rates)
    return;
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_destroy(&rates->shards[i].lock);
  free(rates->sets);
  free(rates);
}

/* The token's bucket, or, for a new token, the one of the set that is full the earliest. */
static struct bucket *find(struct set *set, const struct digest *fingerprint) {
  struct bucket *fullest = set->places;
  for (struct bucket *bucket = set->places; bucket < set->places + PLACES; bucket++) {
    if (digest_equal(&bucket->fingerprint, fingerprint))
      return bucket;
    if (bucket->full_at < fullest->full_at)
      fullest = bucket;
  }
  *fullest = (struct bucket){.fingerprint = *fingerprint};
  return fullest;
}

/* Each request takes its part of a second's worth, which comes back within that part of a second. */
static bool take(struct bucket *bucket, int64_t per_second, int64_t now, int64_t *retry_after) {
  int64_t full_at = bucket->full_at > now ? bucket->full_at : now;
  int64_t after = full_at + SECOND / per_second;
  if (after - now > SECOND) {
    *retry_after = (after - now - 1) / SECOND;
    return false;
  }
  bucket->full_at = after;
  return true;
}

bool rate_take(struct rates *rates, const struct digest *fingerprint, int64_t per_second,
               int64_t now, int64_t *retry_after) {
  size_t shard = fingerprint->bytes[0] % SHARDS;
  struct set *set = &rates->sets[shard * SETS + fingerprint->bytes[1] % SETS];
  pthread_mutex_lock(&rates->shards[shard].lock);
  bool taken = take(find(set, fingerprint), per_second, now, retry_after);
  pthread_mutex_unlock(&rates->shards[shard].lock);
  return taken;
}

void rates_note_refusal(struct rates *rates, const char *label, int64_t now) {
  int64_t count = rarely_count(&rates->refused, now);
  if (count)
    log_warning(EVENT_rate, "requests=%lld token=%s", (long long)count, label);
}

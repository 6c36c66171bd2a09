#include "access/access.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/token_text.h"

#include <pthread.h>
#include <stdatomic.h>
/* Lack of memory forgets, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct remembered {
  struct digest fingerprint;
  int64_t until; /* clock_monotonic() */
  UT_hash_handle hh;
};

struct lane {
  struct pace pace;
  int64_t inflight;
};

struct access {
  atomic_ullong generation;
  pthread_mutex_t lock;
  /* Each in the order of learning. Fingerprints are keyed digests, so nobody can choose one that
   * collides. A token is in one of the two at most, and stays there when its time is over. */
  struct remembered *accepted, *refused;
  struct lane lanes[ACCESS_LANES];
  int64_t counts[ACCESS_RESULTS];
};

struct access *access_create(void) {
  struct access *access = calloc(1, sizeof *access);
  if (access)
    pthread_mutex_init(&access->lock, NULL);
  return access;
}

/* --- verdicts; under the lock --- */

static struct remembered *find(struct remembered *table, const struct digest *fingerprint) {
  struct remembered *remembered;
  HASH_FIND(hh, table, fingerprint, sizeof *fingerprint, remembered);
  return remembered;
}

/* 0: there is none. */
static int64_t end_of(struct remembered *table, const struct digest *fingerprint) {
  struct remembered *remembered = find(table, fingerprint);
  return remembered ? remembered->until : 0;
}

static void forget(struct remembered **table, struct remembered *remembered) {
  if (!remembered)
    return;
  HASH_DEL(*table, remembered);
  free(remembered);
}

static void remember(struct remembered **table, const struct digest *fingerprint, int64_t seconds) {
  if (HASH_COUNT(*table) >= ACCESS_REMEMBERED)
    forget(table, *table);
  struct remembered *remembered = calloc(1, sizeof *remembered);
  if (!remembered)
    return;
  remembered->fingerprint = *fingerprint;
  remembered->until = clock_monotonic() + seconds * CLOCK_SECOND;
  HASH_ADD(hh, *table, fingerprint, sizeof remembered->fingerprint, remembered);
  if (!remembered->hh.tbl)
    free(remembered);
}

void access_release(struct access **address) {
  struct access *access = steal(*address);
  if (!access)
    return;
  while (access->accepted)
    forget(&access->accepted, access->accepted);
  while (access->refused)
    forget(&access->refused, access->refused);
  pthread_mutex_destroy(&access->lock);
  free(access);
}

enum access_verdict access_find_until(struct access *access, const struct digest *fingerprint,
                                      int64_t *until) {
  pthread_mutex_lock(&access->lock);
  int64_t accepted = end_of(access->accepted, fingerprint);
  int64_t refused = accepted ? 0 : end_of(access->refused, fingerprint);
  pthread_mutex_unlock(&access->lock);
  *until = accepted + refused; /* one of them at most */
  if (*until <= clock_monotonic())
    return ACCESS_UNKNOWN;
  return accepted ? ACCESS_YES : ACCESS_NO;
}

enum access_verdict access_find(struct access *access, const struct digest *fingerprint) {
  return access_find_until(access, fingerprint, &(int64_t){0});
}

uint64_t access_generation(const struct access *access) {
  return atomic_load(&access->generation);
}

void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds) {
  CHECK(verdict != ACCESS_UNKNOWN);
  pthread_mutex_lock(&access->lock);
  int64_t before = end_of(access->accepted, fingerprint);
  /* A token that is learnt again moves to the end. */
  forget(&access->accepted, find(access->accepted, fingerprint));
  forget(&access->refused, find(access->refused, fingerprint));
  remember(verdict == ACCESS_YES ? &access->accepted : &access->refused, fingerprint, seconds);
  if (verdict == ACCESS_NO || end_of(access->accepted, fingerprint) < before)
    atomic_fetch_add(&access->generation, 1);
  pthread_mutex_unlock(&access->lock);
}

/* --- checks --- */

/* Seconds until another check may begin; 0: now. Under the lock. If too many are under way: 1, as
 * nobody knows when one ends. */
static int64_t wait_of(const struct lane *lane, const struct access_bounds *bounds, int64_t now) {
  int64_t wait = pace_wait(&lane->pace, bounds->per_minute, now);
  return wait == 0 && lane->inflight >= bounds->inflight ? 1 : wait;
}

static void begin(struct access *access, struct lane *lane, int64_t now, int64_t wait) {
  if (wait) {
    access->counts[ACCESS_PUT_OFF]++;
    return;
  }
  pace_begin(&lane->pace, now);
  lane->inflight++;
}

bool access_begin_check(struct access *access, const struct digest *fingerprint, bool has_spent,
                        const struct access_bounds *bounds, enum access_lane *lane,
                        struct fault *fault) {
  pthread_mutex_lock(&access->lock);
  int64_t now = clock_monotonic();
  bool returns = has_spent || find(access->accepted, fingerprint);
  *lane = returns ? ACCESS_RETURNING : ACCESS_STRANGERS;
  int64_t wait = wait_of(&access->lanes[*lane], bounds, now);
  begin(access, &access->lanes[*lane], now, wait);
  pthread_mutex_unlock(&access->lock);
  if (!wait)
    return true;
  fault_set(fault, FAULT_TOO_MANY,
            "this token is not known here, and too many such tokens are being checked upstream: "
            "try again later, or have whoever runs rowcache register it, which needs no check");
  fault->retry_after = wait;
  return false;
}

void access_end_check(struct access *access, enum access_lane lane, enum access_verdict verdict) {
  static const enum access_result results[] = {[ACCESS_UNKNOWN] = ACCESS_FAILED,
                                               [ACCESS_YES] = ACCESS_ACCEPTED,
                                               [ACCESS_NO] = ACCESS_REFUSED};
  pthread_mutex_lock(&access->lock);
  access->lanes[lane].inflight--;
  access->counts[results[verdict]]++;
  pthread_mutex_unlock(&access->lock);
}

void access_count(struct access *access, int64_t counts[ACCESS_RESULTS]) {
  pthread_mutex_lock(&access->lock);
  memcpy(counts, access->counts, sizeof access->counts);
  pthread_mutex_unlock(&access->lock);
}

#include "serve/access.h"

#include "base/clock.h"
#include "base/scope.h"

#include <pthread.h>
/* Lack of memory forgets, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct remembered {
  struct digest fingerprint;
  enum access_verdict verdict;
  int64_t until; /* clock_monotonic() */
  UT_hash_handle hh;
};

struct access {
  pthread_mutex_t lock;
  struct remembered *table; /* in the order in which they were learnt; fingerprints are keyed */
};

struct access *access_create(void) {
  struct access *access = calloc(1, sizeof *access);
  if (access)
    pthread_mutex_init(&access->lock, NULL);
  return access;
}

static void forget(struct access *access, struct remembered *remembered) {
  HASH_DEL(access->table, remembered);
  free(remembered);
}

void access_release(struct access **address) {
  struct access *access = steal(*address);
  if (!access)
    return;
  while (access->table)
    forget(access, access->table);
  pthread_mutex_destroy(&access->lock);
  free(access);
}

static struct remembered *find(struct access *access, const struct digest *fingerprint) {
  struct remembered *remembered;
  HASH_FIND(hh, access->table, fingerprint, sizeof *fingerprint, remembered);
  return remembered;
}

enum access_verdict access_look(struct access *access, const struct digest *fingerprint) {
  enum access_verdict verdict = ACCESS_UNKNOWN;
  pthread_mutex_lock(&access->lock);
  struct remembered *remembered = find(access, fingerprint);
  if (remembered && clock_monotonic() < remembered->until)
    verdict = remembered->verdict;
  pthread_mutex_unlock(&access->lock);
  return verdict;
}

void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds) {
  CHECK(verdict != ACCESS_UNKNOWN);
  pthread_mutex_lock(&access->lock);
  struct remembered *remembered = find(access, fingerprint);
  if (remembered)
    forget(access, remembered); /* and learn it anew, as the youngest */
  if (HASH_COUNT(access->table) >= ACCESS_REMEMBERED)
    forget(access, access->table);
  remembered = calloc(1, sizeof *remembered);
  if (remembered) {
    remembered->fingerprint = *fingerprint;
    remembered->verdict = verdict;
    remembered->until = clock_monotonic() + seconds * INT64_C(1000000000);
    HASH_ADD(hh, access->table, fingerprint, sizeof remembered->fingerprint, remembered);
    if (!remembered->hh.tbl)
      free(remembered);
  }
  pthread_mutex_unlock(&access->lock);
}

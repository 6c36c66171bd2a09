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

struct kept {
  struct digest fingerprint;
  UT_hash_handle hh;
  size_t length;
  char token[];
};

struct access {
  pthread_mutex_t lock;
  struct remembered *table; /* in the order in which they were learnt; fingerprints are keyed */
  struct kept *kept;        /* likewise */
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

static void wipe(struct access *access, struct kept *kept) {
  HASH_DEL(access->kept, kept);
  explicit_bzero(kept, sizeof *kept + kept->length);
  free(kept);
}

void access_release(struct access **address) {
  struct access *access = steal(*address);
  if (!access)
    return;
  while (access->table)
    forget(access, access->table);
  while (access->kept)
    wipe(access, access->kept);
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

/* Under the lock. */
static void add_kept(struct access *access, const struct digest *fingerprint, struct view token) {
  struct kept *kept = calloc(1, sizeof *kept + token.length);
  if (!kept)
    return;
  kept->fingerprint = *fingerprint;
  kept->length = token.length;
  memcpy(kept->token, token.at, token.length);
  HASH_ADD(hh, access->kept, fingerprint, sizeof kept->fingerprint, kept);
  if (kept->hh.tbl)
    return;
  explicit_bzero(kept, sizeof *kept + kept->length);
  free(kept);
}

void access_keep(struct access *access, const struct digest *fingerprint, struct view token) {
  struct kept *kept;
  if (token.length > ACCESS_TOKEN_MOST)
    return;
  pthread_mutex_lock(&access->lock);
  HASH_FIND(hh, access->kept, fingerprint, sizeof *fingerprint, kept);
  if (!kept && HASH_COUNT(access->kept) >= ACCESS_REMEMBERED)
    wipe(access, access->kept);
  if (!kept)
    add_kept(access, fingerprint, token);
  pthread_mutex_unlock(&access->lock);
}

void access_list(struct access *access, access_each *each, void *context) {
  struct kept *kept, *next;
  pthread_mutex_lock(&access->lock);
  HASH_ITER(hh, access->kept, kept, next) {
    each(context, &kept->fingerprint, (struct view){kept->token, kept->length});
  }
  pthread_mutex_unlock(&access->lock);
}

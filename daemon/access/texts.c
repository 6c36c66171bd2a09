#include "access/texts.h"

#include "base/scope.h"
#include "base/token_text.h"

#include <pthread.h>
/* Lack of memory forgets, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct kept {
  struct digest fingerprint;
  UT_hash_handle hh;
  size_t length;
  char token[];
};

struct texts {
  pthread_mutex_t lock;
  struct kept *kept; /* the oldest first; fingerprints are keyed, so nobody can choose collisions */
};

struct texts *texts_create(void) {
  struct texts *texts = calloc(1, sizeof *texts);
  if (texts)
    pthread_mutex_init(&texts->lock, NULL);
  return texts;
}

static void wipe(struct kept *kept) {
  explicit_bzero(kept, sizeof *kept + kept->length);
  free(kept);
}

static void drop_oldest(struct texts *texts) {
  struct kept *oldest = texts->kept;
  HASH_DEL(texts->kept, oldest);
  wipe(oldest);
}

void texts_release(struct texts **address) {
  struct texts *texts = steal(*address);
  if (!texts)
    return;
  while (texts->kept)
    drop_oldest(texts);
  pthread_mutex_destroy(&texts->lock);
  free(texts);
}

/* Under the lock. */
static void add(struct texts *texts, const struct digest *fingerprint, struct view token) {
  struct kept *kept = calloc(1, sizeof *kept + token.length);
  if (!kept)
    return;
  kept->fingerprint = *fingerprint;
  kept->length = token.length;
  memcpy(kept->token, token.at, token.length);
  HASH_ADD(hh, texts->kept, fingerprint, sizeof kept->fingerprint, kept);
  if (!kept->hh.tbl)
    wipe(kept);
}

void texts_keep(struct texts *texts, const struct digest *fingerprint, struct view token) {
  struct kept *kept;
  if (token.length > TOKEN_TEXT_MOST)
    return;
  pthread_mutex_lock(&texts->lock);
  HASH_FIND(hh, texts->kept, fingerprint, sizeof *fingerprint, kept);
  if (!kept && HASH_COUNT(texts->kept) >= TEXTS_MOST)
    drop_oldest(texts);
  if (!kept)
    add(texts, fingerprint, token);
  pthread_mutex_unlock(&texts->lock);
}

void texts_list(struct texts *texts, texts_each *each, void *context) {
  struct kept *kept, *next;
  pthread_mutex_lock(&texts->lock);
  HASH_ITER(hh, texts->kept, kept, next) {
    each(context, &kept->fingerprint, (struct view){kept->token, kept->length});
  }
  pthread_mutex_unlock(&texts->lock);
}

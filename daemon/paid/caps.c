#include "paid/caps.h"

#include "base/scope.h"

#include <pthread.h>
#include <stdlib.h>

struct learned {
  struct digest key;
  int64_t cap;
};

struct caps {
  pthread_mutex_t lock;
  struct learned list[CAPS_MOST];
  size_t count, oldest;
};

struct caps *caps_create(void) {
  struct caps *caps = calloc(1, sizeof *caps);
  if (caps)
    pthread_mutex_init(&caps->lock, NULL);
  return caps;
}

void caps_release(struct caps **address) {
  struct caps *caps = steal(*address);
  if (!caps)
    return;
  pthread_mutex_destroy(&caps->lock);
  free(caps);
}

/* Under the lock. */
static struct learned *find(struct caps *caps, const struct digest *key) {
  for (size_t i = 0; i < caps->count; i++)
    if (digest_equal(&caps->list[i].key, key))
      return &caps->list[i];
  return NULL;
}

static struct learned *place(struct caps *caps) {
  if (caps->count < CAPS_MOST)
    return &caps->list[caps->count++];
  struct learned *oldest = &caps->list[caps->oldest];
  caps->oldest = (caps->oldest + 1) % CAPS_MOST;
  return oldest;
}

int64_t caps_find(struct caps *caps, const struct digest *key) {
  pthread_mutex_lock(&caps->lock);
  const struct learned *learned = find(caps, key);
  int64_t cap = learned ? learned->cap : -1;
  pthread_mutex_unlock(&caps->lock);
  return cap;
}

void caps_learn(struct caps *caps, const struct digest *key, int64_t cap) {
  pthread_mutex_lock(&caps->lock);
  struct learned *learned = find(caps, key);
  if (!learned)
    learned = place(caps);
  *learned = (struct learned){*key, cap};
  pthread_mutex_unlock(&caps->lock);
}

#include "paid/caps.h"

#include "base/scope.h"
#include "query/plans.h"

#include <pthread.h>
#include <stdlib.h>

struct learned {
  struct digest key;
  struct cap cap;
  bool is_asked; /* somebody asks for the plan, or has */
};

static const struct cap unknown = {.rows = -1};

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

static struct learned *find_or_make(struct caps *caps, const struct digest *key) {
  struct learned *learned = find(caps, key);
  if (learned)
    return learned;
  learned = place(caps);
  *learned = (struct learned){.key = *key, .cap = unknown};
  return learned;
}

struct cap caps_find(struct caps *caps, const struct digest *key) {
  pthread_mutex_lock(&caps->lock);
  const struct learned *learned = find(caps, key);
  struct cap cap = learned ? learned->cap : unknown;
  pthread_mutex_unlock(&caps->lock);
  return cap;
}

bool caps_begin_asking(struct caps *caps, const struct digest *key) {
  pthread_mutex_lock(&caps->lock);
  struct learned *learned = find_or_make(caps, key);
  bool begins = !learned->is_asked;
  learned->is_asked = true;
  pthread_mutex_unlock(&caps->lock);
  return begins;
}

void caps_ask_again(struct caps *caps, const struct digest *key) {
  pthread_mutex_lock(&caps->lock);
  struct learned *learned = find(caps, key);
  if (learned)
    learned->is_asked = false;
  pthread_mutex_unlock(&caps->lock);
}

void caps_learn(struct caps *caps, const struct digest *key, int64_t rows) {
  pthread_mutex_lock(&caps->lock);
  struct learned *learned = find_or_make(caps, key);
  learned->cap.rows = rows;
  learned->is_asked = true;
  pthread_mutex_unlock(&caps->lock);
}

void caps_prove(struct caps *caps, const struct digest *key, int64_t rows) {
  pthread_mutex_lock(&caps->lock);
  struct learned *learned = find_or_make(caps, key);
  if (rows > learned->cap.proven)
    learned->cap.proven = rows;
  pthread_mutex_unlock(&caps->lock);
}

bool caps_may_cut(const struct cap *cap, int64_t rows) {
  bool may_be_unknown = cap->rows < 0 && rows >= PLANS_CAP_LEAST && rows >= cap->proven;
  return may_be_unknown || (cap->rows > 0 && rows >= cap->rows);
}

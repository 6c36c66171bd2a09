#define HASH_NONFATAL_OOM 1
#include "cache/inside.h"

#include <stdlib.h>
#include <uthash.h>

struct pin {
  int64_t id;
  int64_t count;
  bool awaited;
  UT_hash_handle hh;
};

void pins_open(struct pins *pins) {
  pthread_mutex_init(&pins->lock, NULL);
  pins->map = NULL;
}

void pins_close(struct pins *pins) {
  CHECK(!pins->map);
  pthread_mutex_destroy(&pins->lock);
}

static struct pin *find(struct pins *pins, int64_t id) {
  struct pin *pin;
  HASH_FIND(hh, pins->map, &id, sizeof id, pin);
  return pin;
}

static struct pin *make(struct pins *pins, int64_t id) {
  struct pin *pin = calloc(1, sizeof *pin);
  if (!pin)
    return NULL;
  pin->id = id;
  HASH_ADD(hh, pins->map, id, sizeof pin->id, pin);
  if (pin->hh.tbl)
    return pin;
  free(pin);
  return NULL;
}

bool pins_add(struct pins *pins, int64_t id) {
  pthread_mutex_lock(&pins->lock);
  struct pin *pin = find(pins, id);
  if (!pin)
    pin = make(pins, id);
  if (pin)
    pin->count++;
  pthread_mutex_unlock(&pins->lock);
  return pin;
}

bool pins_drop(struct pins *pins, int64_t id) {
  pthread_mutex_lock(&pins->lock);
  struct pin *pin = find(pins, id);
  CHECK(pin);
  bool awaited = pin->awaited && pin->count == 1;
  if (--pin->count == 0) {
    HASH_DEL(pins->map, pin);
    free(pin);
  }
  pthread_mutex_unlock(&pins->lock);
  return awaited;
}

bool pins_hold(struct pins *pins, int64_t id) {
  pthread_mutex_lock(&pins->lock);
  struct pin *pin = find(pins, id);
  if (pin)
    pin->awaited = true;
  pthread_mutex_unlock(&pins->lock);
  return pin;
}

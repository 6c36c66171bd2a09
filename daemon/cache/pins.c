#define HASH_NONFATAL_OOM 1
#include "cache/pins.h"

#include "base/scope.h"

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

struct pin *pins_add(struct pins *pins, int64_t id) {
  pthread_mutex_lock(&pins->lock);
  struct pin *pin = find(pins, id);
  if (!pin)
    pin = make(pins, id);
  if (pin)
    pin->count++;
  pthread_mutex_unlock(&pins->lock);
  return pin;
}

struct pin *pins_add_again(struct pins *pins, struct pin *pin) {
  pthread_mutex_lock(&pins->lock);
  pin->count++;
  pthread_mutex_unlock(&pins->lock);
  return pin;
}

bool pins_drop(struct pins *pins, struct pin **address) {
  struct pin *pin = steal(*address);
  pthread_mutex_lock(&pins->lock);
  CHECK(pin->count > 0);
  bool awaited = pin->awaited && pin->count == 1;
  if (--pin->count == 0) {
    HASH_DEL(pins->map, pin);
    free(pin);
  }
  pthread_mutex_unlock(&pins->lock);
  return awaited;
}

bool pins_await(struct pins *pins, int64_t id) {
  pthread_mutex_lock(&pins->lock);
  struct pin *pin = find(pins, id);
  if (pin)
    pin->awaited = true;
  pthread_mutex_unlock(&pins->lock);
  return pin;
}

int64_t pin_id(const struct pin *pin) {
  return pin->id;
}

/* The results that must not be swept, by id: each is held or being written, and has a count. */
#pragma once

#include "base/check.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pin;
struct pins {
  pthread_mutex_t lock;
  struct pin *map;
};

void pins_open(struct pins *pins);
/* CHECKs that nothing is pinned. */
void pins_close(struct pins *pins);

/* All that follow: any thread; do not block. */

/* Pins a result; NULL for lack of memory. */
struct pin *pins_add(struct pins *pins, int64_t id) MUST_CHECK;
/* One more pin on a result that is pinned. */
struct pin *pins_add_again(struct pins *pins, struct pin *pin) MUST_CHECK;
/* One pin less; leaves NULL. True if it was the last one and pins_await() has asked for it. */
bool pins_drop(struct pins *pins, struct pin **pin) MUST_CHECK;
/* True if the result is pinned; then the last pins_drop() will return true. */
bool pins_await(struct pins *pins, int64_t id) MUST_CHECK;
/* The id of the pinned result. */
int64_t pin_id(const struct pin *pin);

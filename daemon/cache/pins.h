/* The results that must not be swept, by id, with a count each: those that are held or written. */
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

/* The rest: any thread; does not block. */

/* Pins a result; NULL for lack of memory. */
struct pin *pins_add(struct pins *pins, int64_t id) MUST_CHECK;
/* One more pin on a result that is pinned. */
struct pin *pins_add_again(struct pins *pins, struct pin *pin) MUST_CHECK;
/* One less, leaves NULL. True if it was the last one and pins_await() was asked about it. */
bool pins_drop(struct pins *pins, struct pin **pin) MUST_CHECK;
/* True if the result is pinned; then the last pins_drop() will say that somebody waits for it. */
bool pins_await(struct pins *pins, int64_t id) MUST_CHECK;
int64_t pin_id(const struct pin *pin);

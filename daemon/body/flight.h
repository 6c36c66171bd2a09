/* A body that reads a flight. A reader that is slower than the flight's window reads from the store
 * what has left memory. */
#pragma once

#include "cache/cache.h"
#include "http/body.h"
#include "upstream/flight.h"

/* Takes over `*reader` and leaves NULL, also when there is no memory (then returns NULL). The
 * reader's `wake` is called for each BODY_WAIT. `stored`: the flight's own hold on its chunks in the
 * cache, as long as the flight; NULL if it is not stored. The caller keeps `request` (X-Request-Id,
 * for the log) as long as the body. */
struct body *body_flight(struct flight_reader **reader, const struct cache_hold *stored,
                         const char *request) MUST_CHECK;

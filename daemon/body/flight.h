/* A body that reads a flight. If its client is slower than the flight's window, it reads the chunks
 * that have left memory from the store. */
#pragma once

#include "cache/cache.h"
#include "http/body.h"
#include "upstream/flight.h"

/* Takes over `*reader` and leaves NULL, even if it returns NULL (no memory). The reader's `wake` is
 * called after each BODY_WAIT. `stored`: the flight's own hold on its chunks in the cache, which
 * lives as long as the flight; NULL if the answer is not stored. The caller keeps `request`
 * (X-Request-Id, for the log) as long as the body. Reads block on the disk only if the client
 * lags. */
struct body *body_flight(struct flight_reader **reader, const struct cache_hold *stored,
                         const char *request) MUST_CHECK;

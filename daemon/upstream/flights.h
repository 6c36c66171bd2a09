/* Which query is under way: so that identical misses join one flight.
 *
 * A flight is in the table from its beginning until its result can be found in the cache, or it has
 * failed: whoever finds neither in one look under the table's lock may begin one, and nobody pays
 * twice. */
#pragma once

#include "base/digest.h"
#include "upstream/flight.h"

struct flights;

struct flights *flights_create(void) MUST_CHECK;
/* The table must be empty. Leaves NULL. */
void flights_release(struct flights **flights);

/* What to do when no flight has this key; called under the table's lock, so neither may call back.
 */
struct flights_start {
  /* A last look whether the result is there already: then nothing is begun. NULL: no look. */
  bool (*look)(void *context);
  /* Begins a flight and returns it with a reference for the table; NULL with a fault. */
  struct flight *(*start)(void *context, struct fault *fault);
  void *context;
};

enum flights_joined {
  FLIGHTS_JOINED,  /* somebody's flight */
  FLIGHTS_STARTED, /* a new one */
  FLIGHTS_FOUND,   /* `look` found it */
  FLIGHTS_FAILED,  /* `start` failed */
};

/* Joins the flight with this key or begins it. `*reader` (wake, wake_context: as for flight_join())
 * is the caller's with JOINED and STARTED; `reader` NULL: begin without reading. Blocks as long as
 * `look` does. Any thread. */
enum flights_joined flights_join(struct flights *flights, const struct digest *key,
                                 const struct flights_start *start, void (*wake)(void *context),
                                 void *wake_context, struct flight_reader **reader,
                                 struct fault *fault) MUST_CHECK;

/* Takes a flight out, if it is there. Any thread. */
void flights_remove(struct flights *flights, const struct digest *key, struct flight *flight);

/* Whether there is a flight with this key. Any thread. */
bool flights_have(struct flights *flights, const struct digest *key);

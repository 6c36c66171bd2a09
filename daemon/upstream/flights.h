/* The table of flights by key, so that identical misses join one flight.
 *
 * A flight is in the table from its making until its result can be found in the cache, or it has
 * failed. Nobody pays twice: a request searches the cache, joins or makes a flight, and, if it made
 * one, searches the cache again before it sends. A result that was published in between is found by
 * the second search. The disk is never read under the table's lock. */
#pragma once

#include "base/digest.h"
#include "upstream/flight.h"

struct flights;

/* An empty table; NULL: no memory. */
struct flights *flights_create(void) MUST_CHECK;
/* The table must be empty. Leaves NULL. */
void flights_release(struct flights **flights);

/* Makes a flight for a key that has none. Called under the table's lock: it must not call back,
 * send or block. Returns one reference; NULL with a fault: none was made. */
struct flights_maker {
  struct flight *(*make)(void *context, struct fault *fault);
  void *context;
};

/* The arguments of flight_join(). */
struct flights_waker {
  void (*wake)(void *context);
  void *context;
};

/* The result of flights_join(); the caller owns both. */
struct flights_place {
  struct flight *started; /* with STARTED: the new flight, which the caller sends or withdraws */
  struct flight_reader *reader; /* NULL: no `waker` was given; or, with STARTED, no memory */
};

enum flights_joined {
  FLIGHTS_JOINED,  /* there was a flight */
  FLIGHTS_STARTED, /* a new flight was made */
  FLIGHTS_FAILED,  /* neither; `fault` gives the reason */
};

/* Joins the flight with this key, or makes one. `waker` NULL: without a reader. A flight of the
 * same key may have ended between the caller's last search of the cache and this call. So with
 * STARTED the caller searches once more, and withdraws the new flight if it finds the result. Does
 * not block; any thread. */
enum flights_joined flights_join(struct flights *flights, const struct digest *key,
                                 const struct flights_maker *maker,
                                 const struct flights_waker *waker, struct flights_place *place,
                                 struct fault *fault) MUST_CHECK;

/* Removes `flight` from the table, if it is there. Does not block; any thread. */
void flights_remove(struct flights *flights, const struct digest *key, struct flight *flight);

/* True if there is a flight with this key. Does not block; any thread. */
bool flights_have(struct flights *flights, const struct digest *key);

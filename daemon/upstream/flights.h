/* Which query is under way: so that identical misses join one flight.
 *
 * A flight is in the table from its making until its result can be found in the cache, or it has
 * failed. Nobody pays twice: a request looks into the cache, then makes a flight where the table has
 * none, then looks once more before it sends; a result that was published in between is found by
 * the second look. No disk is looked at under the table's lock. */
#pragma once

#include "base/digest.h"
#include "upstream/flight.h"

struct flights;

struct flights *flights_create(void) MUST_CHECK;
/* The table must be empty. Leaves NULL. */
void flights_release(struct flights **flights);

/* Makes the flight that a key has none of yet. Called under the table's lock: it may neither call
 * back nor block, so it sends nothing and looks at no disk. NULL with a fault: none was made. */
struct flights_maker {
  struct flight *(*make)(void *context, struct fault *fault);
  void *context;
};

/* How a reader is woken: see flight_join(). */
struct flights_waker {
  void (*wake)(void *context);
  void *context;
};

/* What a caller of flights_join() has afterwards; the references are the caller's. */
struct flights_place {
  struct flight *started; /* with STARTED: the new flight, which the caller sends or withdraws */
  struct flight_reader *reader; /* NULL: not asked for, or, with STARTED, no memory */
};

enum flights_joined {
  FLIGHTS_JOINED,  /* somebody's flight */
  FLIGHTS_STARTED, /* a new one */
  FLIGHTS_FAILED,  /* nothing was made or joined, as the fault says */
};

/* Joins the flight with this key or makes it. `waker` NULL: without reading. Between the caller's
 * last look at what is stored and this call a flight of the same key may have come to its end: who
 * STARTED one looks once more, and withdraws it when the look finds what was asked for. Does not
 * block; any thread. */
enum flights_joined flights_join(struct flights *flights, const struct digest *key,
                                 const struct flights_maker *maker,
                                 const struct flights_waker *waker, struct flights_place *place,
                                 struct fault *fault) MUST_CHECK;

/* Takes a flight out, if it is there. Any thread. */
void flights_remove(struct flights *flights, const struct digest *key, struct flight *flight);

/* Whether there is a flight with this key. Any thread. */
bool flights_have(struct flights *flights, const struct digest *key);

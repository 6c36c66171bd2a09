#include "upstream/flights.h"

#include "base/scope.h"

#include <pthread.h>
/* Lack of memory is a fault, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct node {
  struct digest key;
  struct flight *flight;
  UT_hash_handle hh;
};

struct flights {
  pthread_mutex_t lock;
  struct node *table; /* keys are SHA-256: nobody can choose what collides */
};

struct flights *flights_create(void) {
  struct flights *flights = calloc(1, sizeof *flights);
  if (flights)
    pthread_mutex_init(&flights->lock, NULL);
  return flights;
}

void flights_release(struct flights **address) {
  struct flights *flights = steal(*address);
  if (!flights)
    return;
  CHECK(!flights->table);
  pthread_mutex_destroy(&flights->lock);
  free(flights);
}

static struct node *find(struct flights *flights, const struct digest *key) {
  struct node *node;
  HASH_FIND(hh, flights->table, key, sizeof *key, node);
  return node;
}

/* Removes a node; one that the table had no memory for is not in it. */
static void drop(struct flights *flights, struct node *node) {
  if (node->hh.tbl)
    HASH_DEL(flights->table, node);
  flight_release(&node->flight);
  free(node);
}

/* Makes a flight and adds it to the table. `*started` is a reference for the caller. If the table
 * has no memory for it, the flight goes on, and nobody can join it. */
static bool start(struct flights *flights, const struct digest *key,
                  const struct flights_maker *maker, struct flight **started, struct fault *fault) {
  struct node *node = calloc(1, sizeof *node);
  if (!node)
    return fault_no_memory(fault);
  node->flight = maker->make(maker->context, fault);
  if (!node->flight) {
    free(node);
    return false;
  }
  *started = flight_hold(node->flight);
  node->key = *key;
  HASH_ADD(hh, flights->table, key, sizeof node->key, node);
  if (!node->hh.tbl)
    drop(flights, node);
  return true;
}

/* Joins the flight of `node`. False: no memory, or the flight is lost. */
static bool join(const struct node *node, const struct flights_waker *waker,
                 struct flights_place *place, bool *is_lost) {
  place->reader = flight_join(node->flight, waker->wake, waker->context);
  *is_lost = !place->reader && flight_is_lost(node->flight);
  return place->reader != NULL;
}

static enum flights_joined join_or_start(struct flights *flights, const struct digest *key,
                                         const struct flights_maker *maker,
                                         const struct flights_waker *waker,
                                         struct flights_place *place, struct fault *fault) {
  struct node *node = find(flights, key);
  bool is_lost = false;
  if (node && (!waker || join(node, waker, place, &is_lost)))
    return FLIGHTS_JOINED;
  if (node && !is_lost) {
    fault_no_memory(fault);
    return FLIGHTS_FAILED;
  }
  if (node) /* nobody can join it any more */
    drop(flights, node);
  if (!start(flights, key, maker, &place->started, fault))
    return FLIGHTS_FAILED;
  if (waker)
    place->reader = flight_join(place->started, waker->wake, waker->context);
  return FLIGHTS_STARTED;
}

enum flights_joined flights_join(struct flights *flights, const struct digest *key,
                                 const struct flights_maker *maker,
                                 const struct flights_waker *waker, struct flights_place *place,
                                 struct fault *fault) {
  *place = (struct flights_place){0};
  pthread_mutex_lock(&flights->lock);
  enum flights_joined joined = join_or_start(flights, key, maker, waker, place, fault);
  pthread_mutex_unlock(&flights->lock);
  return joined;
}

void flights_remove(struct flights *flights, const struct digest *key, struct flight *flight) {
  pthread_mutex_lock(&flights->lock);
  struct node *node = find(flights, key);
  if (node && node->flight == flight)
    drop(flights, node);
  pthread_mutex_unlock(&flights->lock);
}

bool flights_have(struct flights *flights, const struct digest *key) {
  pthread_mutex_lock(&flights->lock);
  bool have = find(flights, key) != NULL;
  pthread_mutex_unlock(&flights->lock);
  return have;
}

#include "upstream/flights.h"

#include "base/scope.h"

#include <pthread.h>
/* Lack of memory is an answer, not the end of the process. */
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

/* A node that found no memory in the table is not in it: its flight goes on, and nobody can join.
 */
static void drop(struct flights *flights, struct node *node) {
  if (node->hh.tbl)
    HASH_DEL(flights->table, node);
  flight_release(&node->flight);
  free(node);
}

static enum flights_joined start_one(struct flights *flights, const struct digest *key,
                                     const struct flights_start *start, struct node **out,
                                     struct fault *fault) {
  if (start->look && start->look(start->context))
    return FLIGHTS_FOUND;
  struct node *node = calloc(1, sizeof *node);
  if (!node || !(node->flight = start->start(start->context, fault))) {
    if (!node)
      fault_no_memory(fault);
    free(node);
    return FLIGHTS_FAILED;
  }
  node->key = *key;
  HASH_ADD(hh, flights->table, key, sizeof node->key, node);
  *out = node;
  return FLIGHTS_STARTED;
}

enum flights_joined flights_join(struct flights *flights, const struct digest *key,
                                 const struct flights_start *start, void (*wake)(void *context),
                                 void *wake_context, struct flight_reader **reader,
                                 struct fault *fault) {
  enum flights_joined joined = FLIGHTS_JOINED;
  pthread_mutex_lock(&flights->lock);
  struct node *node = find(flights, key);
  bool reads = node && reader;
  if (reads && !(*reader = flight_join(node->flight, wake, wake_context)) &&
      flight_is_lost(node->flight)) { /* it can help nobody any more */
    drop(flights, node);
    node = NULL;
  }
  if (!node) {
    joined = start_one(flights, key, start, &node, fault);
    reads = joined == FLIGHTS_STARTED && reader;
    if (reads)
      *reader = flight_join(node->flight, wake, wake_context);
  }
  if (reads && !*reader) {
    fault_no_memory(fault);
    joined = FLIGHTS_FAILED;
  }
  if (node && !node->hh.tbl)
    drop(flights, node);
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

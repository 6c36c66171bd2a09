#include "http/peers.h"

#include "base/scope.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
/* Lack of memory leaves a connection uncounted, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* The bytes of an IPv6 address that name one client. */
#define PREFIX 8

struct peer {
  struct in6_addr address; /* IPv4: mapped (RFC 4291 2.5.5.2); IPv6: zero after the prefix */
  int64_t count;           /* 1 or more */
  UT_hash_handle hh;
};

struct peers {
  int64_t most;
  pthread_mutex_t lock; /* the table, and the counts */
  struct peer *table;   /* no larger than the number of connections, which is bounded */
};

struct peers *peers_create(int64_t most) {
  struct peers *peers = calloc(1, sizeof *peers);
  if (!peers)
    return NULL;
  peers->most = most;
  pthread_mutex_init(&peers->lock, NULL);
  return peers;
}

void peers_release(struct peers **address) {
  struct peers *peers = steal(*address);
  if (!peers)
    return;
  CHECK(!peers->table);
  pthread_mutex_destroy(&peers->lock);
  free(peers);
}

static struct in6_addr map_v4(const struct in_addr *v4) {
  struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
  memcpy(mapped.s6_addr + 12, v4, sizeof *v4);
  return mapped;
}

/* False: it has none that is counted. */
static bool client_of(const struct sockaddr *address, struct in6_addr *client) {
  if (address->sa_family == AF_INET) {
    *client = map_v4(&((const struct sockaddr_in *)address)->sin_addr);
    return true;
  }
  if (address->sa_family != AF_INET6)
    return false;
  *client = ((const struct sockaddr_in6 *)address)->sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(client))
    memset(client->s6_addr + PREFIX, 0, sizeof client->s6_addr - PREFIX);
  return true;
}

/* NULL: no memory. */
static struct peer *find_or_add(struct peers *peers, const struct in6_addr *client) {
  struct peer *peer;
  HASH_FIND(hh, peers->table, client, sizeof *client, peer);
  if (peer || !(peer = calloc(1, sizeof *peer)))
    return peer;
  peer->address = *client;
  HASH_ADD(hh, peers->table, address, sizeof peer->address, peer);
  if (!peer->hh.tbl)
    free(steal(peer));
  return peer;
}

bool peers_join(struct peers *peers, const struct sockaddr *address, struct peer **out) {
  struct in6_addr client;
  *out = NULL;
  if (!client_of(address, &client))
    return true;
  pthread_mutex_lock(&peers->lock);
  struct peer *peer = find_or_add(peers, &client);
  bool fits = !peer || peer->count < peers->most;
  if (peer && fits) {
    peer->count++;
    *out = peer;
  }
  pthread_mutex_unlock(&peers->lock);
  return fits;
}

void peers_leave(struct peers *peers, struct peer **address) {
  struct peer *peer = steal(*address);
  if (!peer)
    return;
  pthread_mutex_lock(&peers->lock);
  if (--peer->count == 0) {
    HASH_DEL(peers->table, peer);
    free(peer);
  }
  pthread_mutex_unlock(&peers->lock);
}

#include "http/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/shard.h"
#include "http/peers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <utlist.h>

#define LOG_EVERY (60 * CLOCK_SECOND)

/* Connections that one thread opened. libmicrohttpd serves them on that thread to their end, so
 * nobody else wants the lock except to make room. */
struct group {
  SHARD_ALIGNED pthread_mutex_t lock; /* the lists, and the group's connections */
  struct connection *idle, *sending;  /* each ordered by time, the oldest first */
};

struct connections {
  struct group groups[SHARDS];
  struct connection_limits limits;
  struct peers *peers;      /* NULL: no limit for an address */
  atomic_int_fast64_t open; /* without those that are CLOSING */
  atomic_bool untold;       /* something of `closed` is not 0 */
  pthread_mutex_t log_lock; /* all below; taken last */
  struct closed {
    int64_t idle, stuck, refused, crowded;
  } closed;          /* since `logged_at` */
  int64_t logged_at; /* 0: never */
};

struct connections *connections_create(const struct connection_limits *limits) {
  struct peers *peers = limits->most_of_address ? peers_create(limits->most_of_address) : NULL;
  struct connections *connections = shard_alloc(sizeof *connections);
  if (!connections || (limits->most_of_address && !peers)) {
    peers_release(&peers);
    free(connections);
    return NULL;
  }
  connections->limits = *limits;
  connections->peers = peers;
  pthread_mutex_init(&connections->log_lock, NULL);
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_init(&connections->groups[i].lock, NULL);
  return connections;
}

void connections_release(struct connections **address) {
  struct connections *connections = steal(*address);
  if (!connections)
    return;
  CHECK(atomic_load(&connections->open) == 0);
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_destroy(&connections->groups[i].lock);
  pthread_mutex_destroy(&connections->log_lock);
  peers_release(&connections->peers);
  free(connections);
}

/* --- one connection, under its group's lock --- */

static struct group *group_of(struct connections *connections,
                              const struct connection *connection) {
  return &connections->groups[connection->own.group];
}

static void lock(struct connections *connections, const struct connection *connection) {
  pthread_mutex_lock(&group_of(connections, connection)->lock);
}

static void unlock(struct connections *connections, const struct connection *connection) {
  pthread_mutex_unlock(&group_of(connections, connection)->lock);
}

/* Removes it from its list, if it is in one. */
static void leave(struct connections *connections, struct connection *connection) {
  struct group *group = group_of(connections, connection);
  if (connection->own.state == CONNECTION_IDLE)
    DL_DELETE2(group->idle, connection, own.prev, own.next);
  else if (connection->own.state == CONNECTION_SENDING)
    DL_DELETE2(group->sending, connection, own.prev, own.next);
}

static void rest(struct connections *connections, struct connection *connection) {
  struct group *group = group_of(connections, connection);
  connection->own.state = CONNECTION_IDLE;
  connection->own.since = clock_coarse();
  DL_APPEND2(group->idle, connection, own.prev, own.next);
}

static void send_on(struct connections *connections, struct connection *connection) {
  struct group *group = group_of(connections, connection);
  connection->own.state = CONNECTION_SENDING;
  connection->own.since = clock_coarse();
  DL_APPEND2(group->sending, connection, own.prev, own.next);
}

/* Dissolving the association (connect(2)) leaves a TCP connection no FIN to send, which would make
 * a reply that broke off look complete. A UNIX socket has no such end, and refuses this. */
bool connections_reset(int socket) {
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  return connect(socket, &nobody, sizeof nobody) == 0;
}

static void leave_address(struct connections *connections, struct connection *connection) {
  if (connections->peers)
    peers_leave(connections->peers, &connection->own.peer);
}

/* libmicrohttpd's thread sees the end of the connection, and closes the socket. */
static void shut(struct connections *connections, struct connection *connection) {
  bool breaks_off = connection->own.state == CONNECTION_SENDING;
  leave(connections, connection);
  connection->own.state = CONNECTION_CLOSING;
  leave_address(connections, connection);
  atomic_fetch_sub(&connections->open, 1);
  if (!breaks_off || !connections_reset(connection->own.socket))
    shutdown(connection->own.socket, SHUT_RDWR);
}

/* --- the log: at most once a minute --- */

static void count(struct connections *connections, int64_t *closed) {
  pthread_mutex_lock(&connections->log_lock);
  (*closed)++;
  atomic_store(&connections->untold, true);
  pthread_mutex_unlock(&connections->log_lock);
}

static bool take_closed(struct connections *connections, struct closed *closed) {
  int64_t now = clock_monotonic();
  pthread_mutex_lock(&connections->log_lock);
  bool due = atomic_load(&connections->untold) &&
             (!connections->logged_at || now - connections->logged_at >= LOG_EVERY);
  if (due) {
    *closed = connections->closed;
    connections->closed = (struct closed){0};
    connections->logged_at = now;
    atomic_store(&connections->untold, false);
  }
  pthread_mutex_unlock(&connections->log_lock);
  return due;
}

static void log_closed(struct connections *connections) {
  struct closed closed;
  if (atomic_load(&connections->untold) && take_closed(connections, &closed))
    log_warning(
        EVENT_connections,
        "most=%lld closed-idle=%lld refused=%lld closed-stuck=%lld refused-per-address=%lld",
        (long long)connections->limits.most, (long long)closed.idle, (long long)closed.refused,
        (long long)closed.stuck, (long long)closed.crowded);
}

/* --- making room, under the locks of all groups --- */

static void lock_all(struct connections *connections) {
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_lock(&connections->groups[i].lock);
}

static void unlock_all(struct connections *connections) {
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_unlock(&connections->groups[i].lock);
}

static struct connection *older(struct connection *one, struct connection *other) {
  if (!one || !other)
    return one ? one : other;
  return other->own.since < one->own.since ? other : one;
}

/* NULL: none is. */
static struct connection *find_idle(const struct connections *connections) {
  struct connection *oldest = NULL;
  for (size_t i = 0; i < SHARDS; i++)
    oldest = older(oldest, connections->groups[i].idle);
  return oldest;
}

/* NULL: no client has read nothing for that long. */
static struct connection *find_stuck(const struct connections *connections) {
  struct connection *oldest = NULL;
  for (size_t i = 0; i < SHARDS; i++)
    oldest = older(oldest, connections->groups[i].sending);
  bool is_stuck = oldest && clock_monotonic() - oldest->own.since >= connections->limits.patience;
  return is_stuck ? oldest : NULL;
}

/* The newcomer is in no list yet. */
static void make_room(struct connections *connections, struct connection *newcomer) {
  struct connection *idle = find_idle(connections);
  struct connection *stuck = idle ? NULL : find_stuck(connections);
  struct closed *closed = &connections->closed;
  count(connections, idle ? &closed->idle : stuck ? &closed->stuck : &closed->refused);
  if (idle || stuck)
    shut(connections, idle ? idle : stuck);
  else
    shut(connections, newcomer);
}

/* Each newcomer that finds too many open closes one, so that there are never more for long. */
static void open_at_the_limit(struct connections *connections, struct connection *connection) {
  lock_all(connections);
  if (atomic_load(&connections->open) > connections->limits.most)
    make_room(connections, connection);
  if (connection->own.state != CONNECTION_CLOSING)
    rest(connections, connection);
  unlock_all(connections);
}

/* --- public functions --- */

/* False: its client has as many as it may have. */
static bool join_address(struct connections *connections, struct connection *connection) {
  struct sockaddr_storage address = {0};
  socklen_t length = sizeof address;
  if (!connections->peers ||
      getpeername(connection->own.socket, (struct sockaddr *)&address, &length) != 0)
    return true;
  return peers_join(connections->peers, (struct sockaddr *)&address, &connection->own.peer);
}

static void add(struct connections *connections, struct connection *connection) {
  connection->own.state = CONNECTION_BUSY; /* in no list */
  if (atomic_fetch_add(&connections->open, 1) >= connections->limits.most) {
    open_at_the_limit(connections, connection);
  } else {
    lock(connections, connection);
    rest(connections, connection);
    unlock(connections, connection);
  }
}

static void refuse(struct connections *connections, struct connection *connection) {
  connection->own.state = CONNECTION_CLOSING;
  count(connections, &connections->closed.crowded);
  shutdown(connection->own.socket, SHUT_RDWR);
}

void connections_opened(struct connections *connections, struct connection *connection,
                        int socket) {
  connection->own.socket = socket;
  connection->own.group = shard_of_thread();
  connection->own.peer = NULL;
  if (join_address(connections, connection))
    add(connections, connection);
  else
    refuse(connections, connection);
  log_closed(connections);
}

void connections_closed(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  leave(connections, connection);
  bool counts = connection->own.state != CONNECTION_CLOSING;
  leave_address(connections, connection);
  unlock(connections, connection);
  if (counts)
    atomic_fetch_sub(&connections->open, 1);
}

void connections_received(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  if (connection->own.state == CONNECTION_IDLE) {
    leave(connections, connection);
    rest(connections, connection);
  }
  unlock(connections, connection);
}

bool connections_begin(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  bool closing = connection->own.state == CONNECTION_CLOSING;
  if (!closing) {
    leave(connections, connection);
    connection->own.state = CONNECTION_BUSY;
  }
  unlock(connections, connection);
  return !closing;
}

static bool is_served(const struct connection *connection) {
  return connection->own.state == CONNECTION_BUSY || connection->own.state == CONNECTION_SENDING;
}

void connections_sending(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  if (is_served(connection)) {
    leave(connections, connection);
    send_on(connections, connection);
  }
  unlock(connections, connection);
}

void connections_waiting(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  if (is_served(connection)) {
    leave(connections, connection);
    connection->own.state = CONNECTION_BUSY;
  }
  unlock(connections, connection);
}

void connections_end(struct connections *connections, struct connection *connection) {
  lock(connections, connection);
  if (is_served(connection)) {
    leave(connections, connection);
    rest(connections, connection);
  }
  unlock(connections, connection);
}

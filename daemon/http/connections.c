#include "http/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#include <pthread.h>
#include <sys/socket.h>
#include <utlist.h>

#define LOG_EVERY (60 * CLOCK_SECOND)

struct connections {
  int64_t most;
  pthread_mutex_t lock;                  /* all below, and all connections */
  int64_t open;                          /* those that are closing left out */
  struct connection *idle;               /* the one that has been for the longest first */
  int64_t made_room, refused, logged_at; /* since then; 0: never */
};

struct connections *connections_create(int64_t most) {
  struct connections *connections = calloc(1, sizeof *connections);
  if (!connections)
    return NULL;
  connections->most = most;
  pthread_mutex_init(&connections->lock, NULL);
  return connections;
}

void connections_release(struct connections **address) {
  struct connections *connections = steal(*address);
  if (!connections)
    return;
  CHECK(connections->open == 0);
  pthread_mutex_destroy(&connections->lock);
  free(connections);
}

/* --- one at a time, under the lock --- */

static void rest(struct connections *connections, struct connection *connection) {
  connection->own.state = CONNECTION_IDLE;
  DL_APPEND2(connections->idle, connection, own.prev, own.next);
}

static void stop_resting(struct connections *connections, struct connection *connection) {
  DL_DELETE2(connections->idle, connection, own.prev, own.next);
}

/* libmicrohttpd's thread sees the end of the connection, and closes the socket. */
static void shut(struct connections *connections, struct connection *connection) {
  stop_resting(connections, connection);
  connection->own.state = CONNECTION_CLOSING;
  connections->open--;
  shutdown(connection->own.socket, SHUT_RDWR);
}

static void make_room(struct connections *connections, const struct connection *newcomer) {
  if (connections->open <= connections->most)
    return;
  struct connection *victim = connections->idle;
  if (victim == newcomer)
    connections->refused++;
  else
    connections->made_room++;
  shut(connections, victim);
}

/* --- the log: once a minute, however many come --- */

struct closed {
  int64_t made_room, refused;
};

static bool take_closed(struct connections *connections, struct closed *closed) {
  int64_t now = clock_monotonic();
  if (connections->made_room + connections->refused == 0 ||
      (connections->logged_at && now - connections->logged_at < LOG_EVERY))
    return false;
  *closed = (struct closed){connections->made_room, connections->refused};
  connections->made_room = connections->refused = 0;
  connections->logged_at = now;
  return true;
}

static void log_closed(const struct connections *connections, const struct closed *closed) {
  log_warning("connections", "most=%lld closed-idle=%lld refused=%lld",
              (long long)connections->most, (long long)closed->made_room,
              (long long)closed->refused);
}

/* --- the face --- */

void connections_opened(struct connections *connections, struct connection *connection,
                        int socket) {
  struct closed closed;
  connection->own.socket = socket;
  pthread_mutex_lock(&connections->lock);
  connections->open++;
  rest(connections, connection);
  make_room(connections, connection);
  bool tell = take_closed(connections, &closed);
  pthread_mutex_unlock(&connections->lock);
  if (tell)
    log_closed(connections, &closed);
}

void connections_closed(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (connection->own.state == CONNECTION_IDLE)
    stop_resting(connections, connection);
  connections->open -= connection->own.state != CONNECTION_CLOSING;
  pthread_mutex_unlock(&connections->lock);
}

void connections_moved(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (connection->own.state == CONNECTION_IDLE) {
    stop_resting(connections, connection);
    rest(connections, connection);
  }
  pthread_mutex_unlock(&connections->lock);
}

bool connections_begin(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  bool closing = connection->own.state == CONNECTION_CLOSING;
  if (!closing) {
    stop_resting(connections, connection);
    connection->own.state = CONNECTION_BUSY;
  }
  pthread_mutex_unlock(&connections->lock);
  return !closing;
}

void connections_end(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (connection->own.state == CONNECTION_BUSY)
    rest(connections, connection);
  pthread_mutex_unlock(&connections->lock);
}

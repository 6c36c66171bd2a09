#include "http/connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#include <pthread.h>
#include <sys/socket.h>
#include <utlist.h>

#define LOG_EVERY (60 * CLOCK_SECOND)

struct connections {
  int64_t most, patience;
  pthread_mutex_t lock;              /* all below, and all connections */
  int64_t open;                      /* without those that are CLOSING */
  struct connection *idle, *sending; /* each ordered by time, the oldest first */
  struct closed {
    int64_t idle, stuck, refused;
  } closed;          /* since `logged_at` */
  int64_t logged_at; /* 0: never */
};

struct connections *connections_create(int64_t most, int64_t patience) {
  struct connections *connections = calloc(1, sizeof *connections);
  if (!connections)
    return NULL;
  connections->most = most;
  connections->patience = patience;
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

/* Removes it from its list, if it is in one. */
static void leave(struct connections *connections, struct connection *connection) {
  if (connection->own.state == CONNECTION_IDLE)
    DL_DELETE2(connections->idle, connection, own.prev, own.next);
  else if (connection->own.state == CONNECTION_SENDING)
    DL_DELETE2(connections->sending, connection, own.prev, own.next);
}

/* Dissolving the association (connect(2)) leaves a TCP connection no FIN to send, which would make
 * a reply that broke off look complete. A UNIX socket has no such end, and refuses this. */
bool connections_reset(int socket) {
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  return connect(socket, &nobody, sizeof nobody) == 0;
}

/* libmicrohttpd's thread sees the end of the connection, and closes the socket. */
static void shut(struct connections *connections, struct connection *connection) {
  bool breaks_off = connection->own.state == CONNECTION_SENDING;
  leave(connections, connection);
  connection->own.state = CONNECTION_CLOSING;
  connections->open--;
  if (!breaks_off || !connections_reset(connection->own.socket))
    shutdown(connection->own.socket, SHUT_RDWR);
}

/* NULL: no client has read nothing for that long. */
static struct connection *find_stuck(const struct connections *connections) {
  struct connection *first = connections->sending;
  return first && clock_monotonic() - first->own.since >= connections->patience ? first : NULL;
}

static void make_room(struct connections *connections, const struct connection *newcomer) {
  if (connections->open <= connections->most)
    return;
  struct connection *victim = connections->idle;
  struct connection *stuck = victim == newcomer ? find_stuck(connections) : NULL;
  if (stuck)
    connections->closed.stuck++;
  else if (victim == newcomer)
    connections->closed.refused++;
  else
    connections->closed.idle++;
  shut(connections, stuck ? stuck : victim);
}

/* --- the log: at most once a minute --- */

static bool take_closed(struct connections *connections, struct closed *closed) {
  int64_t now = clock_monotonic();
  const struct closed *since = &connections->closed;
  if (since->idle + since->stuck + since->refused == 0 ||
      (connections->logged_at && now - connections->logged_at < LOG_EVERY))
    return false;
  *closed = connections->closed;
  connections->closed = (struct closed){0};
  connections->logged_at = now;
  return true;
}

static void log_closed(const struct connections *connections, const struct closed *closed) {
  log_warning(EVENT_connections, "most=%lld closed-idle=%lld refused=%lld closed-stuck=%lld",
              (long long)connections->most, (long long)closed->idle, (long long)closed->refused,
              (long long)closed->stuck);
}

/* --- public functions --- */

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
  leave(connections, connection);
  connections->open -= connection->own.state != CONNECTION_CLOSING;
  pthread_mutex_unlock(&connections->lock);
}

void connections_received(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (connection->own.state == CONNECTION_IDLE) {
    leave(connections, connection);
    rest(connections, connection);
  }
  pthread_mutex_unlock(&connections->lock);
}

bool connections_begin(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  bool closing = connection->own.state == CONNECTION_CLOSING;
  if (!closing) {
    leave(connections, connection);
    connection->own.state = CONNECTION_BUSY;
  }
  pthread_mutex_unlock(&connections->lock);
  return !closing;
}

static bool is_served(const struct connection *connection) {
  return connection->own.state == CONNECTION_BUSY || connection->own.state == CONNECTION_SENDING;
}

void connections_sending(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (is_served(connection)) {
    leave(connections, connection);
    connection->own.state = CONNECTION_SENDING;
    connection->own.since = clock_monotonic();
    DL_APPEND2(connections->sending, connection, own.prev, own.next);
  }
  pthread_mutex_unlock(&connections->lock);
}

void connections_waiting(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (is_served(connection)) {
    leave(connections, connection);
    connection->own.state = CONNECTION_BUSY;
  }
  pthread_mutex_unlock(&connections->lock);
}

void connections_end(struct connections *connections, struct connection *connection) {
  pthread_mutex_lock(&connections->lock);
  if (is_served(connection)) {
    leave(connections, connection);
    rest(connections, connection);
  }
  pthread_mutex_unlock(&connections->lock);
}

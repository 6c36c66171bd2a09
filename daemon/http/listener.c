#include "http/listener.h"

#include "base/log.h"
#include "base/scope.h"
#include "http/acceptor.h"
#include "http/exchange_mhd.h"
#include "http/socket.h"

#include <microhttpd.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define MAX_LISTENERS 16
/* libmicrohttpd keeps a connection's data in one pool. Besides the head as received it holds a
 * struct for each field (56 bytes in 0.9.75, allocated in units of 16) and the head of the reply.
 * Some room is left, so that a head above our limits is read completely and refused by us. No more
 * than that: after each reply libmicrohttpd fills the whole pool with zeros. But a chunk of a reply is
 * written from the pool, too, and one of 64 KiB, which a body mostly gives at once, should fit. */
#define POOL_EACH_HEADER ((size_t)64)
#define POOL_BESIDE ((size_t)12 * 1024)
/* At its own limit libmicrohttpd stops accepting, and must never get there: connections that are
 * being closed to make room stay for a moment. */
#define CLOSING_AT_ONCE 1024

struct listener {
  int socket;
  char *unlink_path;
};

struct listeners {
  struct exchange_side side;
  struct acceptor *acceptor; /* NULL: no longer accepting */
  struct listener list[MAX_LISTENERS];
  size_t count;
  size_t next; /* used by the acceptor's thread: the next worker */
  size_t worker_count;
  struct MHD_Daemon *workers[]; /* each serves connections in a thread of its own */
};

/* --- libmicrohttpd --- */

/* Messages that are not logged. A client left, or a reply broke off: any stranger could fill the
 * log with these, and the request has a line of its own. A UNIX socket has no TCP options:
 * libmicrohttpd sets them all the same on a connection that it did not accept itself. */
static bool is_noise(const char *line) {
  static const char *const beginnings[] = {
      "Failed to send ",
      "Socket has been disconnected ",
      "Connection socket is closed ",
      "Connection was closed by remote side ",
      "Closing connection (application ",
      "Setting TCP_NODELAY option to ",
      "Setting TCP_CORK option to ",
      "Failed to push the data from buffers to the network",
  };
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (view_starts(view_of(line), view_of(beginnings[i])))
      return true;
  return false;
}

/* Messages of libmicrohttpd contain nothing of a request. */
static void on_mhd_log(void *context, const char *format, va_list arguments) {
  (void)context;
  char line[256];
  vsnprintf(line, sizeof line, format, arguments);
  line[strcspn(line, "\n")] = '\0';
  if (!is_noise(line))
    log_warning(EVENT_http, "message=%s", LOG_VALUE(line));
}

/* Leaves percent escapes alone, for query/form: libmicrohttpd would decode them in place, and "%26"
 * would become a separator. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context, (void)connection;
  return strlen(text);
}

static size_t pool_size(const struct exchange_handler *handler) {
  struct head_limits head = handler->limits(handler->context).head;
  return head.uri + head.headers + head.count * POOL_EACH_HEADER + POOL_BESIDE;
}

static const char *const sides[] = {[TLS_CLIENT] = "client", [TLS_ADMIN] = "admin"};

static bool add_worker(struct listeners *listeners, const struct listener_options *options,
                       struct fault *fault) {
  struct exchange_side *side = &listeners->side;
  struct MHD_OptionItem tls[] = {{options->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END,
                                  0, (void *)tls_retriever(options->side)},
                                 {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES},
                                 {MHD_OPTION_END, 0, NULL}};
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                   MHD_USE_NO_LISTEN_SOCKET | (options->tls ? MHD_USE_TLS : 0);
  struct MHD_Daemon *worker = MHD_start_daemon(
      flags, 0, NULL, NULL, exchange_serve, side, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
      NULL, /* first: the other options log through it */
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)(options->max_connections + CLOSING_AT_ONCE),
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)options->idle_timeout,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, side->pool, MHD_OPTION_NOTIFY_CONNECTION,
      exchange_connection, side, MHD_OPTION_URI_LOG_CALLBACK, exchange_uri_came, side,
      MHD_OPTION_NOTIFY_COMPLETED, exchange_end, side, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
      NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
  if (!worker)
    return fault_set(fault, FAULT_UNAVAILABLE, "the %s listener cannot start (threads or memory)",
                     sides[options->side]);
  listeners->workers[listeners->worker_count++] = worker;
  return true;
}

/* Gives connections to the workers in turn. A worker closes a connection that it cannot take, and
 * logs the reason. */
static void take(void *context, int connection, const struct sockaddr *peer, socklen_t length) {
  struct listeners *listeners = context;
  struct MHD_Daemon *worker = listeners->workers[listeners->next++ % listeners->worker_count];
  (void)MHD_add_connection(worker, connection, peer, length);
}

/* The rules checked the configured addresses; systemd's sockets are checked here. */
static bool may_listen(const struct listener_options *options, int fd, struct fault *fault) {
  char text[SOCKET_NAME_SIZE];
  if (!options->local_only || socket_is_private(fd))
    return true;
  socket_describe(fd, text);
  return fault_set(
      fault, FAULT_MALFORMED,
      "the socket %s that systemd hands over to the admin side can be reached from other "
      "machines: set admin.tls_certificate, admin.tls_key and admin.token_file, or let "
      "it listen on the loopback or a UNIX socket",
      text);
}

static bool add(struct listeners *listeners, const struct listener_options *options, int fd,
                char *unlink_path, struct fault *fault) {
  struct listener *listener = &listeners->list[listeners->count];
  *listener = (struct listener){.socket = fd, .unlink_path = unlink_path};
  if (!may_listen(options, fd, fault) || !acceptor_add(listeners->acceptor, fd, fault)) {
    close(fd);
    free(unlink_path);
    return false;
  }
  listeners->count++;
  char address[SOCKET_NAME_SIZE];
  socket_describe(fd, address);
  log_info(EVENT_listening, "side=%s address=%s tls=%s", sides[options->side], LOG_VALUE(address),
           options->tls ? "yes" : "no");
  if (!options->tls && !socket_is_private(fd))
    log_warning(EVENT_listening, "address=%s problem=\"tokens cross the network in the clear\" %s",
                LOG_VALUE(address), "remedy=server.tls_certificate,server.tls_key");
  return true;
}

/* Adds the sockets that systemd handed over for this side: those named "admin", or all others. */
static bool add_systemd(struct listeners *listeners, const struct listener_options *options,
                        struct fault *fault) {
  scope_free char **names = NULL;
  int count = sd_listen_fds_with_names(0, &names);
  bool ok = true;
  bool admin = options->side == TLS_ADMIN;
  for (int i = 0; i < count; i++) {
    scope_free char *name = names[i];
    if (ok && (strcmp(name, "admin") == 0) == admin && listeners->count < MAX_LISTENERS)
      ok = add(listeners, options, SD_LISTEN_FDS_START + i, NULL, fault);
  }
  return ok;
}

static bool add_addresses(struct listeners *listeners, const struct listener_options *options,
                          struct fault *fault) {
  for (size_t i = 0; i < options->addresses->count; i++) {
    int fd = -1;
    char *unlink_path = NULL;
    if (listeners->count == MAX_LISTENERS)
      return fault_set(fault, FAULT_MALFORMED, "more than %d addresses to listen on",
                       MAX_LISTENERS);
    if (!socket_open(options->addresses->items[i], &fd, &unlink_path, fault) ||
        !add(listeners, options, fd, unlink_path, fault))
      return false;
  }
  return true;
}

static bool open_side(struct listeners *listeners, const struct listener_options *options,
                      struct fault *fault) {
  listeners->side.handler = options->handler;
  listeners->side.pool = pool_size(options->handler);
  listeners->side.connections = connections_create(
      &(struct connection_limits){.most = options->max_connections,
                                  .most_of_address = options->max_connections_per_address,
                                  .patience = CONNECTION_PATIENCE});
  if (!listeners->side.connections)
    return fault_no_memory(fault);
  if (!watch_open(exchange_notify, &listeners->side.watch, fault))
    return false;
  for (int64_t i = 0; i < options->threads; i++)
    if (!add_worker(listeners, options, fault))
      return false;
  return acceptor_start(take, listeners, &listeners->acceptor, fault);
}

bool listeners_open(const struct listener_options *options, struct listeners **out,
                    struct fault *fault) {
  struct listeners *listeners =
      calloc(1, sizeof *listeners + (size_t)options->threads * sizeof *listeners->workers);
  if (!listeners)
    return fault_no_memory(fault);
  bool ok = open_side(listeners, options, fault) && add_systemd(listeners, options, fault) &&
            (listeners->count > 0 || add_addresses(listeners, options, fault));
  if (!ok)
    listeners_close(&listeners);
  *out = listeners;
  return ok;
}

void listeners_quiesce(struct listeners *listeners) {
  if (!listeners)
    return;
  acceptor_stop(&listeners->acceptor);
  for (size_t i = 0; i < listeners->count; i++) {
    if (listeners->list[i].socket >= 0)
      close(listeners->list[i].socket);
    listeners->list[i].socket = -1;
  }
}

void listeners_close(struct listeners **address) {
  struct listeners *listeners = steal(*address);
  if (!listeners)
    return;
  listeners_quiesce(listeners);
  exchange_break_open_ends();
  for (size_t i = 0; i < listeners->worker_count; i++)
    MHD_stop_daemon(listeners->workers[i]);
  for (size_t i = 0; i < listeners->count; i++) {
    if (listeners->list[i].unlink_path)
      unlink(listeners->list[i].unlink_path);
    free(listeners->list[i].unlink_path);
  }
  watch_close(&listeners->side.watch);
  connections_release(&listeners->side.connections);
  free(listeners);
}

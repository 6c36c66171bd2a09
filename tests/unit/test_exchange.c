/* What an exchange is given for its reply it releases once, whatever becomes of the reply. On
 * libmicrohttpd, with a socket pair as the connection. */
#include "unit/fixture/unit.h"

#include "base/text.h"
#include "http/exchange_mhd.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID "what is said"

/* One request at a time. */
static atomic_int made, released;
static sem_t read_once, finished_once;

/* --- a body --- */

struct counted {
  struct body body;
  struct exchange *exchange;
  struct view rest;
  bool has_waited;
  enum { ENDS, WAITS_ONCE, WAITS_FOREVER, BREAKS } manner;
};

static enum body_read read_counted(struct body *body, char *buffer, size_t size, size_t *count) {
  struct counted *counted = (struct counted *)body;
  sem_post(&read_once);
  bool waits =
      counted->manner == WAITS_FOREVER || (counted->manner == WAITS_ONCE && !counted->has_waited);
  counted->has_waited = true;
  if (counted->manner == WAITS_ONCE && waits)
    exchange_wake(counted->exchange);
  if (waits)
    return BODY_WAIT;
  if (counted->manner == BREAKS && counted->rest.length < sizeof SAID - 1)
    return BODY_BROKEN;
  if (!counted->rest.length)
    return BODY_END;
  struct view bytes = view_first(view_first(counted->rest, 3), size);
  memcpy(buffer, bytes.at, bytes.length);
  counted->rest = view_from(counted->rest, bytes.length);
  *count = bytes.length;
  return BODY_BYTES;
}

static void release_counted(struct body *body) {
  atomic_fetch_add(&released, 1);
  free(body);
}

static const struct body_kind kind = {read_counted, release_counted};

static void reply_body(struct exchange *exchange, unsigned status, int64_t length, int manner) {
  struct counted *counted = calloc(1, sizeof *counted);
  CHECK(counted);
  *counted = (struct counted){{&kind}, exchange, VIEW(SAID), false, manner};
  atomic_fetch_add(&made, 1);
  struct body *body = &counted->body;
  exchange_reply_body(exchange, status, length, &body);
  CHECK(!body);
}

/* --- the handler: a path is a manner of reply --- */

static struct exchange_limits limits(void *context) {
  (void)context;
  return (struct exchange_limits){{1024, 1024, 16}, 1024, 4096, 1 << 20};
}

static void release_shared(void *context) {
  atomic_fetch_add((atomic_int *)context, 1);
}

static void reply_text(struct exchange *exchange, bool has_failed) {
  struct text text = {0};
  text_add(&text, VIEW(SAID));
  text.failed = has_failed;
  exchange_reply_text(exchange, 200, &text);
  CHECK(!text.at || has_failed);
  text_free(&text);
}

static enum exchange_step step(void *context, struct exchange *exchange) {
  (void)context;
  const int64_t length = sizeof SAID - 1;
  struct view path = exchange_uri(exchange);
  struct body *none = NULL;
  if (view_is(path, "/body"))
    reply_body(exchange, 200, length, ENDS);
  else if (view_is(path, "/unknown-length"))
    reply_body(exchange, 200, EXCHANGE_UNKNOWN_LENGTH, WAITS_ONCE);
  else if (view_is(path, "/not-modified"))
    reply_body(exchange, 304, length, ENDS);
  else if (view_is(path, "/breaks"))
    reply_body(exchange, 200, length, BREAKS);
  else if (view_is(path, "/waits"))
    reply_body(exchange, 200, EXCHANGE_UNKNOWN_LENGTH, WAITS_FOREVER);
  else if (view_is(path, "/refused")) /* libmicrohttpd takes no such status */
    reply_body(exchange, 7, length, ENDS);
  else if (view_is(path, "/no-memory"))
    exchange_reply_body(exchange, 200, length, &none);
  else if (view_is(path, "/constant"))
    exchange_reply_shared(exchange, 200, VIEW(SAID), EXCHANGE_IDENTITY, NULL, NULL);
  else if (view_is(path, "/text") || view_is(path, "/failed-text"))
    reply_text(exchange, view_is(path, "/failed-text"));
  else {
    atomic_fetch_add(&made, 1);
    exchange_reply_shared(exchange, view_is(path, "/shared-refused") ? 7 : 200, VIEW(SAID),
                          EXCHANGE_IDENTITY, release_shared, &released);
  }
  return EXCHANGE_REPLIED;
}

/* A body is released by now; what is shared may be so a little later. */
static void finished(void *context, struct exchange *exchange) {
  (void)context;
  CHECK(view_starts(exchange_uri(exchange), VIEW("/shared")) ||
        atomic_load(&released) == atomic_load(&made));
  sem_post(&finished_once);
}

static const struct exchange_handler handler = {limits, step, finished, NULL, false};
static struct exchange_side side = {.handler = &handler, .pool = 32 * 1024};
static struct MHD_Daemon *daemon_of_test;

static int start(void **state) {
  (void)state;
  struct fault fault;
  sem_init(&read_once, 0, 0);
  sem_init(&finished_once, 0, 0);
  side.connections =
      connections_create(&(struct connection_limits){.most = 10, .patience = CONNECTION_PATIENCE});
  if (!side.connections || !watch_open(exchange_notify, &side.watch, &fault))
    return -1;
  daemon_of_test = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
      NULL, exchange_serve, &side, MHD_OPTION_CONNECTION_MEMORY_LIMIT, side.pool,
      MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, &side, MHD_OPTION_URI_LOG_CALLBACK,
      exchange_uri_came, &side, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &side, MHD_OPTION_END);
  return daemon_of_test ? 0 : -1;
}

static void stop(void) {
  if (daemon_of_test)
    MHD_stop_daemon(daemon_of_test);
  daemon_of_test = NULL;
}

static int end(void **state) {
  (void)state;
  stop();
  watch_close(&side.watch);
  connections_release(&side.connections);
  return 0;
}

/* --- the client --- */

static int ask(const char *method, const char *path) {
  struct sockaddr address = {.sa_family = AF_UNIX};
  char request[200];
  int ends[2], length;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
  assert_int_equal(MHD_add_connection(daemon_of_test, ends[0], &address, sizeof address.sa_family),
                   MHD_YES);
  length = snprintf(request, sizeof request,
                    "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
  assert_int_equal(write(ends[1], request, (size_t)length), length);
  return ends[1];
}

/* All that comes until the connection ends; the caller frees it. */
static char *receive(int socket) {
  struct text reply = {0};
  char bytes[512];
  ssize_t count;
  while ((count = read(socket, bytes, sizeof bytes)) > 0)
    text_add(&reply, (struct view){bytes, (size_t)count});
  close(socket);
  return text_steal(&reply);
}

static const struct {
  const char *method, *path, *begin, *end;
} cases[] = {
    {"GET", "/body", "HTTP/1.1 200", "\r\n\r\n" SAID},
    {"HEAD", "/body", "HTTP/1.1 200", "\r\n\r\n"},
    {"GET", "/unknown-length", "HTTP/1.1 200", "\r\n0\r\n\r\n"},
    {"HEAD", "/unknown-length", "HTTP/1.1 200", "\r\n\r\n"},
    {"GET", "/not-modified", "HTTP/1.1 304", "\r\n\r\n"},
    {"GET", "/breaks", "HTTP/1.1 200", "\r\n\r\nwha"},
    {"GET", "/refused", "", ""},
    {"GET", "/no-memory", "", ""},
    {"GET", "/shared", "HTTP/1.1 200", "\r\n\r\n" SAID},
    {"HEAD", "/shared", "HTTP/1.1 200", "\r\n\r\n"},
    {"GET", "/shared-refused", "", ""},
    {"GET", "/constant", "HTTP/1.1 200", "\r\n\r\n" SAID},
    {"GET", "/text", "HTTP/1.1 200", "\r\n\r\n" SAID},
    {"GET", "/failed-text", "HTTP/1.1 200", "\r\n\r\n"},
};

/* True if nothing follows the head, not even a last chunk. */
static bool is_head(const char *reply) {
  const char *end = strstr(reply, "\r\n\r\n");
  return end && !end[4];
}

static void it_is_released_once(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char *reply = receive(ask(cases[i].method, cases[i].path));
    sem_wait(&finished_once);
    size_t length = strlen(reply), end = strlen(cases[i].end);
    if (!view_starts(view_of(reply), view_of(cases[i].begin)) || length < end ||
        strcmp(reply + length - end, cases[i].end) != 0 || (!end && length) ||
        (view_is(view_of(cases[i].end), "\r\n\r\n") && !is_head(reply)))
      fail_msg("%s %s: '%s'", cases[i].method, cases[i].path, reply);
    free(reply);
  }
}

/* Nothing wakes it but the watch. */
static void it_is_released_when_the_client_leaves(void **state) {
  (void)state;
  while (sem_trywait(&read_once) == 0) {
  }
  int client = ask("GET", "/waits");
  sem_wait(&read_once);
  close(client);
  sem_wait(&finished_once);
}

/* After the daemon's end nothing is left that could release anything. */
static void nothing_is_released_twice_or_never(void **state) {
  (void)state;
  stop();
  assert_int_equal(atomic_load(&released), atomic_load(&made));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_released_once),
      cmocka_unit_test(it_is_released_when_the_client_leaves),
      cmocka_unit_test(nothing_is_released_twice_or_never),
  };
  return cmocka_run_group_tests_name("exchange", tests, start, end);
}

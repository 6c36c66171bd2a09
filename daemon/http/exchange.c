#include "http/exchange.h"

#include "base/clock.h"
#include "base/num.h"
#include "base/scope.h"
#include "base/thread.h"
#include "http/allowance.h"
#include "http/coding.h"
#include "http/exchange_own.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <utlist.h>

/* Bounds the pools of all connections together. After a reply libmicrohttpd fills the connection's
 * whole pool with zeros, so that it takes its full size in memory; before its first request it
 * takes a page or none. */
static struct allowance pools;

/* A longer text is not kept for the next request. */
#define URI_KEPT 4096

/* --- life --- */

static int socket_of(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* The workers' threads are libmicrohttpd's: each becomes prompt with its first connection. */
static void be_prompt(void) {
  static _Thread_local bool is_prompt;
  if (!is_prompt)
    thread_become(THREAD_PROMPT);
  is_prompt = true;
}

void exchange_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode code) {
  const struct exchange_side *side = context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    be_prompt();
    struct client *client = *socket_context = calloc(1, sizeof *client);
    if (client)
      connections_opened(side->connections, &client->connection, socket_of(connection));
    return;
  }
  struct client *client = steal(*socket_context);
  if (!client)
    return;
  connections_closed(side->connections, &client->connection);
  allowance_give(&pools, client->kept);
  text_free(&client->uri);
  free(client);
}

/* NULL if there was no memory for it. */
static struct client *client_of(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Added by us: libmicrohttpd takes only the first Cookie header apart, and finds this one first. */
static const char no_cookies[] = "none";

/* Keeps libmicrohttpd from parsing parameters and cookies, which nobody asks it for. Each of them
 * would take 64 bytes of the connection's pool, which has the size of the head as it arrives. Its
 * source (0.9.75, parse_initial_message_line()) looks at the parameters after this call. */
static void keep_whole(char *uri, struct MHD_Connection *connection) {
  char *mark = strchr(uri, '?');
  if (mark && mark[1])
    mark[1] = '\0';
  (void)MHD_set_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE, no_cookies);
}

void *exchange_uri_came(void *context, const char *uri, struct MHD_Connection *connection) {
  const struct exchange_side *side = context;
  struct client *client = client_of(connection);
  if (client) {
    connections_received(side->connections, &client->connection);
    text_clear(&client->uri);
    text_add(&client->uri, view_of(uri));
  }
  keep_whole((char *)uri, connection);
  return NULL;
}

static struct exchange *exchange_create(const struct exchange_side *side,
                                        struct MHD_Connection *connection) {
  const struct exchange_handler *handler = side->handler;
  struct client *client = client_of(connection);
  if (!client || !text_ok(&client->uri))
    return NULL;
  struct exchange *exchange = &client->exchange;
  memset(exchange, 0, sizeof *exchange);
  exchange->side = side;
  exchange->handler = handler;
  exchange->client = client;
  exchange->connection = connection;
  exchange->limits = handler->limits(handler->context);
  exchange->began = clock_monotonic();
  exchange->body.limit = exchange->limits.body;
  pthread_mutex_init(&exchange->lock, NULL);
  return exchange;
}

/* Replies under way that only the end of the connection ends. */
static struct exchange *open_ends;
static pthread_mutex_t open_ends_lock = PTHREAD_MUTEX_INITIALIZER;

void exchange_open_end(struct exchange *exchange) {
  exchange->has_open_end = true;
  pthread_mutex_lock(&open_ends_lock);
  DL_APPEND(open_ends, exchange);
  pthread_mutex_unlock(&open_ends_lock);
}

/* libmicrohttpd calls shutdown() before close(), which sends a FIN whatever SO_LINGER says. A UNIX
 * socket closes as ever. */
static void reset(struct MHD_Connection *connection) {
  (void)connections_reset(socket_of(connection));
}

/* The connection is about to be shut down. If the reply is not complete (upstream or the store has
 * failed, or the client was too slow for server.idle_timeout), the client must see it. */
static void close_end(struct exchange *exchange, bool completed) {
  if (!exchange->has_open_end)
    return;
  pthread_mutex_lock(&open_ends_lock);
  DL_DELETE(open_ends, exchange);
  if (!completed)
    reset(exchange->connection);
  pthread_mutex_unlock(&open_ends_lock);
}

/* Under the lock none of them can leave, nor its connection be closed. */
void exchange_break_open_ends(void) {
  struct exchange *exchange;
  pthread_mutex_lock(&open_ends_lock);
  DL_FOREACH(open_ends, exchange)
  reset(exchange->connection);
  pthread_mutex_unlock(&open_ends_lock);
}

/* Bounds the request bodies of all requests together: a body is kept before its sender is known. */
static struct allowance bodies;

static void drop_body(struct exchange *exchange) {
  allowance_give(&bodies, exchange->body.length);
  text_free(&exchange->body);
}

/* A query string has a token in it, which need not stay while the connection is idle. */
static void drop_uri(struct text *uri) {
  if (uri->length)
    explicit_bzero(uri->at, uri->length);
  if (uri->capacity > URI_KEPT)
    text_free(uri);
  else
    text_clear(uri);
}

/* Nothing wakes it any more once the watch has ended, the body is released, and the handler has
 * ended its own wakes. */
void exchange_end(void *side, struct MHD_Connection *connection, void **slot,
                  enum MHD_RequestTerminationCode why) {
  (void)side, (void)connection;
  struct exchange *exchange = steal(*slot);
  if (!exchange)
    return;
  watch_end(exchange->side->watch, &exchange->watched);
  close_end(exchange, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  body_release(&exchange->reply); /* may still wake the exchange until it is released */
  exchange->handler->finished(exchange->handler->context, exchange);
  connections_end(exchange->side->connections, &exchange->client->connection);
  for (size_t i = 0; i < exchange->header_count; i++) {
    free(exchange->headers[i].name);
    free(exchange->headers[i].value);
  }
  exchange_ready_release(&exchange->ready);
  drop_uri(&exchange->client->uri);
  drop_body(exchange);
  pthread_mutex_destroy(&exchange->lock);
}

/* --- waiting --- */

/* On the connection's own thread it cannot end before the watch begins. */
bool exchange_suspend(struct exchange *exchange) {
  pthread_mutex_lock(&exchange->lock);
  bool woken = exchange->wait == WOKEN;
  exchange->wait = woken ? RUNNING : SUSPENDED;
  if (!woken)
    MHD_suspend_connection(exchange->connection);
  enum exchange_client present = exchange->present;
  pthread_mutex_unlock(&exchange->lock);
  if (!woken && present != EXCHANGE_CLIENT_GONE)
    watch_begin(exchange->side->watch, &exchange->watched, socket_of(exchange->connection),
                present == EXCHANGE_CLIENT_IN_DOUBT);
  return !woken;
}

void exchange_resumed(struct exchange *exchange) {
  watch_end(exchange->side->watch, &exchange->watched);
}

static void wake_locked(struct exchange *exchange) {
  bool suspended = exchange->wait == SUSPENDED;
  exchange->wait = suspended ? RUNNING : WOKEN;
  if (suspended)
    MHD_resume_connection(exchange->connection);
}

void exchange_wake(struct exchange *exchange) {
  pthread_mutex_lock(&exchange->lock);
  wake_locked(exchange);
  pthread_mutex_unlock(&exchange->lock);
}

void exchange_notify(struct watched *watched, enum watch_event event) {
  struct exchange *exchange =
      (struct exchange *)((char *)watched - offsetof(struct exchange, watched));
  pthread_mutex_lock(&exchange->lock);
  exchange->present = event == WATCH_GONE ? EXCHANGE_CLIENT_GONE : EXCHANGE_CLIENT_IN_DOUBT;
  wake_locked(exchange);
  pthread_mutex_unlock(&exchange->lock);
}

enum exchange_client exchange_client(const struct exchange *exchange) {
  return exchange->present;
}

/* --- the request --- */

static unsigned field_of(struct view name) {
  static const struct {
    struct view name;
    enum exchange_field field;
  } fields[] = {{VIEW(MHD_HTTP_HEADER_CACHE_CONTROL), EXCHANGE_CACHE_CONTROL},
                {VIEW(MHD_HTTP_HEADER_IF_NONE_MATCH), EXCHANGE_IF_NONE_MATCH},
                {VIEW(MHD_HTTP_HEADER_AUTHORIZATION), EXCHANGE_AUTHORIZATION},
                {VIEW(MHD_HTTP_HEADER_ACCEPT_ENCODING), EXCHANGE_ACCEPT_ENCODING},
                {VIEW(MHD_HTTP_HEADER_CONTENT_LENGTH), EXCHANGE_BODY},
                {VIEW(MHD_HTTP_HEADER_TRANSFER_ENCODING), EXCHANGE_BODY}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (num_same_word(name, fields[i].name))
      return fields[i].field;
  return 0;
}

struct reading {
  struct exchange *exchange;
  struct head head;
};

static enum MHD_Result add_to_head(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_length, const char *value, size_t value_length) {
  (void)kind;
  struct reading *reading = context;
  if (value == no_cookies)
    return MHD_YES;
  head_add(&reading->head, (struct view){name, name_length},
           (struct view){value ? value : "", value_length});
  reading->exchange->fields |= field_of((struct view){name, name_length});
  return MHD_YES;
}

/* The pool as 0.9.75 lays it out; later versions parse in another way, and refuse what this finds.
 */
static bool is_placed(void) {
  return strncmp(MHD_get_version(), "0.", 2) == 0;
}

static size_t head_length(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

static void check_head(struct exchange *exchange, const struct head_line *line) {
  struct reading reading = {.exchange = exchange};
  head_begin(&reading.head, &exchange->limits.head, line, is_placed());
  MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, add_to_head, &reading);
  exchange->http_1_1 = reading.head.http_1_1;
  exchange->must_close =
      !head_end(&reading.head, head_length(exchange->connection), &exchange->fault);
}

static enum MHD_Result check_trailer(void *context, enum MHD_ValueKind kind, const char *name,
                                     size_t name_length, const char *value, size_t value_length) {
  (void)kind;
  struct exchange *exchange = context;
  exchange->must_close |=
      !head_check_trailer((struct view){name, name_length},
                          (struct view){value ? value : "", value_length}, &exchange->fault);
  return exchange->must_close ? MHD_NO : MHD_YES;
}

static void check_trailers(struct exchange *exchange) {
  if (exchange->fault.kind == FAULT_NONE)
    MHD_get_connection_values_n(exchange->connection, MHD_FOOTER_KIND, check_trailer, exchange);
}

static void too_large(struct exchange *exchange) {
  fault_set(&exchange->fault, FAULT_BODY_TOO_LARGE,
            "the request's body is larger than %zu bytes (server.max_body)", exchange->limits.body);
}

/* A body that says beforehand that it is too large is refused before it is sent. */
static void check_length(struct exchange *exchange) {
  struct view length = exchange_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
  int64_t bytes;
  if (exchange->fault.kind == FAULT_NONE && length.length && num_integer(length, &bytes) &&
      (uint64_t)bytes > exchange->limits.body)
    too_large(exchange);
}

static void too_crowded(struct exchange *exchange) {
  fault_set(&exchange->fault, FAULT_UNAVAILABLE,
            "the bodies of all requests together are larger than %zu bytes (server.max_bodies); "
            "send the parameters in the URI, or try again",
            exchange->limits.bodies);
  exchange->fault.retry_after = 1;
}

static void add_body(struct exchange *exchange, struct view bytes) {
  if (exchange->fault.kind != FAULT_NONE)
    return; /* what nobody will read is not kept */
  if (bytes.length > exchange->limits.body - exchange->body.length) {
    too_large(exchange);
  } else if (!allowance_take(&bodies, bytes.length, exchange->limits.bodies)) {
    too_crowded(exchange);
  } else {
    text_add(&exchange->body, bytes);
    if (text_ok(&exchange->body))
      return;
    allowance_give(&bodies, bytes.length);
    fault_no_memory(&exchange->fault);
  }
  drop_body(exchange);
}

/* True if the connection may wait for another request. */
static bool may_stay(const struct exchange *exchange) {
  struct client *client = exchange->client;
  size_t pool = exchange->side->pool;
  if (!client->kept && allowance_take(&pools, pool, exchange->limits.kept))
    client->kept = pool;
  return client->kept && !exchange->must_close;
}

static enum MHD_Result send_reply(struct exchange *exchange) {
  CHECK(exchange->response);
  connections_sending(exchange->side->connections, &exchange->client->connection);
  if (!exchange->ready && !may_stay(exchange))
    (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
  enum MHD_Result result =
      MHD_queue_response(exchange->connection, exchange->status, exchange->response);
  if (!exchange->ready)
    MHD_destroy_response(exchange->response);
  exchange->response = NULL;
  return result;
}

bool exchange_may_be_ready(struct exchange *exchange) {
  return may_stay(exchange);
}

/* False if nobody is left to serve: the connection may have been closed to make room. */
static bool begin_step(struct exchange *exchange) {
  exchange_resumed(exchange);
  if (exchange->has_begun)
    return true;
  exchange->has_begun = true;
  return connections_begin(exchange->side->connections, &exchange->client->connection);
}

static enum MHD_Result step(struct exchange *exchange) {
  if (!begin_step(exchange))
    return MHD_NO;
  do {
    if (exchange->handler->step(exchange->handler->context, exchange) == EXCHANGE_REPLIED)
      return exchange->response ? send_reply(exchange) : MHD_NO;
  } while (!exchange_suspend(exchange));
  return MHD_YES;
}

enum MHD_Result exchange_serve(void *side, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **slot) {
  struct exchange *exchange = *slot;
  if (!exchange) {
    exchange = *slot = exchange_create(side, connection);
    if (!exchange)
      return MHD_NO; /* no memory */
    snprintf(exchange->method, sizeof exchange->method, "%s", method);
    check_head(exchange, &(struct head_line){.method = view_of(method),
                                             .version = view_of(version),
                                             .target = exchange_uri(exchange),
                                             .target_at = url});
    check_length(exchange);
    /* With a fault libmicrohttpd answers at once and takes no body. */
    return exchange->fault.kind == FAULT_NONE ? MHD_YES : step(exchange);
  }
  if (*upload_size) {
    connections_received(exchange->side->connections, &exchange->client->connection);
    add_body(exchange, (struct view){upload, *upload_size});
    *upload_size = 0;
    return MHD_YES;
  }
  if (!exchange->is_whole)
    check_trailers(exchange);
  exchange->is_whole = true;
  return step(exchange);
}

struct view exchange_method(const struct exchange *exchange) {
  return view_of(exchange->method);
}

struct view exchange_uri(const struct exchange *exchange) {
  return text_view(&exchange->client->uri);
}

struct view exchange_header(const struct exchange *exchange, const char *name) {
  const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
  return view_of(value ? value : "");
}

bool exchange_has(const struct exchange *exchange, unsigned fields) {
  return exchange->fields & fields;
}

struct header_search {
  const char *name;
  void (*each)(void *context, struct view value);
  void *context;
};

static enum MHD_Result match_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
  (void)kind;
  const struct header_search *search = context;
  if (num_same_word(view_of(name), view_of(search->name)))
    search->each(search->context, view_of(value ? value : ""));
  return MHD_YES;
}

void exchange_headers(const struct exchange *exchange, const char *name,
                      void (*each)(void *context, struct view value), void *context) {
  struct header_search search = {name, each, context};
  MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, match_header, &search);
}

struct view exchange_body(const struct exchange *exchange) {
  return text_view(&exchange->body);
}

const struct fault *exchange_fault(const struct exchange *exchange) {
  return &exchange->fault;
}

int64_t exchange_began(const struct exchange *exchange) {
  return exchange->began;
}

bool exchange_can_chunk(const struct exchange *exchange) {
  return exchange->http_1_1;
}

static void add_coding(void *coding, struct view value) {
  coding_add(coding, value);
}

bool exchange_takes_gzip(const struct exchange *exchange) {
  struct coding coding = CODING_NONE;
  if (!exchange->handler->codes || !exchange->http_1_1 ||
      !exchange_has(exchange, EXCHANGE_ACCEPT_ENCODING))
    return false;
  exchange_headers(exchange, MHD_HTTP_HEADER_ACCEPT_ENCODING, add_coding, &coding);
  return coding_takes_gzip(&coding);
}

void exchange_set_data(struct exchange *exchange, void *data) {
  exchange->data = data;
}

void *exchange_data(const struct exchange *exchange) {
  return exchange->data;
}

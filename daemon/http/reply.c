/* The reply of an exchange: its head, and where its bytes come from. */
#include "base/scope.h"
#include "http/exchange_own.h"
#include "http/gzip.h"

#define BLOCK_SIZE ((size_t)64 * 1024)

void exchange_add_header(struct exchange *exchange, const char *name, const char *value) {
  CHECK(exchange->header_count < MAX_REPLY_HEADERS);
  struct header header = {strdup(name), strdup(value)};
  exchange->headers[exchange->header_count++] = header;
}

/* A 304 states no coding (RFC 9110 15.4.5). */
bool exchange_add_coding(struct MHD_Response *response, unsigned status,
                         enum exchange_coding coding, bool varies) {
  bool ok = !varies || MHD_add_response_header(response, MHD_HTTP_HEADER_VARY,
                                               MHD_HTTP_HEADER_ACCEPT_ENCODING) == MHD_YES;
  if (coding == EXCHANGE_GZIP && status != MHD_HTTP_NOT_MODIFIED)
    ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip") == MHD_YES;
  return ok;
}

/* libmicrohttpd refuses a header with a line's end in it. */
static void add_headers(struct exchange *exchange, enum exchange_coding coding) {
  (void)exchange_add_coding(exchange->response, exchange->status, coding, exchange->handler->codes);
  for (size_t i = 0; i < exchange->header_count; i++) {
    const struct header *header = &exchange->headers[i];
    if (header->name && header->value)
      (void)MHD_add_response_header(exchange->response, header->name, header->value);
  }
}

static void reply_bytes(struct exchange *exchange, struct view bytes, enum exchange_coding coding,
                        void (*release)(void *context), void *context) {
  exchange->response = MHD_create_response_from_buffer_with_free_callback_cls(
      bytes.length, (void *)bytes.at, release, context);
  if (exchange->response)
    add_headers(exchange, coding);
  else if (release)
    release(context);
}

/* Replies with gzip; takes over the text. There is no reply if it has failed: the client may have
 * been promised this coding's entity-tag. */
static void reply_gzip(struct exchange *exchange, struct text *gzip) {
  struct view bytes = text_view(gzip);
  char *stolen = text_steal(gzip);
  if (stolen)
    reply_bytes(exchange, bytes, EXCHANGE_GZIP, free, stolen);
  text_free(gzip);
}

void exchange_reply_shared(struct exchange *exchange, unsigned status, struct view bytes,
                           enum exchange_coding coding, void (*release)(void *context),
                           void *context) {
  CHECK(!exchange->response);
  exchange->status = status;
  if (coding == EXCHANGE_GZIP || !bytes.length || !exchange_takes_gzip(exchange)) {
    reply_bytes(exchange, bytes, coding, release, context);
    return;
  }
  struct text gzip = {0};
  gzip_text(bytes, &gzip);
  if (release)
    release(context);
  reply_gzip(exchange, &gzip);
}

void exchange_reply_ready(struct exchange *exchange, struct exchange_ready **ready) {
  CHECK(!exchange->response);
  exchange->ready = steal(*ready);
  exchange->status = exchange_ready_status(exchange->ready);
  exchange->response = exchange_ready_response(exchange->ready);
}

void exchange_reply_text(struct exchange *exchange, unsigned status, struct text *body) {
  if (!text_ok(body))
    text_clear(body);
  size_t length = body->length;
  char *bytes = text_steal(body);
  struct view view = {bytes ? bytes : "", bytes ? length : 0};
  exchange_reply_shared(exchange, status, view, EXCHANGE_IDENTITY, free, bytes);
}

static ssize_t read_body(void *context, uint64_t position, char *buffer, size_t size) {
  (void)position;
  struct exchange *exchange = context;
  struct connections *connections = exchange->side->connections;
  struct connection *connection = &exchange->client->connection;
  exchange_resumed(exchange);
  if (exchange->present == EXCHANGE_CLIENT_GONE)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  for (;;) {
    size_t count = 0;
    switch (body_read(exchange->reply, buffer, size, &count)) {
    case BODY_BYTES:
      connections_sending(connections, connection);
      return (ssize_t)count;
    case BODY_END:
      return MHD_CONTENT_READER_END_OF_STREAM;
    case BODY_BROKEN:
      return MHD_CONTENT_READER_END_WITH_ERROR;
    case BODY_WAIT:
      connections_waiting(connections, connection);
      if (exchange_suspend(exchange))
        return 0;
    }
  }
}

/* True if the reply is made: its gzip is short, and there. */
static bool reply_short_gzip(struct exchange *exchange, int64_t length, struct body **body) {
  struct text gzip = {0};
  if (length < 0 || length > GZIP_SHORT || !gzip_take_all(*body, &gzip))
    return false;
  body_release(body);
  reply_gzip(exchange, &gzip);
  return true;
}

static bool has_no_body(const struct exchange *exchange) {
  return exchange->status == MHD_HTTP_NOT_MODIFIED || strcmp(exchange->method, "HEAD") == 0;
}

/* libmicrohttpd (0.9.75) sends the last chunk of a chunked reply even if there is no body, and the
 * client would take it for the beginning of the next reply. With this option it leaves the chunks
 * out, and closes the connection. (RFC 9110 9.3.2 allows HEAD to leave out what only GET knows.) */
static void end_without_chunk(struct MHD_Response *response) {
  (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

void exchange_reply_body(struct exchange *exchange, unsigned status, int64_t length,
                         struct body **body) {
  enum exchange_coding coding =
      *body && length && exchange_takes_gzip(exchange) ? EXCHANGE_GZIP : EXCHANGE_IDENTITY;
  CHECK(!exchange->response);
  exchange->status = status;
  exchange->reply = coding == EXCHANGE_GZIP ? gzip_body(body, length) : steal(*body);
  if (!exchange->reply)
    return;
  if (coding == EXCHANGE_GZIP) {
    if (reply_short_gzip(exchange, length, &exchange->reply))
      return;
    length = EXCHANGE_UNKNOWN_LENGTH;
  }
  uint64_t size = length == EXCHANGE_UNKNOWN_LENGTH ? MHD_SIZE_UNKNOWN : (uint64_t)length;
  exchange->response =
      MHD_create_response_from_callback(size, BLOCK_SIZE, read_body, exchange, NULL);
  if (exchange->response) {
    add_headers(exchange, coding);
    if (length == EXCHANGE_UNKNOWN_LENGTH && has_no_body(exchange))
      end_without_chunk(exchange->response);
  }
  if (length == EXCHANGE_UNKNOWN_LENGTH && !exchange->http_1_1)
    exchange_open_end(exchange);
}

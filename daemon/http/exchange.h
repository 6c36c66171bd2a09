/* One request and its reply, on libmicrohttpd.
 *
 *   head and body arrive, bounded ---> handler->step() ---> EXCHANGE_REPLIED: the reply goes out
 *                                        ^      |
 *                        exchange_wake() |      v
 *                                      EXCHANGE_WAIT: the connection is suspended
 *
 * step() and the reads of the reply's body run on the listener's threads, one at a time for one
 * exchange, and may block on the disk only. To wait for anything else they return EXCHANGE_WAIT or
 * BODY_WAIT, and are called again after exchange_wake(), which any thread may call. A wake that
 * comes before the wait is not lost.
 *
 * step() is also called, without a wake, when the client leaves or seems to while the exchange
 * waits: exchange_client() reports which. A reply with a body to a client that has gone ends by
 * itself. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "http/body.h"
#include "http/head.h"

#include <stdint.h>

struct exchange;

enum exchange_step { EXCHANGE_REPLIED, EXCHANGE_WAIT };

/* Limits on a request. */
struct exchange_limits {
  struct head_limits head;
  size_t body, bodies; /* bytes: of this request's body, and of all requests' together */
  size_t kept;         /* bytes: of all connections that stay open after a reply */
};

struct exchange_handler {
  /* Returns the limits of a request that begins. */
  struct exchange_limits (*limits)(void *context);
  /* The request is whole, or was woken, or its client has left. Before it returns EXCHANGE_REPLIED
   * it calls one of the exchange_reply functions, once. */
  enum exchange_step (*step)(void *context, struct exchange *exchange);
  /* The reply has gone out, or the client has gone. The exchange's data must be freed here. */
  void (*finished)(void *context, struct exchange *exchange);
  void *context;
  bool codes; /* replies are gzip where the client takes it, and say that they vary by that */
};

/* --- the request; views hold as long as the exchange --- */
struct view exchange_method(const struct exchange *exchange);
/* The request target as it came, percent-encoding and query included, in whatever form. */
struct view exchange_uri(const struct exchange *exchange);
/* The value of a header (the first, where there are several); empty where there is none. */
struct view exchange_header(const struct exchange *exchange, const char *name);
/* Calls `each` for all headers of that name. */
void exchange_headers(const struct exchange *exchange, const char *name,
                      void (*each)(void *context, struct view value), void *context);
/* Fields that change what is answered, or how: bits of a set. */
enum exchange_field {
  EXCHANGE_CACHE_CONTROL = 1,
  EXCHANGE_IF_NONE_MATCH = 2,
  EXCHANGE_AUTHORIZATION = 4,
  EXCHANGE_ACCEPT_ENCODING = 8,
  EXCHANGE_BODY = 16, /* Content-Length or Transfer-Encoding: a body is announced */
};
/* True if the request has one of these fields, a set of enum exchange_field. */
bool exchange_has(const struct exchange *exchange, unsigned fields);
struct view exchange_body(const struct exchange *exchange);
/* FAULT_NONE, or the fault of the request, such as a limit that it exceeds; then it has no body. */
const struct fault *exchange_fault(const struct exchange *exchange);
/* The time when the request's head had arrived (clock_monotonic()). */
int64_t exchange_began(const struct exchange *exchange);
/* True if the client understands the chunked transfer coding (HTTP/1.1). Otherwise the end of the
 * connection ends a reply of unknown length (RFC 9112 6.3). A broken reply then ends with a TCP
 * reset, which a UNIX socket does not have. */
bool exchange_can_chunk(const struct exchange *exchange);

/* True if a reply will be gzip, unless it has no bytes: the handler codes, and the client takes it
 * (http/coding.h). A client of HTTP/1.0 never gets gzip: the length of a long reply is not known
 * beforehand, and it has no chunks. */
bool exchange_takes_gzip(const struct exchange *exchange);

enum exchange_client {
  EXCHANGE_CLIENT_THERE,
  EXCHANGE_CLIENT_IN_DOUBT, /* it closed its side, and may have left: the watch waits a moment */
  EXCHANGE_CLIENT_GONE,     /* it has left: a reply is lost */
};
/* The state of the client when the exchange was last woken: the watch looks at its socket only
 * while the exchange waits. To be called inside step(). */
enum exchange_client exchange_client(const struct exchange *exchange);

/* The handler's own data; NULL until it is set. The handler frees it in finished(). */
void exchange_set_data(struct exchange *exchange, void *data);
void *exchange_data(const struct exchange *exchange);

/* --- the reply --- */
#define EXCHANGE_UNKNOWN_LENGTH (-1)

enum exchange_coding {
  EXCHANGE_IDENTITY, /* as they are: made gzip where the client takes it */
  EXCHANGE_GZIP,     /* gzip already: only where exchange_takes_gzip() */
};

/* Adds a header to the reply that follows; copies name and value. Drops a header that contains a
 * line's end. At most 16 for one reply. To be called inside step(). */
void exchange_add_header(struct exchange *exchange, const char *name, const char *value);
/* Replies with `bytes` themselves, which must not change; or with their gzip, made anew in memory.
 * Calls `release` once, on any listener's thread, when nothing reads them any more, also if the
 * reply cannot be made; a NULL `release` is for constants. Many replies may share the same bytes:
 * each calls `release` for its own part. */
void exchange_reply_shared(struct exchange *exchange, unsigned status, struct view bytes,
                           enum exchange_coding coding, void (*release)(void *context),
                           void *context);
/* Replies with the text's bytes; takes them over and leaves the text empty. A text that has failed
 * is replied empty: the status alone has to do. */
void exchange_reply_text(struct exchange *exchange, unsigned status, struct text *body);
/* Replies with a body that is read as the client takes it, on a listener's thread. Takes over
 * `*body` and leaves NULL; releases it once, after the last read and before finished(), also where
 * nothing is read: for HEAD and 304, and where the reply cannot be made. A NULL `*body` closes the
 * connection: there was no memory for it. `length` in bytes, or EXCHANGE_UNKNOWN_LENGTH. As gzip, a
 * body of at most GZIP_SHORT bytes is read here and now if it need not wait, so that its reply has
 * a Content-Length, also that to a HEAD and a 304. The length of a longer one is not known. */
void exchange_reply_body(struct exchange *exchange, unsigned status, int64_t length,
                         struct body **body);

/* Wakes an exchange that waits or is about to wait. Any thread; does not block. Not to be called
 * after finished(). */
void exchange_wake(struct exchange *exchange);

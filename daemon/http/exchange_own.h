/* An exchange, as the files of the http room that make it see it: exchange.c has its life and its
 * request, reply.c its reply. */
#pragma once

#include "base/text.h"
#include "http/exchange_mhd.h"

#include <pthread.h>

#define MAX_REPLY_HEADERS 16

struct header {
  char *name, *value;
};

enum wait { RUNNING, WOKEN, SUSPENDED };

struct client;

struct exchange {
  const struct exchange_side *side;
  const struct exchange_handler *handler; /* the side's */
  struct client *client;
  struct MHD_Connection *connection;
  struct exchange_limits limits;
  struct text body;
  bool is_whole; /* all of it has come */
  char method[16];
  bool http_1_1;
  unsigned fields; /* a set of enum exchange_field */
  bool must_close; /* where the next request would begin is not certain */
  struct fault fault;
  int64_t began;
  void *data;

  struct header headers[MAX_REPLY_HEADERS];
  size_t header_count;
  struct MHD_Response *response;
  struct exchange_ready *ready; /* has the response; NULL: the exchange has */
  unsigned status;
  struct body *reply; /* what is read from; NULL where the reply is in memory */
  bool has_open_end;
  struct exchange *next, *prev; /* in `open_ends`, where the reply is such */

  bool has_begun;         /* the request: step() has been called */
  struct watched watched; /* while it is suspended */
  pthread_mutex_t lock;   /* all below, and the calls that suspend and resume */
  enum wait wait;
  enum exchange_client present; /* changed only while it is watched */
};

/* One connection, from request to request. */
struct client {
  struct connection connection;
  struct text uri;          /* of the present request */
  size_t kept;              /* bytes taken of `pools` */
  struct exchange exchange; /* the present one: there is one at a time */
};

/* Suspends the connection until exchange_wake(). False: that was called already. To be called on the
 * connection's own thread. */
bool exchange_suspend(struct exchange *exchange) MUST_CHECK;
/* It was resumed, or has not waited yet. */
void exchange_resumed(struct exchange *exchange);
/* Notes that only the end of the connection will end the reply. */
void exchange_open_end(struct exchange *exchange);

/* What libmicrohttpd calls for each request. Of the http room only: the listener passes these on.
 * The `side` is a struct exchange_side. */
#pragma once

#include "http/ready.h"

#include "http/connections.h"
#include "http/watch.h"

#include <microhttpd.h>

/* What all exchanges of one side share. Must outlive them. */
struct exchange_side {
  const struct exchange_handler *handler;
  struct connections *connections;
  struct watch *watch; /* calls exchange_notify() */
  size_t pool;         /* bytes that libmicrohttpd keeps for a connection */
};

/* For watch_open(): an exchange that waits is watched. */
void exchange_notify(struct watched *watched, enum watch_event event);

/* MHD_OPTION_NOTIFY_CONNECTION: a connection begins or ends. */
void exchange_connection(void *side, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode code);
/* MHD_OPTION_URI_LOG_CALLBACK: a request line has come. libmicrohttpd may still drop the request
 * without another word, so nothing is made yet that only exchange_end() would free. */
void *exchange_uri_came(void *side, const char *uri, struct MHD_Connection *connection);
/* MHD_AccessHandlerCallback: the head (makes the exchange), each part of the body, and the end of
 * the request. */
enum MHD_Result exchange_serve(void *side, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **slot);
/* MHD_OPTION_NOTIFY_COMPLETED: it is over, one way or another; frees the exchange. */
void exchange_end(void *side, struct MHD_Connection *connection, void **slot,
                  enum MHD_RequestTerminationCode why);
/* Adds the headers that follow from the coding of a reply (RFC 9110 8.4, 12.5.5). False: no memory. */
bool exchange_add_coding(struct MHD_Response *response, unsigned status,
                         enum exchange_coding coding, bool varies);
/* Of a reply that is ready; both as long as that. */
unsigned exchange_ready_status(const struct exchange_ready *ready);
struct MHD_Response *exchange_ready_response(const struct exchange_ready *ready);
/* Resets the connections of replies under way whose end nothing tells but the connection's: to be
 * called before libmicrohttpd is stopped, which ends all of them orderly. Any thread. */
void exchange_break_open_ends(void);

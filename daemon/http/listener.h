/* The listeners of one side: TCP, UNIX, or handed over by systemd. One thread accepts on all of
 * them (http/acceptor.h) and gives each connection to one of `threads` workers of libmicrohttpd,
 * which serves it to its end. */
#pragma once

#include "http/exchange.h"
#include "http/tls.h"
#include "settings/settings.h"

struct listeners;

struct listener_options {
  enum tls_side side;                     /* also selects among systemd's sockets */
  const struct settings_list *addresses;  /* used if systemd handed over no socket */
  const struct exchange_handler *handler; /* must outlive the listeners */
  int64_t threads;                        /* workers, for all addresses */
  int64_t max_connections;                /* of all listeners together (http/connections.h) */
  int64_t max_connections_per_address;    /* the same of one client; 0: no limit */
  int64_t idle_timeout;                   /* seconds */
  bool tls;        /* with the certificate that tls_show() has for the side */
  bool local_only; /* refuse a socket that other machines can reach */
};

/* Opens all listeners and starts to serve. Logs each with its address. Blocks; from the main
 * thread. The caller gives *out up with listeners_close(). */
bool listeners_open(const struct listener_options *options, struct listeners **out,
                    struct fault *fault) MUST_CHECK;

/* Stops accepting; open connections go on. NULL is allowed. */
void listeners_quiesce(struct listeners *listeners);

/* Closes everything. Every exchange must have ended, or have been woken for its end. Leaves NULL;
 * NULL is allowed. */
void listeners_close(struct listeners **listeners);

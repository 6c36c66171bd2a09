/* Listening sockets of one side: TCP, UNIX, or handed over by systemd. One thread accepts on all of
 * them (http/acceptor.h) and gives each connection to one of `threads` workers of libmicrohttpd,
 * which serves it to its end. */
#pragma once

#include "http/exchange.h"
#include "http/tls.h"
#include "settings/settings.h"

struct listeners;

struct listener_options {
  enum tls_side side;                     /* also which of systemd's sockets are meant */
  const struct settings_list *addresses;  /* used where systemd handed over no socket */
  const struct exchange_handler *handler; /* must outlive the listeners */
  int64_t threads;                        /* workers, for all addresses */
  int64_t max_connections; /* of all listeners; the longest idle makes room (connections.h) */
  int64_t idle_timeout;    /* seconds */
  bool tls;                /* show what tls_show() was given for the side */
  bool local_only;         /* refuse a socket that can be reached from other machines */
};

/* Opens all of them and begins to serve. Logs each with its address. */
bool listeners_open(const struct listener_options *options, struct listeners **out,
                    struct fault *fault) MUST_CHECK;

/* Accepts no more connections; those that are open go on. */
void listeners_quiesce(struct listeners *listeners);

/* Closes; every exchange must be over or woken for good. Leaves NULL; NULL is allowed. */
void listeners_close(struct listeners **listeners);

/* The sockets to upstream, beside libcurl's own list of connections. libcurl 7.88 with GnuTLS does
 * not notice that a TLS connection was closed while it was idle (cf_ssl_is_alive() takes "not
 * known" for "alive"). It sends on such a connection, and then sends the request a second time,
 * although the first may have been charged.
 *
 * libcurl 7.88 does not report that it closes a socket which was never connected (after a connect
 * timeout, say). Such a socket stays listed until sockets_free(), or until its number comes again.
 *
 * All functions are called on the transfer thread. */
#pragma once

#include "base/check.h"

#include <stdbool.h>

struct socket_entry {
  int fd;
  bool used; /* a request was sent on it */
};

struct sockets {
  struct socket_entry *entries;
  unsigned count, capacity;
};

/* Frees the list; closes no socket. Does not block. */
void sockets_free(struct sockets *sockets);

/* Adds a new socket. It replaces a listed one with the same number. False: no memory. Does not
 * block. */
bool sockets_add(struct sockets *sockets, int fd) MUST_CHECK;
/* Removes a socket; a socket that is not listed is allowed. Does not block. */
void sockets_remove(struct sockets *sockets, int fd);

/* The ends of a connection: numeric addresses and ports, as libcurl reports them before it sends.
 */
struct socket_ends {
  const char *local, *remote;
  int local_port, remote_port;
};

/* True if a request may be sent on the connection with these ends, which then counts as used. False
 * if the other end has closed it, if it is not listed, or if it was used before and bytes have come
 * since: they would be taken for the answer (RFC 9112 9.2). Does not block. */
bool sockets_use(struct sockets *sockets, const struct socket_ends *ends) MUST_CHECK;

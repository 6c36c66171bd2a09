/* The sockets to upstream, beside libcurl's own list of its connections: libcurl 7.88 with GnuTLS
 * cannot tell that a TLS connection was closed while it was idle (cf_ssl_is_alive() takes "not
 * known" for "alive"), sends on it, and sends a second time what may have been charged.
 *
 * All of it belongs to the transfer thread. */
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

/* Frees the list, not what it lists. Does not block. */
void sockets_free(struct sockets *sockets);

/* Notes a new socket. False: no memory. Does not block. */
bool sockets_add(struct sockets *sockets, int fd) MUST_CHECK;
/* Forgets one; one that is not listed is allowed. Does not block. */
void sockets_remove(struct sockets *sockets, int fd);

/* One connection: numeric addresses and ports, as libcurl tells them before it sends. */
struct socket_ends {
  const char *local, *remote;
  int local_port, remote_port;
};

/* Whether a request may be sent on the connection with these ends, which is then noted as used. Not
 * where its other end has closed it; and not where it was used before and anything has come since
 * (RFC 9112 9.2: it would be taken for the answer), or where it is not listed. Does not block. */
bool sockets_use(struct sockets *sockets, const struct socket_ends *ends) MUST_CHECK;

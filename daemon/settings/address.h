/* An address to listen on, as the configuration and the listener share it. Pure: no name is looked
 * up, so an address is numeric, or `localhost` for 127.0.0.1. */
#pragma once

#include "base/fault.h"

#include <sys/socket.h>

enum address_kind { ADDRESS_INET, ADDRESS_INET6, ADDRESS_UNIX };

struct address {
  enum address_kind kind;
  struct sockaddr_storage storage; /* for bind(2) */
  socklen_t length;
};

/* "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "unix:/run/rowcache/client.sock". Port 0 lets
 * the system pick one. */
bool address_parse(const char *text, struct address *out, struct fault *fault) MUST_CHECK;

/* True for 127.0.0.0/8 and ::1; false for a UNIX socket. */
bool address_is_loopback(const struct address *address);

/* True if a connection to it ends on this machine: loopback, a UNIX socket, or a wildcard address. */
bool address_is_here(const struct address *address);

/* True if both cannot be bound at the same time. Port 0 never conflicts; a wildcard address is
 * compared like any other. */
bool address_same(const struct address *a, const struct address *b);

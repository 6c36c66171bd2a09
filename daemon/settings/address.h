/* Where to listen, in the one form that the configuration and the listener share. Pure: nothing is
 * looked up, so an address is numeric, or `localhost` for 127.0.0.1. */
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

/* 127.0.0.0/8 or ::1. A UNIX socket is not one; ask its kind. */
bool address_is_loopback(const struct address *address);

/* Whether who connects to it reaches this machine: loopback, a UNIX socket, or every address there
 * is.
 */
bool address_is_here(const struct address *address);

/* Whether binding the second would find the first in the way. Port 0 is never in the way; a
 * wildcard address is compared like any other. */
bool address_same(const struct address *a, const struct address *b);

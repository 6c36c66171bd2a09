/* A connection to a listener of the running daemon.
 *
 * A secret (a token, or that of admin.token_file) is sent to the daemon only. With a certificate in
 * the configuration its key proves the daemon. Without, the address is on this machine, where any
 * process may listen while no daemon does:
 *
 *   the state directory's lock    | is sent               | check after connecting
 *   free                          | nothing               |
 *   held, or the directory is     | everything            | the user of the listening process, for
 *   another user's                |                       | a UNIX socket or if a secret is sent
 *   never created                 | requests that hold    | the same
 *                                 | no secret             |
 *
 * That user must be the owner of the state directory, root, or the caller's. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "settings/address.h"
#include "settings/settings.h"

#include <curl/curl.h>

/* One of the daemon's two listeners. */
struct link_side {
  const char *key;                           /* of the addresses: "admin.listen" */
  const char *certificate_key, *certificate; /* certificate: a file; "" without TLS */
  const struct settings_list *listen;
  bool is_secret; /* a token will be sent */
};

/* For one request. */
struct link {
  struct link_side side;
  const char *directory; /* state.directory */
  const char *where;     /* the address as it is configured: the side's first one */
  struct address address;
  CURL *easy;  /* for further options, between link_open() and link_send() */
  bool absent; /* no daemon runs at this address of this machine; nothing was sent */

  /* link.c only */
  struct text url;
  curl_socket_t socket;
  bool refused; /* the peer was refused, with `fault` */
  struct fault fault;
};

/* Prepares a request to the first address of `side`, of which the strings are borrowed. The caller
 * closes the link in both cases. Blocks on the disk. */
bool link_open(struct link *link, const struct settings *settings, const struct link_side *side,
               struct fault *fault) MUST_CHECK;

/* Sends the request for `path` (with its query string) and reads the answer, whatever its status.
 * False: no answer, or not all of it. Blocks. */
bool link_send(struct link *link, struct view path, struct fault *fault) MUST_CHECK;

/* The HTTP status of the answer; 0: none came. */
long link_status(const struct link *link);

void link_close(struct link *link);

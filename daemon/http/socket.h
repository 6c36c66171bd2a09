/* Listening sockets: TCP and UNIX. */
#pragma once

#include "base/fault.h"

/* Binds a socket to `text` (settings/address.h) and listens. *out is the caller's to close;
 * *unlink_path becomes the path of a UNIX socket, to unlink after that and to free(), and is left
 * alone otherwise. A UNIX socket that a dead process left behind is replaced. Blocks for a
 * connect(2) to that one at most. FAULT_MALFORMED, FAULT_UNAVAILABLE. */
bool socket_open(const char *text, int *out, char **unlink_path, struct fault *fault) MUST_CHECK;

#define SOCKET_NAME_SIZE 160
/* Writes the address of a socket, for the log: "127.0.0.1:8080", "[::1]:8080", "unix:/path". */
void socket_describe(int fd, char out[SOCKET_NAME_SIZE]);

/* True if only this machine can reach the socket: it is a UNIX socket, or on the loopback. */
bool socket_is_private(int fd);

/* The user of the process at the other end of a connection on this machine. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <sys/socket.h>

/* `fd`: a connected socket. For a UNIX socket `*user` is the user that called listen(2) (SO_PEERCRED,
 * unix(7)); for TCP, the owner of the listening socket in /proc/net/tcp and tcp6 (proc(5)). Fails if
 * the kernel does not tell, or names several users. Blocks on /proc. */
bool peer_user(int fd, uid_t *user, struct fault *fault) MUST_CHECK;

/* Finds the user in one of those tables, for peer_user(): of the sockets that listen where a
 * connection to `peer` (AF_INET or AF_INET6) would arrive. Increments `*count` for each such socket;
 * false if two of them have different users. `*user` is set if `*count` is not 0. Pure. */
bool peer_find(struct view table, const struct sockaddr *peer, uid_t *user, int *count) MUST_CHECK;

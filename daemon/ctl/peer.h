/* The process at the other end of a connection on this machine: its user. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <sys/socket.h>

/* `fd`: a connected socket. Of a UNIX socket it is the user that listen(2) was called by
 * (SO_PEERCRED, unix(7)); of TCP, the owner of the listening socket in /proc/net/tcp and tcp6
 * (proc(5)). Fails where the kernel does not tell, or tells of several users. Blocks on /proc. */
bool peer_user(int fd, uid_t *user, struct fault *fault) MUST_CHECK;

/* What peer_user() makes of one of those tables: of the sockets that listen where a connection to
 * `peer` (AF_INET or AF_INET6) would end, the user. `*count` grows by one for each such socket;
 * false when two of them have different users. `*user` is set where `*count` is not 0. Pure. */
bool peer_find(struct view table, const struct sockaddr *peer, uid_t *user, int *count) MUST_CHECK;

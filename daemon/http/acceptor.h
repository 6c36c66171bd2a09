/* Accepts connections on listening sockets, in a thread of its own.
 *
 * libmicrohttpd could listen itself. But in 0.9.75 it has a race when it stops listening while
 * connections go on: MHD_quiesce_daemon() and a worker may both remove the socket from the worker's
 * epoll set, and the second one aborts the process in the middle of a drain. */
#pragma once

#include "base/fault.h"

#include <sys/socket.h>

struct acceptor;

/* Takes over `connection`, a connected socket (non-blocking, close-on-exec), with the address of
 * its peer. On the acceptor's thread; must not block. */
typedef void acceptor_take(void *context, int connection, const struct sockaddr *peer,
                           socklen_t length);

/* Starts the thread. False with a fault: no memory, no descriptor, no thread. */
bool acceptor_start(acceptor_take *take, void *context, struct acceptor **out,
                    struct fault *fault) MUST_CHECK;

/* Accepts on `listening` too, from now on. The socket becomes non-blocking and stays the caller's.
 * Any thread. FAULT_UNAVAILABLE: epoll refuses it. */
bool acceptor_add(struct acceptor *acceptor, int listening, struct fault *fault) MUST_CHECK;

/* Ends the thread: after this, `take` is not running and will not be called. The listening sockets
 * stay open. Leaves NULL; NULL is allowed. Not to be called from `take`. */
void acceptor_stop(struct acceptor **acceptor);

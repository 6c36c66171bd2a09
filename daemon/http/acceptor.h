/* Accepts connections on listening sockets, in a thread of its own.
 *
 * libmicrohttpd could listen itself. But to stop listening while connections go on is a race in
 * 0.9.75: MHD_quiesce_daemon() and a worker may both take the socket out of the worker's epoll set,
 * and the second one aborts the process, in the middle of a drain. */
#pragma once

#include "base/fault.h"

#include <sys/socket.h>

struct acceptor;

/* Takes over `connection`, a socket (non-blocking, close-on-exec) whose peer has this address. On
 * the acceptor's thread; must not block. */
typedef void acceptor_take(void *context, int connection, const struct sockaddr *peer,
                           socklen_t length);

/* Starts the thread. False with a fault: no memory, no descriptor, no thread. */
bool acceptor_start(acceptor_take *take, void *context, struct acceptor **out,
                    struct fault *fault) MUST_CHECK;

/* Accepts on `listening` too, from now on; it becomes non-blocking, and stays the caller's. Any
 * thread. FAULT_UNAVAILABLE: it cannot be watched. */
bool acceptor_add(struct acceptor *acceptor, int listening, struct fault *fault) MUST_CHECK;

/* Ends the thread: when this returns, `take` is not running and will not be called. The listening
 * sockets stay open. Leaves NULL; NULL is allowed. Not from `take`. */
void acceptor_stop(struct acceptor **acceptor);

/* The connections that one side has open: at most so many, and none of those that wait for nothing
 * keeps another one out.
 *
 *   opened --> IDLE <---> BUSY --> closed
 *               '--> CLOSING ------^
 *
 * IDLE     no whole request of it is under way; since its last byte, or its last reply.
 * BUSY     from the moment its request is whole until its reply has gone out.
 * CLOSING  it had been idle the longest when there was no room; its socket was shut down, and
 *          libmicrohttpd will find it closed. It counts no more.
 *
 * Where all are busy there is nobody to close but the newcomer. libmicrohttpd cannot do this: at
 * its own limit it stops accepting.
 *
 * Any thread; nothing blocks on more than a short lock. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

struct connections;

struct connection {
  struct { /* the registry's own */
    int socket;
    enum { CONNECTION_IDLE, CONNECTION_BUSY, CONNECTION_CLOSING } state;
    struct connection *next, *prev; /* while IDLE */
  } own;
};

/* At most `most` (1 or more) at a time. NULL: no memory. */
struct connections *connections_create(int64_t most) MUST_CHECK;
/* All must be closed. Leaves NULL; NULL is allowed. */
void connections_release(struct connections **connections);

/* A new one, idle; its owner keeps it, and its socket open, until connections_closed(). */
void connections_opened(struct connections *connections, struct connection *connection, int socket);
void connections_closed(struct connections *connections, struct connection *connection);

/* Bytes of a request came that is not whole yet. */
void connections_moved(struct connections *connections, struct connection *connection);
/* Its request is whole; false: it is being closed, and nothing may be done for it any more. */
bool connections_begin(struct connections *connections, struct connection *connection) MUST_CHECK;
/* Its reply has gone out, and another request may come. */
void connections_end(struct connections *connections, struct connection *connection);

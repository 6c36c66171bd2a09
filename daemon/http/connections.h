/* The connections that one side has open: at most so many, and none of those that wait for nothing
 * keeps another one out.
 *
 *   opened --> IDLE <--> BUSY <--> SENDING --> closed
 *               '--> CLOSING <------' ---------^
 *
 * IDLE     no whole request of it is under way; since its last byte, or its last reply.
 * BUSY     its request is whole, and the next part of its reply is not there yet.
 * SENDING  its client has to take a part of the reply, since that was given to libmicrohttpd.
 * CLOSING  it had been idle the longest when there was no room; its connection was ended, and
 *          libmicrohttpd will find it so. It counts no more.
 *
 * Where none is idle, one whose client has taken nothing for a while is closed: a stranger could
 * otherwise hold all of them for server.idle_timeout, by not reading what it is told. Where there
 * is none either, there is nobody to close but the newcomer. libmicrohttpd cannot do this: at its
 * own limit it stops accepting.
 *
 * Any thread; nothing blocks on more than a short lock. */
#pragma once

#include "base/clock.h"
#include "base/fault.h"

#include <stdint.h>

struct connections;

struct connection {
  struct { /* the registry's own */
    int socket;
    enum { CONNECTION_IDLE, CONNECTION_BUSY, CONNECTION_SENDING, CONNECTION_CLOSING } state;
    int64_t since;                  /* while SENDING: the part was given (clock_monotonic()) */
    struct connection *next, *prev; /* while IDLE or SENDING */
  } own;
};

/* A client that takes nothing of its reply for so long may be closed to make room. */
#define CONNECTION_PATIENCE (2 * CLOCK_SECOND)

/* At most `most` (1 or more) at a time; `patience` in nanoseconds. NULL: no memory. */
struct connections *connections_create(int64_t most, int64_t patience) MUST_CHECK;
/* All must be closed. Leaves NULL; NULL is allowed. */
void connections_release(struct connections **connections);

/* A new one, idle; its owner keeps it, and its socket open, until connections_closed(). */
void connections_opened(struct connections *connections, struct connection *connection, int socket);
void connections_closed(struct connections *connections, struct connection *connection);

/* Bytes of a request came that is not whole yet. */
void connections_moved(struct connections *connections, struct connection *connection);
/* Its request is whole; false: it is being closed, and nothing may be done for it any more. */
bool connections_begin(struct connections *connections, struct connection *connection) MUST_CHECK;
/* Its client has to take a part of the reply, the first one or the next. */
void connections_sending(struct connections *connections, struct connection *connection);
/* The client has taken all that there is, and more of the reply has to come. */
void connections_waiting(struct connections *connections, struct connection *connection);
/* Its reply has gone out, and another request may come. */
void connections_end(struct connections *connections, struct connection *connection);

/* Ends a TCP connection with a reset, whatever is still to be sent. False: it is none, or has ended
 * already. */
bool connections_reset(int socket);

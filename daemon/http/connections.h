/* Limits the open connections of one side, in all and of each client address (http/peers.h). At the
 * first limit, the connection that has been idle the longest makes room for a new one; at the second
 * the new one is closed.
 *
 *   opened --> IDLE <--> BUSY <--> SENDING --> closed
 *               '--> CLOSING <------' ---------^
 *
 * IDLE     has no complete request; ordered by its last byte received, or its last reply sent.
 * BUSY     has a complete request, and waits for the next part of the reply.
 * SENDING  libmicrohttpd has a part of the reply that the client has not read yet.
 * CLOSING  was closed to make room, or as one too many. Its socket was shut down, and libmicrohttpd
 *          will notice. It no longer counts.
 *
 * If no connection is idle, one whose client has read nothing for a while is closed: otherwise a
 * stranger could hold all connections for server.idle_timeout by not reading replies. If there is
 * none of these either, the new connection is closed. libmicrohttpd cannot do this: at its own
 * limit it stops accepting.
 *
 * The connections of each thread are a group with a lock of its own, so threads do not wait for each
 * other. Only at the limit does a newcomer look at all groups. Of connections of two threads, the
 * order is known to some milliseconds.
 *
 * Any thread; nothing blocks on more than a short lock. */
#pragma once

#include "base/clock.h"
#include "base/fault.h"

#include <stdint.h>

struct connections;
struct peer;

struct connection {
  struct { /* private to connections.c */
    int socket;
    unsigned group;    /* of the thread that opened it */
    struct peer *peer; /* its client's address; NULL: it counts towards none */
    enum { CONNECTION_IDLE, CONNECTION_BUSY, CONNECTION_SENDING, CONNECTION_CLOSING } state;
    int64_t since;                  /* of IDLE and SENDING (clock_coarse()) */
    struct connection *next, *prev; /* while IDLE or SENDING */
  } own;
};

/* A client that does not read the part of its reply that libmicrohttpd has for this long may be
 * closed to make room. A part has 1 MiB at most (serve/ready.h). */
#define CONNECTION_PATIENCE (2 * CLOCK_SECOND)

struct connection_limits {
  int64_t most;            /* connections at a time, 1 or more */
  int64_t most_of_address; /* the same of one client address; 0: no limit */
  int64_t patience;        /* nanoseconds (CONNECTION_PATIENCE) */
};

/* Copies `limits`. NULL: no memory. */
struct connections *connections_create(const struct connection_limits *limits) MUST_CHECK;
/* All must be closed. Leaves NULL; NULL is allowed. */
void connections_release(struct connections **connections);

/* Adds a new connection, idle, to the group of the calling thread. Its owner keeps it, and its
 * socket open, until connections_closed(). */
void connections_opened(struct connections *connections, struct connection *connection, int socket);
void connections_closed(struct connections *connections, struct connection *connection);

/* Part of a request was received. */
void connections_received(struct connections *connections, struct connection *connection);
/* The request is complete. False: the connection is being closed, and must not be served. */
bool connections_begin(struct connections *connections, struct connection *connection) MUST_CHECK;
/* libmicrohttpd was given a part of the reply, the first or the next. */
void connections_sending(struct connections *connections, struct connection *connection);
/* The client has read everything so far, and the reply goes on. */
void connections_waiting(struct connections *connections, struct connection *connection);
/* The reply was sent; another request may follow. */
void connections_end(struct connections *connections, struct connection *connection);

/* Resets a TCP connection and drops unsent data. False: it is no TCP connection, or has ended
 * already. */
bool connections_reset(int socket);

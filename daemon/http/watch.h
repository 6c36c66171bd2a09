/* Notices clients that disconnect while their connections are suspended, when libmicrohttpd does
 * not poll the socket. One thread with an epoll set.
 *
 *   watch_begin() --- nothing happens ----------------------------> watch_end()
 *        |--- the client closed its side ---> IN_DOUBT, once          ^
 *        |         | watch_begin() again, with that known             |
 *        |         '--- WATCH_GRACE_MS later ---> GONE ---------------|
 *        '--- the connection was reset ---------> GONE ---------------'
 *
 * A client that has closed its connection looks like one that only stops sending
 * (shutdown(SHUT_WR)) until something is sent to it: both have sent a FIN (RFC 9293 3.6). The
 * second is still served if its answer comes within the grace period; nginx does not wait at all.
 * Received bytes, such as those of the next request, are no disconnect. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

/* The grace period: less than the two seconds within which a dead connection is to be released. */
#define WATCH_GRACE_MS 1000

enum watch_event { WATCH_IN_DOUBT, WATCH_GONE };

struct watch;

/* One watched connection; its owner keeps it from watch_begin() to watch_end(). */
struct watched {
  struct { /* private to watch.c */
    int socket;
    uint32_t number; /* differs from earlier connections with the same socket; 0: not watched */
    int64_t deadline;
    struct watched *next, *prev;
  } own;
};

/* Reports an event. Called on the watch's thread with its lock held: must neither block nor call
 * the watch. At most once for each watch_begin(). */
typedef void watch_notify(struct watched *watched, enum watch_event event);

bool watch_open(watch_notify *notify, struct watch **out, struct fault *fault) MUST_CHECK;
/* Ends the thread. No connection may be watched any more. Leaves NULL; NULL is allowed. */
void watch_close(struct watch **watch);

/* Watches an open socket. `in_doubt`: it is known that the client closed its side, and the grace
 * period starts now. Without memory the connection is not watched, and a disconnect is noticed when
 * something is sent. Any thread; blocks no longer than a `notify` takes. */
void watch_begin(struct watch *watch, struct watched *watched, int socket, bool in_doubt);
/* Afterwards `notify` is not running and will not be called. To be called before the socket is
 * closed. Allowed for a connection that is not watched (all zeros). */
void watch_end(struct watch *watch, struct watched *watched);

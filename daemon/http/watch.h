/* Notices clients that leave while their connections are suspended, when libmicrohttpd looks at no
 * socket. One thread with an epoll set.
 *
 *   watch_begin() --- nothing happens ----------------------------> watch_end()
 *        |--- the client closed its side ---> told IN_DOUBT, once     ^
 *        |         | watch_begin() again, with that known             |
 *        |         '--- WATCH_GRACE_MS later ---> told GONE ----------|
 *        '--- the connection was reset ---------> told GONE ----------'
 *
 * A client that has closed its connection cannot be told from one that has only said that it will
 * send no more (shutdown(SHUT_WR)), until something is sent to it: both have sent a FIN (RFC 9293
 * 3.6). The second kind is still served when its answer comes within the grace; nginx does not wait
 * at all. Bytes that came, such as those of the next request, are no disconnect. */
#pragma once

#include "base/fault.h"

#include <stdint.h>

/* Leaves something of the two seconds in which a dead connection is to be released. */
#define WATCH_GRACE_MS 1000

enum watch_event { WATCH_IN_DOUBT, WATCH_GONE };

struct watch;

/* One connection that is watched; its owner keeps it from watch_begin() to watch_end(). */
struct watched {
  struct { /* the watch's own */
    int socket;
    uint32_t number; /* tells it from others that had the same socket; 0: not watched */
    int64_t deadline;
    struct watched *next, *prev;
  } own;
};

/* Called on the watch's thread, with its lock taken: must not call back, nor block. At most once
 * for each watch_begin(). */
typedef void watch_told(struct watched *watched, enum watch_event event);

bool watch_open(watch_told *told, struct watch **out, struct fault *fault) MUST_CHECK;
/* Nothing may be watched any more. Leaves NULL; NULL is allowed. */
void watch_close(struct watch **watch);

/* Watches an open socket. `in_doubt`: that its client closed its side is known, and the grace runs
 * from now on. Without memory it is not watched, and the client's absence is noticed when something
 * is sent to it. Any thread; blocks for no longer than a `told` takes. */
void watch_begin(struct watch *watch, struct watched *watched, int socket, bool in_doubt);
/* Afterwards `told` is not running and will not be called. Before the socket is closed. Allowed for
 * one that is not watched (all zeros). */
void watch_end(struct watch *watch, struct watched *watched);

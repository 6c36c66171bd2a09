/* Counts the open connections of each client address, so that none has more than its limit.
 *
 * An IPv4 address is one client. Of an IPv6 address the first 64 bits are, as a client chooses the
 * others itself. A client at a UNIX socket has no address and is not counted.
 *
 * Any thread; nothing blocks on more than a short lock. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peers;
struct peer; /* an address with connections */

/* At most `most` (1 or more) connections of an address. NULL: no memory. */
struct peers *peers_create(int64_t most) MUST_CHECK;
/* All must have left. Leaves NULL; NULL is allowed. */
void peers_release(struct peers **peers);

/* Counts a connection from `address`, until peers_leave(). `*out`: NULL if it is not counted, as it
 * has no address or there is no memory. False: it would be one too many, and is not counted. */
bool peers_join(struct peers *peers, const struct sockaddr *address, struct peer **out) MUST_CHECK;
/* Leaves NULL; a `*peer` of NULL is allowed. */
void peers_leave(struct peers *peers, struct peer **peer);

/* The admin listener's routes: health, metrics, and what rowcachectl asks.
 *
 *   exchange -> from a browser of somebody else's page? -> route (tables/routes.def) -> function
 *
 * A request is answered at once, on the listener's thread; its function may wait for the disk. One
 * that has to wait for upstream (reconcile) suspends its connection, and its route is run again
 * when it is woken.
 *
 * Without admin.token_file the listener asks nobody who they are: it is for this machine, or for a
 * UNIX socket with its permissions. What comes from this machine may still be a browser that shows
 * a stranger's page, so three things are refused before anything is looked at (admin/guard.h): a
 * Host that is a name other than localhost, a request that the browser says another page sent, and
 * an Origin where something would change. With a token the Host may be any: no stranger's page
 * knows the token. */
#pragma once

#include "http/exchange.h"

struct secret;
struct serve;
struct admin;

/* `serve` must outlive it. `token`: what every request must carry, but those to /health; NULL: they
 * need none. Takes a reference of it. Not ready until admin_set_ready(). */
bool admin_create(struct serve *serve, struct secret *token, struct admin **out,
                  struct fault *fault) MUST_CHECK;
/* Leaves NULL; NULL is allowed. The listener must be closed. */
void admin_release(struct admin **admin);

/* What the admin listener calls. Lives as long as `admin`. */
const struct exchange_handler *admin_handler(struct admin *admin);

/* Another token from now on; takes a reference. Any thread. */
void admin_set_token(struct admin *admin, struct secret *token);

/* Whether /health says "ok", while the daemon is not draining. Any thread; does not block. */
void admin_set_ready(struct admin *admin, bool ready);

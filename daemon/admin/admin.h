/* The admin listener's routes: health, metrics, and what rowcachectl asks.
 *
 *   exchange -> from a browser of somebody else's page? -> route (tables/routes.def) -> function
 *
 * Every request is answered at once, on the listener's thread; its functions may wait for the disk.
 *
 * The listener asks for no password: it is for this machine, or for a UNIX socket with its
 * permissions. What comes from this machine may still be a browser that shows a stranger's page, so
 * two things are refused before anything is looked at (admin/guard.h): a Host that is a name other
 * than localhost, and an Origin where something would change. */
#pragma once

#include "http/exchange.h"

struct serve;
struct admin;

/* `serve` must outlive it. Not ready until admin_set_ready(). */
bool admin_create(struct serve *serve, struct admin **out, struct fault *fault) MUST_CHECK;
/* Leaves NULL; NULL is allowed. The listener must be closed. */
void admin_release(struct admin **admin);

/* What the admin listener calls. Lives as long as `admin`. */
const struct exchange_handler *admin_handler(struct admin *admin);

/* Whether /health says "ok", while the daemon is not draining. Any thread; does not block. */
void admin_set_ready(struct admin *admin, bool ready);

/* The admin listener: health, metrics, and the routes that rowcachectl uses.
 *
 *   exchange -> admit.h: may this request be answered? -> route.h (tables/routes.def) -> function
 *
 * A request is answered at once, on the listener's thread; its function may block on the disk. A
 * request that must wait for upstream (reconcile, probe) suspends its connection, and its route
 * runs again when it is woken.
 *
 * Without admin.token_file the listener does not authenticate: it is for this machine, or for a
 * UNIX socket with its permissions. A request from this machine may still come from a browser that
 * shows a stranger's page, so admin/guard.h refuses a Host that is a name other than localhost, a
 * request that the browser attributes to another page, and an Origin. With a token any Host is
 * accepted: no stranger's page knows the token. */
#pragma once

#include "http/exchange.h"

#include "observe/counters.h"
#include "observe/trace.h"
#include "probe/probe.h"
#include "reconcile/reconcile.h"
#include "serve/serve.h"

struct admin;

/* The rooms that routes use; they must outlive `admin`. */
struct admin_rooms {
  struct serve *serve;
  struct cache *cache;
  struct transfer *transfer;
  struct access *access;
  struct counters *counters;
  struct traces *traces;
  struct reconcile_rooms reconcile;
  int64_t started; /* clock_monotonic() when the daemon started */
};

/* `token`: required of every request but those to /health; NULL: not
 * required. Takes a reference to it. Not ready until admin_set_ready(). */
bool admin_create(const struct admin_rooms *rooms, struct secret *token, struct admin **out,
                  struct fault *fault) MUST_CHECK;
/* Leaves NULL; NULL is allowed. The listener must be closed. */
void admin_release(struct admin **admin);

/* The handler for the admin listener. Valid as long as `admin`. */
const struct exchange_handler *admin_handler(struct admin *admin);

/* Replaces the token; takes a reference to the new one. Any thread. */
void admin_set_token(struct admin *admin, struct secret *token);

/* If false, /health answers "starting". Any thread; does not block. */
void admin_set_ready(struct admin *admin, bool ready);

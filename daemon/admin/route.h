/* The routes of the admin listener: the table, and what each function is given.
 *
 * Of the admin room only. A route is a row of tables/routes.def and a function route_NAME() in the
 * file of its subject. */
#pragma once

#include "account/account.h"
#include "admin/admin.h"
#include "http/exchange.h"

/* What a request has under way upstream, from one run of its route's function to the next; at most
 * one of the two. */
struct route_work {
  struct reconcile *reconcile;
  struct probe_run *probe;
};
/* The work of this request, made if there is none yet. NULL: no memory. */
struct route_work *route_work(struct exchange *exchange, struct fault *fault);
/* Gives up the work of a request, if it has any. */
void route_end_work(struct exchange *exchange);
/* Wakes the exchange that is `context`. */
void route_wake(void *exchange);

/* One request, while its route's function runs. */
struct route_call {
  const struct admin_rooms *rooms;
  bool ready;       /* admin_set_ready() */
  struct view rest; /* BELOW: the rest of the path, behind the route's */
  struct view args; /* the query string, as it came */
  /* The decoded parameters, of `args` and of a POST's body; empty if the route's are "*". */
  struct form form;
  unsigned status;           /* of the reply; 200 unless the function changes it */
  struct exchange *exchange; /* its data is a struct route_work, or NULL */
  bool waits; /* set by a function that cannot reply yet: it runs again when the exchange is
                 woken */
};

/* Writes the body of the reply. On failure the fault is the reply. Runs on a listener's thread; may
 * block on the disk, but not on upstream. */
typedef bool route_function(struct route_call *call, struct text *body, struct fault *fault);

enum route_match { ROUTE_EXACT, ROUTE_BELOW };
enum route_type { ROUTE_JSON, ROUTE_TEXT, ROUTE_HTML, ROUTE_METRICS };

struct route {
  const char *method, *path;
  enum route_match match;
  route_function *function;
  enum route_type type;
  const char *parameters, *help;
};

/* Ends with a route whose method is NULL. */
extern const struct route routes[];

/* The route of this method and path, or NULL. `*rest`: what follows the path of a route BELOW. */
const struct route *route_find(struct view method, struct view path, struct view *rest);

/* Appends the methods that `path` takes, as in an Allow header; false if no route has this path. */
bool route_methods(struct view path, struct text *methods);

/* Decodes the parameters into call->form, which the caller frees. A parameter that the route does
 * not have is refused: ignoring a misspelt filter would answer more than was asked for. */
bool route_read_parameters(const struct route *route, struct route_call *call,
                           struct fault *fault) MUST_CHECK;

/* What upstream charges in. */
enum currency route_currency(const struct route_call *call);

#define ROUTE(method, path, match, function, type, parameters, help) \
  route_function route_##function;
#include "tables/routes.def"
#undef ROUTE

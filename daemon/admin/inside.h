/* The inside of the admin room; nobody else includes it. */
#pragma once

#include "admin/admin.h"

#include "account/account.h"
#include "serve/serve.h"

#include <pthread.h>
#include <stdatomic.h>

struct admin {
  struct exchange_handler handler;
  struct serve *serve;
  atomic_bool ready;
  pthread_mutex_t lock; /* of `token` */
  struct secret *token; /* NULL: none is asked for */
};

/* One request, on its way through a route's function. */
struct call {
  struct admin *admin;
  struct view rest; /* BELOW: what follows the route's path */
  struct view args; /* the query string, as it came */
  struct form
      form; /* the parameters decoded, unless the route's are "*": `args`, and a POST's body */
  unsigned status;           /* of the reply; 200 unless the function says otherwise */
  struct exchange *exchange; /* its data is a struct reconcile, or NULL */
  bool waits;                /* no reply yet: the route is run again when the exchange is woken */
};

/* Writes the body of the reply. On failure the fault is the reply. */
typedef bool route_function(struct call *call, struct text *body, struct fault *fault);

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

/* The members "age" and "freshness" (seconds) of what is stored; null where its age is
 * AGE_UNKNOWN. */
struct json;
void inside_write_age(struct json *json, int64_t age, int64_t freshness);

#define ROUTE(method, path, match, function, type, parameters, help) \
  route_function route_##function;
#include "tables/routes.def"
#undef ROUTE

#include "admin/route.h"

const struct route routes[] = {
#define ROUTE(method, path, match, function, type, parameters, help) \
  {method, path, ROUTE_##match, route_##function, ROUTE_##type, parameters, help},
#include "tables/routes.def"
#undef ROUTE
    {.method = NULL},
};

static bool path_matches(const struct route *route, struct view path, struct view *rest) {
  struct view begin = view_of(route->path);
  if (route->match == ROUTE_EXACT)
    return view_equal(path, begin);
  if (!view_starts(path, begin) || path.length == begin.length)
    return false;
  *rest = view_from(path, begin.length);
  return !memchr(rest->at, '/', rest->length);
}

static bool method_matches(const struct route *route, struct view method) {
  return view_is(method, route->method) ||
         (view_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

bool route_methods(struct view path, struct text *methods) {
  struct view rest;
  bool any = false;
  for (const struct route *route = routes; route->method; route++)
    if (path_matches(route, path, &rest)) {
      text_printf(methods, "%s%s%s", any ? ", " : "", route->method,
                  strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
      any = true;
    }
  return any;
}

const struct route *route_find(struct view method, struct view path, struct view *rest) {
  for (const struct route *route = routes; route->method; route++)
    if (path_matches(route, path, rest) && method_matches(route, method))
      return route;
  return NULL;
}

bool route_read_parameters(const struct route *route, struct route_call *call,
                           struct fault *fault) {
  struct view known = view_of(route->parameters), body = exchange_body(call->exchange);
  if (view_is(known, "*"))
    return true;
  if (!form_parse(&call->form, call->args, fault) ||
      (strcmp(route->method, "POST") == 0 && !form_parse(&call->form, body, fault)))
    return false;
  for (size_t i = 0; i < call->form.count; i++)
    if (!view_has_word(known, call->form.pairs[i].name))
      return fault_set(fault, FAULT_MALFORMED, "'%s' is no parameter here; known: %s",
                       FORM_SHOWN(call->form.pairs[i].name), known.length ? known.at : "none");
  return true;
}

enum currency route_currency(const struct route_call *call) {
  struct settings *settings = current_settings(call->rooms->reconcile.current);
  enum currency currency = settings_currency(settings);
  settings_release(&settings);
  return currency;
}

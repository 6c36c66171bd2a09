/* /: the routes, as a page. */
#include "admin/route.h"

/* The words of the table contain nothing that HTML would interpret. */
bool route_index(struct route_call *call, struct text *body, struct fault *fault) {
  (void)call, (void)fault;
  text_add(body, VIEW("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                      "<title>rowcache</title>\n<h1>rowcache " ROWCACHE_VERSION "</h1>\n<dl>\n"));
  for (const struct route *route = routes; route->method; route++)
    text_printf(body, "<dt><code>%s %s%s</code></dt><dd>%s</dd>\n", route->method, route->path,
                route->match == ROUTE_BELOW ? "\xe2\x80\xa6" : "", route->help);
  text_add(body, VIEW("</dl>\n</html>\n"));
  return true;
}

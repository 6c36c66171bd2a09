#include "admin/admit.h"

#include "admin/guard.h"
#include "settings/secret.h"

static void check_host(void *context, struct view value) {
  bool *local = context;
  *local = *local && guard_host_is_local(value);
}

static void check_site(void *context, struct view value) {
  bool *foreign = context;
  *foreign = *foreign || guard_is_foreign(value);
}

/* Monitoring needs no token to see whether the daemon lives. */
static bool is_for_all(struct view path) {
  return view_is(path, "/health");
}

static bool check_token(struct exchange *exchange, const struct secret *token,
                        struct fault *fault) {
  if (guard_has_token(exchange_header(exchange, "Authorization"), secret_view(token)))
    return true;
  exchange_add_header(exchange, "WWW-Authenticate", "Bearer realm=\"rowcache\"");
  return fault_set(fault, FAULT_NO_TOKEN,
                   "the admin side needs the token of admin.token_file: send 'Authorization: "
                   "Bearer TOKEN'");
}

bool admit_request(struct exchange *exchange, struct view path, const struct secret *token,
                   struct fault *fault) {
  bool local = true, foreign = false;
  if (token && !is_for_all(path) && !check_token(exchange, token, fault))
    return false;
  exchange_headers(exchange, "Sec-Fetch-Site", check_site, &foreign);
  if (foreign)
    return fault_set(
        fault, FAULT_REFUSED,
        "a web page of another origin sent this request; type the address of the admin side "
        "into the browser");
  exchange_headers(exchange, "Host", check_host, &local);
  if (!token && !local)
    return fault_set(
        fault, FAULT_REFUSED,
        "use an IP address or localhost for the admin side: a request to another name could "
        "come from a web page");
  if (exchange_header(exchange, "Origin").length)
    return fault_set(
        fault, FAULT_REFUSED,
        "a web page sent this request, and web pages must not use the admin side; type its "
        "address into the browser");
  return true;
}

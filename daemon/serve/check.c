/* Is it a request that can be answered at all? */
#include "serve/request.h"

#include "base/num.h"

/* The request target's path and query, in origin form or in absolute form (RFC 9112 3.2). */
static void split_uri(struct view uri, struct view *path, struct view *args) {
  const char *authority = memmem(uri.at, uri.length, "://", 3);
  if (uri.length && uri.at[0] != '/' && authority) {
    uri = view_from(uri, (size_t)(authority - uri.at) + 3);
    size_t end = 0;
    while (end < uri.length && uri.at[end] != '/' && uri.at[end] != '?')
      end++;
    uri = view_from(uri, end);
  }
  const char *mark = uri.length ? memchr(uri.at, '?', uri.length) : NULL;
  *path = mark ? view_first(uri, (size_t)(mark - uri.at)) : uri;
  *args = mark ? view_from(uri, path->length + 1) : VIEW("");
}

bool request_is_head(const struct request *request) {
  return view_is(exchange_method(request->exchange), "HEAD");
}

static bool is_form(struct view content_type) {
  struct view type = content_type;
  const char *semicolon = type.length ? memchr(type.at, ';', type.length) : NULL;
  if (semicolon)
    type = view_first(type, (size_t)(semicolon - type.at));
  return num_same_word(view_trim(type), VIEW("application/x-www-form-urlencoded"));
}

static void add_wish(void *wish, struct view value) {
  wish_parse(wish, value);
}

static bool check_line(struct request *request, struct view *args, struct fault *fault) {
  struct view path, method = exchange_method(request->exchange);
  if (exchange_fault(request->exchange)->kind != FAULT_NONE) {
    *fault = *exchange_fault(request->exchange);
    return false;
  }
  /* First the method: CONNECT names no path at all. */
  if (!view_has_word(VIEW("GET HEAD POST"), method))
    return fault_set(fault, FAULT_METHOD, "the method is not allowed; use GET, HEAD or POST");
  split_uri(exchange_uri(request->exchange), &path, args);
  return path.length == 0 || view_is(path, "/") ||
         fault_set(fault, FAULT_UNKNOWN_PATH, "there is nothing at this path; ask at /?...");
}

static bool check_query(struct request *request, struct view args, struct fault *fault) {
  struct view body = exchange_body(request->exchange), form = VIEW("");
  if (body.length && view_is(exchange_method(request->exchange), "POST")) {
    if (is_form(exchange_header(request->exchange, "Content-Type")))
      form = body;
    else
      request->has_foreign_body = true;
  }
  return query_parse(args, form, &request->query, fault);
}

/* What holds for every request of a token, whatever it asks. */
static bool check_access(const struct request *request, struct fault *fault) {
  if (request->token.revoked)
    return fault_set(
        fault, FAULT_BAD_TOKEN,
        "token '%s' is not accepted any more: it was revoked, or replaced by a new one",
        request->token.label);
  return request->settings->access_mode != ACCESS_MODE_LISTED ||
         token_is_vouched_for(&request->token) ||
         fault_set(fault, FAULT_BAD_TOKEN,
                   "this token is not on the list of those that are let in here (access.mode = "
                   "listed): ask whoever runs rowcache to add or register it");
}

static bool check_token(struct request *request, struct fault *fault) {
  struct view token = query_token(request->query);
  if (token.length == 0)
    return fault_set(fault, FAULT_NO_TOKEN, "no token; add token=... to the parameters");
  request->fingerprint = ledger_fingerprint(request->serve->ledger, token);
  request->has_token = true;
  token_look(request->serve->ledger, &request->fingerprint, &request->token);
  return check_access(request, fault);
}

static enum v2_kind kind_of(const struct request *request) {
  switch (query_table(request->query)) {
  case QUERY_SUBSCRIPTION_INFO:
    return V2_FREE;
  case QUERY_OTHER:
    return V2_OTHER;
  case QUERY_BACKLINKS_NEW_LOST:
    break;
  }
  bool readable = query_output(request->query) == QUERY_JSON && !request->has_foreign_body;
  return readable ? V2_RESULTS : V2_OPAQUE;
}

static bool check_table(struct request *request, struct fault *fault) {
  request->kind = kind_of(request);
  return request->kind != V2_OTHER || request->settings->tables_other == 0 ||
         fault_set(fault, FAULT_REFUSED,
                   "only from=backlinks_new_lost is answered here (tables.other = refuse)");
}

bool check_request(struct request *request, struct fault *fault) {
  struct view args;
  if (!check_line(request, &args, fault) || !check_query(request, args, fault) ||
      !check_token(request, fault) || !check_table(request, fault))
    return false;
  exchange_headers(request->exchange, "Cache-Control", add_wish, &request->wish);
  if (!request->token.no_cache)
    wish_forgo(&request->wish);
  /* It never spends, and nobody reads what it would have paid for. */
  if (request_is_head(request))
    request->wish.only_if_cached = true;
  return true;
}

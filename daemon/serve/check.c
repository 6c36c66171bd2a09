/* Is it a request that can be answered at all? */
#include "serve/request.h"

#include "query/media.h"
#include "query/uri.h"

bool request_is_head(const struct request *request) {
  return view_is(exchange_method(request->exchange), "HEAD");
}

static void add_wish(void *wish, struct view value) {
  wish_parse(wish, value);
}

static bool check_line(struct request *request, struct view *args, struct fault *fault) {
  struct view method = exchange_method(request->exchange);
  if (exchange_fault(request->exchange)->kind != FAULT_NONE) {
    *fault = *exchange_fault(request->exchange);
    return false;
  }
  /* First the method: CONNECT names no path at all. */
  if (!view_has_word(VIEW("GET HEAD POST"), method))
    return fault_set(fault, FAULT_METHOD, "the method is not allowed; use GET, HEAD or POST");
  struct uri uri = uri_split(exchange_uri(request->exchange));
  *args = uri.args;
  return uri.path.length == 0 || view_is(uri.path, "/") ||
         fault_set(fault, FAULT_UNKNOWN_PATH, "there is nothing at this path; ask at /?...");
}

static void count_header(void *count, struct view value) {
  (void)value;
  ++*(size_t *)count;
}

static bool read_media(const struct request *request, bool *is_form, struct fault *fault) {
  struct media_fields fields = {.type = exchange_header(request->exchange, "Content-Type"),
                                .coding = exchange_header(request->exchange, "Content-Encoding")};
  exchange_headers(request->exchange, "Content-Type", count_header, &fields.types);
  return media_judge(&fields, is_form, fault);
}

/* A GET's body means nothing (RFC 9110 9.3.1), and does not go upstream. */
static bool check_query(struct request *request, struct view args, struct fault *fault) {
  struct view body = exchange_body(request->exchange), form = VIEW("");
  bool is_form;
  if (body.length && view_is(exchange_method(request->exchange), "POST")) {
    if (!read_media(request, &is_form, fault))
      return false;
    request->has_foreign_body = !is_form;
    form = is_form ? body : form;
  }
  return query_parse(args, form, &request->query, fault);
}

bool check_access(struct request *request, struct fault *fault) {
  token_look(request->serve->ledger, &request->fingerprint, &request->token);
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
  return check_access(request, fault);
}

/* What nobody can reckon must not spend what is held against a budget, nor with our token. */
static bool check_spending(const struct request *request, struct fault *fault) {
  const struct token_facts *token = &request->token;
  if (request->has_foreign_body && (token->has_budget || token->kind == TOKEN_ISSUED))
    return fault_set(
        fault, FAULT_BODY_UNKNOWN,
        "what this body asks for is not known: it is forwarded only for a client's own "
        "token without a budget, and '%s' is none; send the parameters as the query "
        "string, or as application/x-www-form-urlencoded",
        token->label);
  bool is_reckoned = query_table(request->query) != QUERY_OTHER || !token->has_budget;
  return is_reckoned || query_check_limit(request->query, fault);
}

static bool check_table(struct request *request, struct fault *fault) {
  request->kind = question_kind_of(request->query, request->has_foreign_body);
  bool may_be_other = request->kind == QUESTION_OTHER || request->kind == QUESTION_UNKNOWN;
  return !may_be_other || request->settings->tables_other == TABLES_OTHER_FORWARD ||
         fault_set(fault, FAULT_REFUSED,
                   "only from=backlinks_new_lost is answered here (tables.other = refuse)");
}

bool check_request(struct request *request, struct fault *fault) {
  struct view args;
  if (!check_line(request, &args, fault) || !check_query(request, args, fault) ||
      !check_token(request, fault) || !check_spending(request, fault) ||
      !check_table(request, fault))
    return false;
  exchange_headers(request->exchange, "Cache-Control", add_wish, &request->wish);
  if (!request->token.no_cache)
    wish_forgo(&request->wish);
  /* It never spends, and nobody reads what it would have paid for. */
  if (request_is_head(request))
    request->wish.only_if_cached = true;
  return true;
}

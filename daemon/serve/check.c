/* Reads a request: path, method, query, token and wishes. */
#include "serve/request.h"

#include "query/media.h"
#include "query/uri.h"

static void add_wish(void *wish, struct view value) {
  wish_parse(wish, value);
}

static bool check_line(struct request *request, struct view *args, struct fault *fault) {
  struct view method = exchange_method(request->exchange);
  if (exchange_fault(request->exchange)->kind != FAULT_NONE) {
    *fault = *exchange_fault(request->exchange);
    return false;
  }
  /* The method first: a CONNECT has no path. */
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

/* The body of a GET has no meaning (RFC 9110 9.3.1), and is not sent upstream. */
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

static void read_token(struct request *request) {
  struct view token = query_token(request->query);
  request->has_token = token.length > 0;
  if (request->has_token)
    request->fingerprint = ledger_fingerprint(request->serve->rooms.ledger, token);
}

static void read_wishes(struct request *request) {
  exchange_headers(request->exchange, "Cache-Control", add_wish, &request->wish);
  /* HEAD never spends: nobody would read the answer. */
  if (request_is_head(request))
    request->wish.only_if_cached = true;
}

enum step step_check(struct request *request) {
  struct view args;
  if (!check_line(request, &args, &request->fault) || !check_query(request, args, &request->fault))
    return STEP_REFUSE;
  request->kind = question_kind_of(request->query, request->has_foreign_body);
  read_token(request);
  read_wishes(request);
  return STEP_PLAN;
}

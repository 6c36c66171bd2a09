/* Reads a request: path, method, query, token and wishes. */
#include "serve/request.h"

#include "base/num.h"
#include "query/call.h"
#include "query/media.h"
#include "query/uri.h"

static void add_wish(void *wish, struct view value) {
  wish_parse(wish, value);
}

const char *request_methods(const struct request *request) {
  return request->is_call ? "GET, HEAD, POST, PUT, PATCH, DELETE" : "GET, HEAD, POST";
}

/* The method first: a CONNECT has no path. */
static bool check_method(const struct request *request, struct fault *fault) {
  const char *methods = request_methods(request);
  struct view rest = view_of(methods), method;
  while (view_split(&rest, ',', &method))
    if (view_equal(view_trim(method), exchange_method(request->exchange)))
      return true;
  return fault_set(fault, FAULT_METHOD, "the method is not allowed; use one of %s", methods);
}

static bool check_path(const struct request *request, struct view path, struct fault *fault) {
  if (request->is_call)
    return facts_check_call(request->settings, fault);
  return path.length == 0 || view_is(path, "/") ||
         fault_set(fault, FAULT_UNKNOWN_PATH,
                   "there is nothing at this path; ask at /?... (v2) or /v3/... (v3)");
}

static bool check_line(struct request *request, struct uri *uri, struct fault *fault) {
  *uri = uri_split(exchange_uri(request->exchange));
  request->is_call = view_starts(uri->path, VIEW(CALL_PREFIX));
  if (exchange_fault(request->exchange)->kind != FAULT_NONE) {
    *fault = *exchange_fault(request->exchange);
    return false;
  }
  return check_method(request, fault) && check_path(request, uri->path, fault);
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

/* The key of a call (RFC 6750 2.1); empty if there is none. */
static struct view bearer(const struct request *request) {
  struct view value = view_trim(exchange_header(request->exchange, "Authorization")), scheme;
  return view_split(&value, ' ', &scheme) && num_same_word(scheme, VIEW("Bearer"))
             ? view_trim(value)
             : VIEW("");
}

/* Other methods than GET and HEAD are forwarded with their body, which is upstream's business. */
static bool check_call(struct request *request, const struct uri *uri, struct fault *fault) {
  struct view path = view_from(uri->path, strlen(CALL_PREFIX));
  struct view method = exchange_method(request->exchange);
  request->has_foreign_body = !view_is(method, "GET") && !view_is(method, "HEAD");
  return query_parse_call(path, uri->args, bearer(request), &request->query, fault);
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
  struct uri uri;
  if (!check_line(request, &uri, &request->fault) ||
      !(request->is_call ? check_call(request, &uri, &request->fault)
                         : check_query(request, uri.args, &request->fault)))
    return STEP_REFUSE;
  request->kind = question_kind_of(request->query, request->has_foreign_body);
  read_token(request);
  read_wishes(request);
  return STEP_PLAN;
}

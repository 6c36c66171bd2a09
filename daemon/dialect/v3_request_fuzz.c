/* Fuzz target: a call of a client, as v3 is asked, and its price. The first line is the path behind
 * "/v3/", the second the query string, the third a method other than GET, or empty; a body
 * follows. */
#include "base/check.h"
#include "dialect/v3.h"
#include "query/call.h"
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "another-key"

/* The URL asks for the same as the query: it parses to a query of the same key. */
static void check_same(const struct query *query, const char *rest) {
  struct query *again = NULL;
  struct fault fault;
  const char *mark = strchr(rest, '?');
  struct view path = {rest, mark ? (size_t)(mark - rest) : strlen(rest)};
  CHECK(query_parse_call(path, view_of(mark ? mark + 1 : ""), VIEW(KEY), &again, &fault));
  CHECK(digest_equal(query_key(again), query_key(query)));
  query_release(&again);
}

static void check_price(const struct settings *settings, const struct question *question) {
  struct tariff tariff = dialect_v3.price(settings, question);
  CHECK(tariff.fixed.currency == CURRENCY_UNITS && tariff.result.currency == CURRENCY_UNITS);
  CHECK(!amount_is_negative(tariff.fixed) && !amount_is_negative(tariff.result));
  CHECK(tariff.limit > 0 && tariff.limit <= QUERY_LIMIT_MAX);
  bool is_free = question->kind == QUESTION_SUBSCRIPTION;
  CHECK(amount_is_zero(tariff_most(&tariff)) == is_free);
  CHECK(is_free || tariff_most(&tariff).parts >= 50);
}

static void check_base(const struct query *query, const struct question *question, const char *base,
                       int64_t max_rows) {
  struct settings settings = {
      .upstream_url = (char *)base, .max_rows = max_rows, .tariff_other_units = UNITS(5000)};
  struct dialect_request request;
  struct fault fault;
  CHECK(dialect_v3.write(question, &settings, VIEW(KEY), &request, &fault));
  CHECK(view_starts(view_of(request.url), VIEW("http://h/v3/")));
  CHECK(view_is(view_of(request.authorization), "Bearer " KEY));
  for (const char *c = request.url; *c; c++)
    CHECK(*c > ' ' && *c < 0x7f && *c != '#');
  /* A limit of our own is a parameter more, and that may be too many. */
  if (!max_rows && query_form(query)->count < QUERY_PARAMETERS_MAX)
    check_same(query, request.url + sizeof "http://h/v3/" - 1);
  CHECK((question->kind == QUESTION_CALL_OTHER) == (request.method != NULL));
  CHECK(!request.method || request.body_length == question->body.length);
  check_price(&settings, question);
  dialect_request_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Encoding makes three bytes of one, and what is made must not be over the limit. */
  if (size > 65536)
    return 0;
  struct view rest = {size ? (const char *)data : "", size}, path, args = VIEW(""),
              method = VIEW("");
  struct query *query = NULL;
  struct fault fault;
  if (!view_split(&rest, '\n', &path) || !view_split(&rest, '\n', &args) ||
      !view_split(&rest, '\n', &method) || !query_parse_call(path, args, VIEW(KEY), &query, &fault))
    return 0;
  const struct question_body body = {
      .bytes = rest.at ? rest : VIEW(""), .type = VIEW("application/json"), .method = method};
  const struct question question = question_of(query, method.length ? &body : NULL);
  check_base(query, &question, "http://h/v3", 0);
  check_base(query, &question, "http://h/v3/", 250);
  query_release(&query);
  return 0;
}

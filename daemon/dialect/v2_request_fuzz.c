/* Fuzz target: a request of a client (query string, newline, form body), as v2 is asked. */
#include "dialect/v2.h"
#include "query/form.h"
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The URL asks for the same as the query: it parses to a query of the same key. */
static void check_same(const struct query *query, struct view args) {
  struct query *again = NULL;
  struct fault fault;
  CHECK(query_parse(args, VIEW(""), &again, &fault));
  CHECK(digest_equal(query_key(again), query_key(query)));
  CHECK(view_equal(query_token(again), VIEW("another")));
  query_release(&again);
}

static void check_base(const struct query *query, const char *base) {
  struct settings settings = {.upstream_url = (char *)base};
  struct question question = question_of(query, NULL);
  struct dialect_request request;
  struct fault fault;
  CHECK(dialect_v2.write(&question, &settings, VIEW("another"), &request, &fault));
  struct view url = view_of(request.url);
  const char *mark = strchr(request.url, '?');
  CHECK(view_starts(url, view_of(base)) && mark && mark[-1] != 'h');
  for (const char *c = request.url; *c; c++)
    CHECK(*c > ' ' && *c < 0x7f && *c != '#');
  /* A token and a limit of our own are two parameters more, and that may be too many. */
  if (query_form(query)->count + 2 <= QUERY_PARAMETERS_MAX)
    check_same(query, view_of(mark + 1));
  dialect_request_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Encoding makes three bytes of one, and what is made must not be over the limit. */
  if (size > 65536)
    return 0;
  struct view body = {size ? (const char *)data : "", size}, args;
  view_split(&body, '\n', &args);
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse(args, body, &query, &fault))
    return 0;
  static const char *const bases[] = {"http://h", "http://h/", "http://h/v2"};
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
    check_base(query, bases[i]);
  query_release(&query);
  return 0;
}

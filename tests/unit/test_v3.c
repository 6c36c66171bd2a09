/* The answers of v3: the headers, and what an answer means and costs; errors; the account. */
#include "base/text.h"
#include "dialect/v3.h"
#include "dialect/v3_answer.h"
#include "dialect/v3_error.h"
#include "query/query.h"
#include "rows/reader.h"

#include "unit/fixture/unit.h"

/* --- headers --- */

#define ACTUAL "x-api-units-cost-total-actual: "

static const struct header_case {
  const char *lines; /* separated by newlines */
  int64_t rows, cost_row, total, actual;
  const char *cache;
} header_cases[] = {
    {"", -1, -1, -1, -1, ""},
    {"x-api-rows: 250\nx-api-units-cost-row: 21\nx-api-units-cost-total: 5250\n" ACTUAL
     "5250\nx-api-cache: miss",
     250, 21, 5250, 5250, "miss"},
    {"X-API-ROWS:3\nX-Api-Cache: HIT\nX-API-Units-Cost-Total-Actual: 0", 3, -1, -1, 0, "hit"},
    {"x-api-cache: no_cache", -1, -1, -1, -1, "no_cache"},
    {"x-api-cache: a state that nobody has heard of", -1, -1, -1, -1, ""},
    /* no whole number: as if it had not come */
    {"x-api-units-cost-row: 16.67", -1, -1, -1, -1, ""},
    {ACTUAL "many", -1, -1, -1, -1, ""},
    {ACTUAL "", -1, -1, -1, -1, ""},
    {ACTUAL "-1", -1, -1, -1, -1, ""},
    {ACTUAL "50.0", -1, -1, -1, -1, ""},
    {ACTUAL "1e3", -1, -1, -1, -1, ""},
    {ACTUAL "50 50", -1, -1, -1, -1, ""},
    {ACTUAL "99999999999999999999", -1, -1, -1, -1, ""},
    /* nonsense must not reach the account */
    {ACTUAL "1000000000000", -1, -1, -1, INT64_C(1000000000000), ""},
    {ACTUAL "1000000000001", -1, -1, -1, -1, ""},
    /* of two the greater may have been charged */
    {ACTUAL "50\n" ACTUAL "63", -1, -1, -1, 63, ""},
    {ACTUAL "63\n" ACTUAL "50", -1, -1, -1, 63, ""},
    {ACTUAL "63\n" ACTUAL "many", -1, -1, -1, 63, ""},
    {"x-api-units-cost-total-actually: 1\nx-api-row: 1\napi-rows: 1", -1, -1, -1, -1, ""},
    {"X-Results-Count: 12", -1, -1, -1, -1, ""},
};

static void read_lines(const char *lines, struct answer_evidence *evidence) {
  struct view rest = view_of(lines), line;
  while (view_split(&rest, '\n', &line))
    dialect_read_header(&dialect_v3, line, VIEW("key"), evidence);
}

static void headers(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(header_cases); i++) {
    const struct header_case *one = &header_cases[i];
    struct answer_evidence evidence = {.head = answer_head_empty()};
    read_lines(one->lines, &evidence);
    const struct v3_costs *costs = &evidence.head.costs;
    if (costs->rows != one->rows || costs->cost_row != one->cost_row ||
        costs->total != one->total || costs->actual != one->actual ||
        strcmp(costs->cache, one->cache) != 0)
      fail_msg("%s", one->lines);
    assert_int_equal(evidence.head.results_count, -1);
  }
}

/* --- the meaning of an answer, and its cost --- */

enum {
  SENT = 1,
  CLEAN = 2,
  READS = 4,       /* the form is read */
  READ = 8,        /* and was whole */
  ERROR = 16,      /* it has a member `error` that says something */
  OF_ACCOUNT = 64, /* of limits-and-usage */
  OF_OTHER = 128,  /* to another method */
  TWICE = 32,      /* it was sent twice */
  WHOLE = SENT | CLEAN | READS | READ,
  UNREAD = SENT | CLEAN, /* CSV and the like */
};

#define LIMIT 100
#define ROW 21
#define MOST (LIMIT * ROW)
#define NONE (-1)

static const struct judge_case {
  const char *name;
  unsigned what, status;
  int64_t counted;
  const char *lines, *body; /* NULL: no body, that is, one of rows */
  enum answer_outcome outcome;
  int64_t spent;
  bool is_known;
  int64_t results;
} judge_cases[] = {
    {"the head says the charge", WHOLE, 200, 10, ACTUAL "210", NULL, ANSWER_COMPLETE, 210, true,
     10},
    {"Ahrefs' own cache", WHOLE, 200, 10, ACTUAL "0", NULL, ANSWER_COMPLETE, 0, true, 10},
    {"more than was reserved", WHOLE, 200, 10, ACTUAL "9999", NULL, ANSWER_COMPLETE, 9999, true,
     10},
    {"the head says nothing", WHOLE, 200, 10, "", NULL, ANSWER_COMPLETE, MOST, false, 10},
    {"the head says nonsense", WHOLE, 200, 10, ACTUAL "many", NULL, ANSWER_COMPLETE, MOST, false,
     10},
    {"more rows than were asked for", WHOLE, 200, 101, "", NULL, ANSWER_COMPLETE, 101 * ROW, false,
     101},
    {"a list price above what was reserved", WHOLE, 200, 10, "x-api-units-cost-total: 5000", NULL,
     ANSWER_COMPLETE, 5000, false, 10},
    {"a number of rows that differs", WHOLE, 200, 10, "x-api-rows: 11\n" ACTUAL "210", NULL,
     ANSWER_COMPLETE, 210, true, 10},
    {"no rows", WHOLE, 200, 0, ACTUAL "50", NULL, ANSWER_COMPLETE, 50, true, 0},
    {"CSV", UNREAD, 200, 0, "x-api-rows: 10\n" ACTUAL "210", "anchor\nhello\n", ANSWER_COMPLETE,
     210, true, 10},
    {"CSV without headers", UNREAD, 200, 0, "", "anchor\nhello\n", ANSWER_COMPLETE, MOST, false, 0},
    {"a page in place of CSV", UNREAD, 200, 0, "Content-Type: Text/HTML; charset=utf-8", "<html>",
     ANSWER_BROKEN, MOST, false, 0},
    {"an error in place of CSV", UNREAD, 200, 0, ACTUAL "0", "{\"error\":\"sorry\"}",
     ANSWER_REFUSED, 0, true, 0},
    {"broken JSON", SENT | CLEAN | READS, 200, 3, ACTUAL "210", NULL, ANSWER_BROKEN, 210, true, 3},
    {"broken JSON without headers", SENT | CLEAN | READS, 200, 3, "", NULL, ANSWER_BROKEN, MOST,
     false, 3},
    {"cut off", SENT | READS, 200, 3, "x-api-rows: 10\n" ACTUAL "210", NULL, ANSWER_BROKEN, 210,
     true, 10},
    {"cut off without headers", SENT | READS, 200, 3, "", NULL, ANSWER_BROKEN, MOST, false, 3},
    {"no answer", SENT | READS, 0, 0, "", NULL, ANSWER_BROKEN, MOST, false, 0},
    {"never sent", READS, 0, 0, "", NULL, ANSWER_BROKEN, 0, true, 0},
    {"an error with status 200", WHOLE | ERROR, 200, 0, "", "{\"error\":\"sorry\"}", ANSWER_REFUSED,
     MOST, false, 0},
    {"the same, with its charge", WHOLE | ERROR, 200, 0, ACTUAL "0", "{\"error\":\"sorry\"}",
     ANSWER_REFUSED, 0, true, 0},
    {"an error behind rows", WHOLE | ERROR, 200, 10, ACTUAL "210", NULL, ANSWER_REFUSED, 210, true,
     0},
    {"the other shape with status 200", SENT | CLEAN | READS, 200, 0, ACTUAL "0",
     "[\"Error\",\"Internal\"]", ANSWER_REFUSED, 0, true, 0},
    {"another array", SENT | CLEAN | READS, 200, 0, ACTUAL "0", "[\"Internal\",\"Error\"]",
     ANSWER_BROKEN, 0, true, 0},
    {"an empty error", WHOLE, 200, 0, ACTUAL "50", "{\"backlinks\":[],\"error\":null}",
     ANSWER_COMPLETE, 50, true, 0},
    {"a bad request", SENT | CLEAN | READS, 400, 0, "", "{\"error\":\"column 'x' not found\"}",
     ANSWER_REFUSED, 0, true, 0},
    {"a charge for an error", SENT | CLEAN | READS, 500, 0, ACTUAL "50", "{\"error\":\"sorry\"}",
     ANSWER_REFUSED, 50, true, 0},
    {"an error without headers that was cut", SENT | READS, 500, 0, "", NULL, ANSWER_BROKEN, 0,
     true, 0},
    {"a page of a proxy", SENT | CLEAN | READS, 502, 0, "", "<html>", ANSWER_REFUSED, 0, true, 0},
    {"no content", SENT | CLEAN | READS, 204, 0, "", NULL, ANSWER_REFUSED, 0, true, 0},
    {"a redirect with a charge", SENT | READS, 302, 0, ACTUAL "50", NULL, ANSWER_BROKEN, 50, true,
     0},
    {"a redirect", SENT | READS, 302, 0, "", NULL, ANSWER_BROKEN, 0, true, 0},
    /* the charge is what the last send cost; each before may have cost the most */
    {"sent twice", WHOLE | TWICE, 200, 10, ACTUAL "210", NULL, ANSWER_COMPLETE, 210 + MOST, false,
     10},
    {"sent twice, and refused", SENT | CLEAN | READS | TWICE, 400, 0, "", NULL, ANSWER_REFUSED,
     MOST, false, 0},
    {"the account", OF_ACCOUNT | WHOLE, 200, 0, "", NULL, ANSWER_COMPLETE, 0, true, 0},
    {"the account, not read", OF_ACCOUNT | SENT | CLEAN | READS, 200, 0, "", "<html>",
     ANSWER_BROKEN, 0, true, 0},
    {"the account, no answer", OF_ACCOUNT | SENT | READS, 0, 0, "", NULL, ANSWER_BROKEN, 0, true,
     0},
    {"a page for another method", OF_OTHER | UNREAD, 200, 0, "Content-Type: text/html\n" ACTUAL "0",
     "<html>", ANSWER_COMPLETE, 0, true, 0},
    {"another method", OF_OTHER | UNREAD, 200, 0, "x-api-rows: 2\n" ACTUAL "100", "{}",
     ANSWER_COMPLETE, 100, true, 2},
};

static const struct tariff tariff = {.fixed = {CURRENCY_UNITS, 0},
                                     .result = {CURRENCY_UNITS, ROW},
                                     .least = {CURRENCY_UNITS, 50},
                                     .limit = LIMIT};

static void give_body(const char *body, struct answer_evidence *evidence) {
  evidence->body_length = (int64_t)strlen(body);
  memcpy(evidence->beginning, body, strlen(body));
}

static enum question_kind kind_of(unsigned what) {
  if (what & OF_ACCOUNT)
    return QUESTION_SUBSCRIPTION;
  return what & OF_OTHER ? QUESTION_CALL_OTHER : QUESTION_CALL;
}

static struct answer_evidence evidence_of(const struct judge_case *one) {
  struct answer_evidence evidence = {.kind = kind_of(one->what),
                                     .sends = one->what & TWICE ? 2 : one->what & SENT,
                                     .clean = one->what & CLEAN,
                                     .reads = one->what & READS,
                                     .read = one->what & READ,
                                     .error = one->what & ERROR,
                                     .tariff = tariff,
                                     .counted = one->counted,
                                     .head = answer_head_empty()};
  read_lines(one->lines, &evidence);
  evidence.head.status = one->status;
  give_body(one->body ? one->body : "{\"backlinks\":[{}]}", &evidence);
  fault_set(&evidence.transport, FAULT_UPSTREAM_TIMEOUT, "the transport");
  fault_set(&evidence.reading, FAULT_UPSTREAM, "the reading");
  return evidence;
}

static void judged(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(judge_cases); i++) {
    const struct judge_case *one = &judge_cases[i];
    struct answer_evidence evidence = evidence_of(one);
    struct answer_verdict verdict = dialect_v3.judge(&evidence);
    struct answer_cost cost = verdict.cost;
    if (verdict.outcome != one->outcome || cost.spent.parts != one->spent ||
        cost.is_known != one->is_known || verdict.results != one->results ||
        cost.spent.currency != CURRENCY_UNITS)
      fail_msg("%s: outcome %d, cost %s, known %d, results %lld, %s", one->name, verdict.outcome,
               AMOUNT_TEXT(cost.spent), cost.is_known, (long long)verdict.results,
               verdict.fault.text);
    assert_int_equal(verdict.read, verdict.outcome == ANSWER_COMPLETE && one->what & READ);
  }
}

static void a_broken_answer_says_why(void **state) {
  (void)state;
  struct answer_evidence cut =
      evidence_of(&(struct judge_case){.what = SENT | READS, .status = 200, .lines = ""});
  assert_string_equal(dialect_v3.judge(&cut).fault.text, "the transport");
  struct answer_evidence bad =
      evidence_of(&(struct judge_case){.what = SENT | CLEAN | READS, .status = 200, .lines = ""});
  assert_string_equal(dialect_v3.judge(&bad).fault.text, "the reading");
}

/* The charge that the head says is the saving of a later hit. */
static void a_head_tells_the_cost(void **state) {
  (void)state;
  static const struct {
    const char *lines;
    unsigned what;
    int64_t spent;
    bool is_known;
  } cases[] = {
      {ACTUAL "210", SENT, 210, true},
      {ACTUAL "0", SENT, 0, true},
      {"x-api-units-cost-total: 210", SENT, 0, false},
      {"", SENT, 0, false},
      {ACTUAL "210", SENT | TWICE, 210 + MOST, false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence = evidence_of(
        &(struct judge_case){.what = cases[i].what, .status = 200, .lines = cases[i].lines});
    struct answer_cost cost = dialect_v3.quote(&evidence);
    assert_int_equal(cost.spent.parts, cases[i].spent);
    assert_int_equal(cost.spent.currency, CURRENCY_UNITS);
    assert_int_equal(cost.is_known, cases[i].is_known);
  }
}

/* --- the shape --- */

static bool reads(const char *path, const char *args, const char *body) {
  struct query *query = NULL;
  struct fault fault;
  assert_true(query_parse_call(view_of(path), view_of(args), VIEW("key"), &query, &fault));
  const struct question question = question_of(query, NULL);
  const struct reader_shape *shape = dialect_v3.shape(&question);
  assert_non_null(shape);
  struct reader *reader = reader_create(shape, 32);
  bool ok = reader_feed(reader, view_of(body), &fault) && reader_finish(reader, &fault);
  reader_release(&reader);
  query_release(&query);
  return ok;
}

static void rows_have_the_name_that_the_table_gives(void **state) {
  (void)state;
  static const char known[] = "site-explorer/all-backlinks", other[] = "rank-tracker/overview";
  assert_true(reads(known, "target=a.com&select=anchor", "{\"backlinks\":[{}]}"));
  assert_true(reads(known, "target=a.com&select=anchor", "{\"backlinks\":null}"));
  assert_true(reads(known, "target=a.com&select=anchor&output=json", "{\"backlinks\":[]}"));
  assert_false(reads(known, "target=a.com&select=anchor", "{\"something\":[]}"));
  assert_false(reads(known, "target=a.com&select=anchor", "[]"));
  assert_true(reads(other, "", "{\"metrics\":{\"a\":1}}"));
  assert_true(reads(other, "", "[{\"a\":1}]"));
  assert_false(reads(other, "", "[{\"a\":1}"));
  assert_false(reads(other, "", "metrics"));
  assert_true(reads("subscription-info/limits-and-usage", "", "{\"limits_and_usage\":{}}"));
}

static void other_forms_are_not_read(void **state) {
  (void)state;
  static const char *const outputs[] = {"csv", "xml", "php", "parquet"};
  for (size_t i = 0; i < COUNT(outputs); i++) {
    scope_text struct text args = {0};
    struct query *query = NULL;
    struct fault fault;
    text_printf(&args, "target=a.com&select=anchor&output=%s", outputs[i]);
    assert_true(query_parse_call(VIEW("site-explorer/all-backlinks"), text_view(&args), VIEW(""),
                                 &query, &fault));
    const struct question question = question_of(query, NULL);
    assert_null(dialect_v3.shape(&question));
    const struct question other =
        question_of(query, &(struct question_body){.bytes = VIEW("{}"), .method = VIEW("POST")});
    assert_null(dialect_v3.shape(&other));
    query_release(&query);
  }
}

/* --- errors --- */

static const struct error_case {
  unsigned status;
  const char *body;
  bool is_error; /* it has one of the two shapes */
  enum fault_kind kind;
  const char *text;
  int64_t expected, left;
} error_cases[] = {
    {401, "[\"Error\",\"Unauthorized\"]", true, FAULT_BAD_TOKEN,
     "upstream answers with status 401: Unauthorized", -1, -1},
    {403, "[\"Error\",\"Forbidden\"]", true, FAULT_BAD_TOKEN,
     "upstream answers with status 403: Forbidden", -1, -1},
    {401, "{\"error\":\"Unauthorized: no such key\"}", true, FAULT_BAD_TOKEN,
     "upstream answers with status 401: Unauthorized: no such key", -1, -1},
    {403, "{\"error\":\"API units limit reached. Expected usage: 5250, API units left: 12.\"}",
     true, FAULT_OVER_BUDGET,
     "upstream answers with status 403: API units limit reached. Expected usage: 5250, API units "
     "left: 12.",
     5250, 12},
    {403, "{\"error\":\"API units limit reached. Expected usage: 5,250, API units left: 12\"}",
     true, FAULT_OVER_BUDGET,
     "upstream answers with status 403: API units limit reached. Expected usage: 5,250, API units "
     "left: 12",
     -1, 12},
    {403, "{\"error\":\"API units limit reached.\"}", true, FAULT_OVER_BUDGET,
     "upstream answers with status 403: API units limit reached.", -1, -1},
    {403, "[\"Error\",\"API units limit reached. API units left: 0\"]", true, FAULT_OVER_BUDGET,
     "upstream answers with status 403: API units limit reached. API units left: 0", -1, 0},
    {403, "{\"error\":\"Insufficient plan\"}", true, FAULT_UPSTREAM,
     "upstream answers with status 403: Insufficient plan", -1, -1},
    {400, "{\"error\":\"column 'x' not found; available columns: alt, anchor\"}", true,
     FAULT_MALFORMED,
     "upstream answers with status 400: column 'x' not found; available columns: alt, anchor", -1,
     -1},
    {400, "{\"error\":{\"message\":\"column 'x' not found\",\"columns\":[\"alt\"]}}", true,
     FAULT_MALFORMED, "upstream answers with status 400: column 'x' not found", -1, -1},
    {400, "{\"error\":{\"code\":7}}", true, FAULT_MALFORMED, "upstream answers with status 400", -1,
     -1},
    {429, "", false, FAULT_TOO_MANY, "upstream answers with status 429", -1, -1},
    {429, "Too many requests", false, FAULT_TOO_MANY, "upstream answers with status 429", -1, -1},
    {429, "{\"error\":\"Too many requests\"}", true, FAULT_TOO_MANY,
     "upstream answers with status 429: Too many requests", -1, -1},
    {500, "{\"error\":\"units limit\"}", true, FAULT_UPSTREAM,
     "upstream answers with status 500: units limit", -1, -1},
    {404, "{\"error\":\"not found\"}", true, FAULT_UPSTREAM,
     "upstream answers with status 404: not found", -1, -1},
    /* a proxy says nothing of the key */
    {401, "<html>Unauthorized</html>", false, FAULT_UPSTREAM, "upstream answers with status 401",
     -1, -1},
    {403, "{\"message\":\"Forbidden\"}", false, FAULT_UPSTREAM, "upstream answers with status 403",
     -1, -1},
    {403, "{\"error\":\"proxy access denied\"}", true, FAULT_UPSTREAM,
     "upstream answers with status 403: proxy access denied", -1, -1},
    {403, "[\"Forbidden\"]", false, FAULT_UPSTREAM, "upstream answers with status 403", -1, -1},
    {403, "[\"Error\",\"Forbidden\"", false, FAULT_UPSTREAM, "upstream answers with status 403", -1,
     -1},
    {200, "{\"backlinks\":[]}", false, FAULT_UPSTREAM, "upstream answers with status 200", -1, -1},
    {200, "{\"error\":null,\"backlinks\":[]}", false, FAULT_UPSTREAM,
     "upstream answers with status 200", -1, -1},
    {200, "{\"error\":[]}", false, FAULT_UPSTREAM, "upstream answers with status 200", -1, -1},
    /* its text reaches terminals */
    {500, "{\"error\":\"\\u001b[2J\\r\\nfine\"}", true, FAULT_UPSTREAM,
     "upstream answers with status 500: \\x1b[2J\\x0d\\x0afine", -1, -1},
};

static void errors(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(error_cases); i++) {
    const struct error_case *one = &error_cases[i];
    struct v3_error error;
    bool is_error = v3_error_read(one->status, view_of(one->body), &error);
    if (is_error != one->is_error || error.fault.kind != one->kind ||
        strcmp(error.fault.text, one->text) != 0 || error.shortage.expected != one->expected ||
        error.shortage.left != one->left)
      fail_msg("%u %s\ngave %d, %d: %s, %lld, %lld", one->status, one->body, is_error,
               error.fault.kind, error.fault.text, (long long)error.shortage.expected,
               (long long)error.shortage.left);
  }
}

static void a_long_error_is_shortened(void **state) {
  (void)state;
  scope_text struct text body = {0};
  struct v3_error error;
  text_add(&body, VIEW("{\"error\":\"column 'x' not found: "));
  for (int i = 0; i < 80; i++)
    text_printf(&body, "column_%d, ", i);
  text_add(&body, VIEW("\"}"));
  assert_true(v3_error_read(400, text_view(&body), &error));
  assert_in_range(strlen(error.fault.text), 200, 320);
  assert_true(view_starts(view_of(error.fault.text),
                          VIEW("upstream answers with status 400: column 'x' not found: ")));
  assert_non_null(strstr(error.fault.text, "..."));
  /* what is longer than any error is none */
  for (int i = 0; i < 800; i++)
    text_add(&body, VIEW("      "));
  assert_false(v3_error_read(400, text_view(&body), &error));
  assert_false(v3_error_read(400, VIEW("{\"error\":\"a\"}\0"), &error));
}

static void a_refusal_has_the_error(void **state) {
  (void)state;
  struct answer_evidence evidence = evidence_of(&(struct judge_case){
      .what = SENT | CLEAN | READS,
      .status = 403,
      .lines = "",
      .body = "{\"error\":\"API units limit reached. Expected usage: 50, API units left: 7.\"}"});
  struct answer_verdict verdict = dialect_v3.judge(&evidence);
  assert_int_equal(verdict.fault.kind, FAULT_OVER_BUDGET);
  assert_int_equal(verdict.shortage.expected, 50);
  assert_int_equal(verdict.shortage.left, 7);
  evidence.head.status = 429;
  evidence.head.retry_after = 9;
  verdict = dialect_v3.judge(&evidence);
  assert_int_equal(verdict.fault.kind, FAULT_TOO_MANY);
  assert_int_equal(verdict.fault.retry_after, 9);
}

/* --- the account --- */

#define ACCOUNT(members) "{\"limits_and_usage\":{" members "}}"

static const struct account_case {
  const char *body;
  bool has_left;
  int64_t left, limit, cap;
  const char *plan;
} accounts[] = {
    {ACCOUNT("\"subscription\":\"Standard, billed monthly\",\"usage_reset_date\":"
             "\"2026-09-04T00:00:00Z\",\"units_limit_workspace\":400000,\"units_usage_workspace\":"
             "5700,\"units_limit_api_key\":null,\"units_usage_api_key\":5700,"
             "\"api_key_expiration_date\":\"2027-08-06T01:57:32Z\""),
     true, 394300, 400000, 250, "Standard, billed monthly"},
    /* both limits hold, and the one of which less is left counts */
    {ACCOUNT("\"units_limit_workspace\":1000,\"units_usage_workspace\":900,"
             "\"units_limit_api_key\":500,\"units_usage_api_key\":10"),
     true, 100, 1000, -1, ""},
    {ACCOUNT("\"units_limit_workspace\":1000,\"units_usage_workspace\":100,"
             "\"units_limit_api_key\":500,\"units_usage_api_key\":10"),
     true, 490, 500, -1, ""},
    {ACCOUNT("\"units_limit_workspace\":1000,\"units_usage_workspace\":1200"), true, -200, 1000, -1,
     ""},
    /* no limit */
    {ACCOUNT("\"subscription\":\"Enterprise\""), false, 0, 0, 0, "Enterprise"},
    {ACCOUNT("\"subscription\":\"Lite\",\"units_limit_workspace\":null,"
             "\"units_usage_workspace\":5,\"units_usage_api_key\":5"),
     false, 0, 0, 100, "Lite"},
    {ACCOUNT("\"subscription\":\"ADVANCED , billed yearly\",\"units_limit_workspace\":7"), false, 0,
     0, 500, "ADVANCED , billed yearly"},
    /* a plan that is not known */
    {ACCOUNT("\"subscription\":\"Standard Plus\""), false, 0, 0, -1, "Standard Plus"},
    {ACCOUNT("\"subscription\":null"), false, 0, 0, -1, ""},
    {ACCOUNT("\"subscription\":\"a\\u001b\""), false, 0, 0, -1, "a\\x1b"},
};

static void accounts_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(accounts); i++) {
    const struct account_case *one = &accounts[i];
    struct dialect_subscription read;
    struct fault fault;
    if (!dialect_v3.read_subscription(view_of(one->body), &read, &fault))
      fail_msg("%s: %s", one->body, fault.text);
    if (read.has_left != one->has_left || read.left.parts != one->left ||
        read.limit.parts != one->limit || read.cap != one->cap || strcmp(read.plan, one->plan) != 0)
      fail_msg("%s: %d %lld %lld %lld %s", one->body, read.has_left, (long long)read.left.parts,
               (long long)read.limit.parts, (long long)read.cap, read.plan);
    assert_int_equal(read.left.currency, CURRENCY_UNITS);
    assert_int_equal(read.limit.currency, CURRENCY_UNITS);
    assert_int_equal(read.used.currency, CURRENCY_UNITS);
  }
}

/* What was spent with the key, whatever others have spent of the workspace. */
static void the_usage_of_a_key_is_read(void **state) {
  (void)state;
  static const struct {
    const char *body;
    bool has_used;
    int64_t used;
  } cases[] = {
      {ACCOUNT("\"units_usage_workspace\":9,\"units_usage_api_key\":7"), true, 7},
      {ACCOUNT("\"units_usage_workspace\":9,\"units_usage_api_key\":null"), false, 0},
      {ACCOUNT("\"units_usage_workspace\":9"), false, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct dialect_subscription read;
    assert_true(dialect_v3.read_subscription(view_of(cases[i].body), &read, NULL));
    assert_int_equal(read.has_used, cases[i].has_used);
    assert_int_equal(read.used.parts, cases[i].used);
  }
}

static void an_account_without_figures_is_refused(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "",
      "null",
      "{}",
      "[]",
      "{\"limits_and_usage\":[]}",
      "{\"units_limit_workspace\":1}",
      ACCOUNT("\"units_limit_workspace\":\"1\",\"units_usage_workspace\":1"),
      ACCOUNT("\"units_limit_workspace\":1.5,\"units_usage_workspace\":1"),
      ACCOUNT("\"units_limit_workspace\":1,\"units_usage_workspace\":99999999999999999999"),
  };
  struct dialect_subscription read;
  struct fault fault;
  for (size_t i = 0; i < COUNT(bodies); i++) {
    if (dialect_v3.read_subscription(view_of(bodies[i]), &read, &fault))
      fail_msg("taken: %s", bodies[i]);
    assert_int_equal(fault.kind, FAULT_UPSTREAM);
  }
}

static void a_long_plan_is_cut(void **state) {
  (void)state;
  struct dialect_subscription read;
  struct fault fault;
  struct view body = VIEW(ACCOUNT("\"subscription\":\"0123456789012345678901234567890123456789"
                                  "01234567890123456789\\u202e\""));
  assert_true(dialect_v3.read_subscription(body, &read, &fault));
  assert_string_equal(read.plan, "012345678901234567890123456789012345678901234567890123456789");
}

static void what_an_answer_says_of_its_key(void **state) {
  (void)state;
  static const struct {
    unsigned what, status;
    const char *body;
    enum dialect_token token;
  } cases[] = {
      {WHOLE, 200, "{\"limits_and_usage\":{}}", DIALECT_TOKEN_ACCEPTED},
      {SENT | CLEAN | READS, 200, "<html>", DIALECT_TOKEN_UNJUDGED},
      {SENT | CLEAN | READS, 401, "[\"Error\",\"Unauthorized\"]", DIALECT_TOKEN_REFUSED},
      {SENT | CLEAN | READS, 403, "[\"Error\",\"Forbidden\"]", DIALECT_TOKEN_REFUSED},
      {SENT | CLEAN | READS, 401, "{\"error\":\"Unauthorized\"}", DIALECT_TOKEN_REFUSED},
      {SENT | CLEAN | READS, 401, "<html>Unauthorized</html>", DIALECT_TOKEN_UNJUDGED},
      {SENT | CLEAN | READS, 403, "{\"error\":\"API units limit reached.\"}",
       DIALECT_TOKEN_UNJUDGED},
      {SENT | CLEAN | READS, 429, "[\"Error\",\"Forbidden\"]", DIALECT_TOKEN_UNJUDGED},
      {SENT | CLEAN | READS, 500, "[\"Error\",\"Unauthorized\"]", DIALECT_TOKEN_UNJUDGED},
      {SENT | READS, 401, "[\"Error\",\"Unauthorized\"]", DIALECT_TOKEN_UNJUDGED},
      {SENT | READS, 0, "", DIALECT_TOKEN_UNJUDGED},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct answer_evidence evidence =
        evidence_of(&(struct judge_case){.what = OF_ACCOUNT | cases[i].what,
                                         .status = cases[i].status,
                                         .lines = "",
                                         .body = cases[i].body});
    struct answer_verdict verdict = dialect_v3.judge(&evidence);
    assert_int_equal(dialect_v3.judge_token(&evidence.head, &verdict), cases[i].token);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers),
      cmocka_unit_test(judged),
      cmocka_unit_test(a_broken_answer_says_why),
      cmocka_unit_test(a_head_tells_the_cost),
      cmocka_unit_test(rows_have_the_name_that_the_table_gives),
      cmocka_unit_test(other_forms_are_not_read),
      cmocka_unit_test(errors),
      cmocka_unit_test(a_long_error_is_shortened),
      cmocka_unit_test(a_refusal_has_the_error),
      cmocka_unit_test(accounts_are_read),
      cmocka_unit_test(the_usage_of_a_key_is_read),
      cmocka_unit_test(an_account_without_figures_is_refused),
      cmocka_unit_test(a_long_plan_is_cut),
      cmocka_unit_test(what_an_answer_says_of_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

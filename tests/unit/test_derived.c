/* Answers computed from stored results, on a real cache: which bytes come, why none do, what is
 * stored, and what becomes of computations that nobody reads. */
#include "unit/fixture/unit.h"

#include "base/clock.h"
#include "base/text.h"
#include "derived/derived.h"
#include "derived/search.h"
#include "query/query.h"
#include "rows/reader.h"
#include "unit/fixture/calls.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/wait.h"

#include <sched.h>
#include <stdatomic.h>

#define SUBJECT "from=backlinks_new_lost&target=a.example&mode=domain"
#define TTL 86400
#define DEPTH 5
#define ANSWERED_AT 1600000000
#define MIB ((int64_t)1024 * 1024)

static const struct reader_shape shape = {.rows = VIEW("refpages")};
static const struct reader_shape call_shape = {.rows = VIEW("backlinks")};
static const struct cache_bounds plenty = {.max_size = (int64_t)1 << 30, .ttl = TTL};
static struct cache *cache;
static struct derived_desk *desk;

static int set_up(void **state) {
  struct fault fault;
  if (make_directory(state) != 0 || !cache_open(directory, &plenty, &cache, &fault))
    return -1;
  desk = derived_desk_create(cache, 2);
  return desk ? 0 : -1;
}

/* A computation ends a little later than its readers have read. */
static void await_busy(int64_t count) {
  while (derived_desk_busy(desk) > count)
    clock_sleep(clock_monotonic() + CLOCK_MILLISECOND);
}

static void await_idle(void) {
  await_busy(0);
}

/* derived_desk_release() checks that nothing is under way, cache_close() that nothing is held. */
static int tear_down(void **state) {
  await_idle();
  derived_desk_release(&desk);
  cache_close(&cache);
  return remove_directory(state);
}

/* --- memory for chunks, which may run out --- */

/* So many chunks may be had; negative: any number. */
static atomic_int chunks_left = -1;

/* The linker puts these in the place of malloc() (--wrap). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) {
  bool is_chunk = size == CACHE_CHUNK_SIZE && atomic_load(&chunks_left) >= 0;
  return is_chunk && atomic_fetch_sub(&chunks_left, 1) <= 0 ? NULL : __real_malloc(size);
}

/* --- what is stored, and asked --- */

#define CALL "&aggregation=all" /* tells a call from a query of v2 */

static struct digest subject_of(const struct query *query) {
  struct digest subject;
  assert_true(query_subject(query, &subject));
  return subject;
}

/* What stands behind SUBJECT; or behind a call's target, if it says what to select. */
static struct query *parse(const char *rest) {
  scope_text struct text text = {0};
  struct query *query;
  if (strstr(rest, CALL))
    return call_of(CALL_BACKLINKS, rest);
  text_printf(&text, SUBJECT "%s", rest);
  assert_true(query_parse(text_view(&text), VIEW(""), &query, NULL));
  return query;
}

/* Stores an answer to `query`. */
static void store(const struct query *query, struct view body, int64_t results) {
  struct cache_subject subject = {.key = *query_key(query),
                                  .normal = query_normal(query),
                                  .target = query_target_text(query),
                                  .subject = subject_of(query)};
  struct cache_result result = {.results = results,
                                .body_length = (int64_t)body.length,
                                .cost = amount_of_rows(ROWS(results)),
                                .answered_at = ANSWERED_AT,
                                .content_type = "application/json"};
  struct cache_writer *writer;
  struct wait wait;
  assert_true(cache_begin(cache, &subject, &writer, NULL));
  for (; body.length; body = view_from(body, CACHE_CHUNK_SIZE)) {
    wait_begin(&wait);
    cache_append(writer, view_first(body, CACHE_CHUNK_SIZE), wake, &wait);
    assert_true(wait_for(&wait));
  }
  wait_begin(&wait);
  cache_publish(&writer, &result, wake, &wait);
  assert_true(wait_for(&wait));
}

/* An order, with what it borrows. */
struct asked {
  struct query *wanted, *source;
  struct cache_hold *hold;
  struct derived_order order;
};

static void ask(struct asked *asked, const char *wanted, const char *source) {
  *asked = (struct asked){.wanted = parse(wanted), .source = parse(source)};
  asked->hold = cache_find(cache, query_key(asked->source));
  assert_non_null(asked->hold);
  asked->order = (struct derived_order){.desk = desk,
                                        .wanted = asked->wanted,
                                        .source = asked->hold,
                                        .source_normal = query_normal(asked->source),
                                        .shape = query_call(asked->source) ? &call_shape : &shape,
                                        .max_depth = DEPTH,
                                        .subject = subject_of(asked->source),
                                        .conditions = 1,
                                        .patience = 3600 * CLOCK_SECOND,
                                        .tariff = {.fixed = amount_of_rows(ROWS(200)),
                                                   .result = amount_of_rows((struct rows){2}),
                                                   .limit = query_limit(asked->wanted)}};
}

static void forget(struct asked *asked) {
  cache_release(&asked->hold);
  query_release(&asked->wanted);
  query_release(&asked->source);
}

/* --- a reader --- */

struct client {
  struct flight_reader *reader;
  sem_t woken;
};

static void wake_client(void *context) {
  struct client *client = context;
  sem_post(&client->woken);
}

static void join(struct client *client, const struct asked *asked) {
  struct fault fault = {0};
  sem_init(&client->woken, 0, 0);
  client->reader = derived_join(&asked->order, wake_client, client, &fault);
  if (!client->reader)
    fail_msg("%s", fault.text);
}

static void leave(struct client *client) {
  flight_leave(&client->reader);
  sem_destroy(&client->woken);
}

static struct flight_state look(const struct client *client) {
  struct flight_state state;
  flight_peek(flight_of(client->reader), &state);
  return state;
}

static void await_flow(struct client *client) {
  while (!flight_await(client->reader))
    sem_wait(&client->woken);
}

static void await_end(struct client *client) {
  while (!flight_await_end(client->reader))
    sem_wait(&client->woken);
}

/* What lies in the store only. */
static size_t read_copy(struct client *client, char *bytes) {
  struct view chunk;
  int64_t offset = flight_offset(client->reader), size = CACHE_CHUNK_SIZE;
  struct cache_hold *hold = cache_hold_again(derived_hold(flight_of(client->reader)));
  assert_true(cache_read(hold, offset / size, &chunk, NULL));
  chunk = view_from(chunk, (size_t)(offset % size));
  memcpy(bytes, chunk.at, chunk.length);
  cache_release(&hold);
  flight_skip(client->reader, chunk.length);
  return chunk.length;
}

/* Reads to the end, or to the break; `out` NULL: looks at no byte. */
static enum flight_read read_all(struct client *client, struct text *out) {
  static char bytes[CACHE_CHUNK_SIZE];
  size_t count;
  for (;;) {
    enum flight_read read = flight_read(client->reader, bytes, sizeof bytes, &count);
    if (read == FLIGHT_READ_STORED)
      count = read_copy(client, bytes);
    else if (read == FLIGHT_READ_WAIT)
      sem_wait(&client->woken);
    else if (read != FLIGHT_READ_BYTES)
      return read;
    if (read != FLIGHT_READ_WAIT && out)
      text_add(out, (struct view){bytes, count});
  }
}

/* --- cases --- */

#define ROW_A "{\"date\":\"2013-11-24\",\"type\":\"new\",\"domain_rating\":3}"
#define ROW_B "{\"date\":\"2013-11-25\",\"type\":\"lost\",\"domain_rating\":1}"
#define ROW_C "{\"date\":\"2013-11-26\",\"type\":\"new\",\"domain_rating\":2}"
#define BODY(rows) "{\"refpages\":[" rows "]}"
#define THREE BODY(ROW_A "," ROW_B "," ROW_C)
#define BESIDE(rows) "{\"refpages\":[" rows "],\"stats\":{\"n\":3}}"

static const struct derived_case {
  const char *wanted; /* behind SUBJECT */
  const char *body;
  int64_t counted; /* when the source came */
  enum derive_reason reason;
  int64_t results;
  const char *answer;
} cases[] = {
#define YES(wanted, body, counted, results, answer) \
  { wanted, body, counted, DERIVE_POSSIBLE, results, answer }
#define NO(wanted, body, counted, reason) \
  { wanted, body, counted, DERIVE_##reason, 0, NULL }
    /* as it is */
    YES("&limit=2000", THREE, 3, 3, THREE),
    YES("&limit=2000", BESIDE(ROW_A), 1, 1, BESIDE(ROW_A)),
    YES("&limit=2000", "{\"refpages\":null}", 0, 0, "{\"refpages\":null}"),
    /* columns */
    YES("&select=date", BODY("{\"date\":1,\"a\":2},{\"date\":null}"), 2, 2,
        BODY("{\"date\":1},{\"date\":null}")),
    YES("&select=date", BESIDE("{\"date\":1,\"a\":2}"), 1, 1, BESIDE("{\"date\":1}")),
    YES("&select=date", "{\"refpages\":null}", 0, 0, "{\"refpages\":null}"),
    NO("&select=date", BODY("{\"date\":1},{\"a\":1}"), 2, ROW),
    /* conditions */
    YES("&where=type=\"new\"", THREE, 3, 2, BODY(ROW_A "," ROW_C)),
    YES("&where=type=\"new\",domain_rating>2", THREE, 3, 1, BODY(ROW_A)),
    YES("&where=type=\"none\"", THREE, 3, 0, BODY()),
    NO("&where=type=\"New\"", THREE, 3, ROW),
    NO("&where=type=\"new\"", BESIDE(ROW_A), 1, SOURCE),
    /* windows */
    YES("&limit=1", THREE, 3, 1, BODY(ROW_A)),
    YES("&offset=1&limit=1", THREE, 3, 1, BODY(ROW_B)),
    YES("&offset=3", THREE, 3, 0, BODY()),
    YES("&limit=1&where=type=\"new\"", BODY(ROW_A ",{\"type\":\"New\"}"), 2, 1, BODY(ROW_A)),
    NO("&offset=1", BESIDE(ROW_A "," ROW_B), 2, SOURCE),
    /* orders */
    YES("&order_by=domain_rating", THREE, 3, 3, BODY(ROW_B "," ROW_C "," ROW_A)),
    YES("&order_by=domain_rating:desc&limit=1&offset=1", THREE, 3, 1, BODY(ROW_C)),
    YES("&order_by=domain_rating&select=type,domain_rating",
        " {\"refpages\" :\t[ " ROW_A " , " ROW_B "\n ] } ", 2, 2,
        " {\"refpages\" :\t[{\"type\":\"lost\",\"domain_rating\":1},"
        "{\"type\":\"new\",\"domain_rating\":3}] } "),
    YES("&order_by=domain_rating&where=type=\"new\"", THREE, 3, 2, BODY(ROW_C "," ROW_A)),
    YES("&order_by=date&offset=7", THREE, 3, 0, BODY()),
    YES("&order_by=date", "\xef\xbb\xbf" BODY(ROW_B "," ROW_A), 2, 2,
        "\xef\xbb\xbf" BODY(ROW_A "," ROW_B)),
    YES("&order_by=date", "{\"refpages\":null}", 0, 0, "{\"refpages\":null}"),
    NO("&order_by=domain_rating", BODY(ROW_A "," ROW_B "," ROW_B ",{\"domain_rating\":1}"), 4, TIE),
    NO("&order_by=type", BODY("{\"type\":\"a\"},{\"type\":\"B\"},{\"type\":null}"), 3, COLLATION),
    NO("&order_by=domain_rating", BESIDE(ROW_A), 1, SOURCE),
    /* PHP */
    YES("&output=php&select=domain_rating", THREE, 3, 3,
        "a:1:{s:8:\"refpages\";a:3:{i:0;a:1:{s:13:\"domain_rating\";i:3;}"
        "i:1;a:1:{s:13:\"domain_rating\";i:1;}i:2;a:1:{s:13:\"domain_rating\";i:2;}}}"),
    YES("&output=php&select=domain_rating&where=type=\"new\"&limit=1", THREE, 3, 1,
        "a:1:{s:8:\"refpages\";a:1:{i:0;a:1:{s:13:\"domain_rating\";i:3;}}}"),
    YES("&output=php&select=domain_rating&order_by=domain_rating&limit=1", THREE, 3, 1,
        "a:1:{s:8:\"refpages\";a:1:{i:0;a:1:{s:13:\"domain_rating\";i:1;}}}"),
    YES("&output=php", BODY("{\"a\":true}"), 1, 1,
        "a:1:{s:8:\"refpages\";a:1:{i:0;a:1:{s:1:\"a\";b:1;}}}"),
    NO("&output=php", BODY("{\"a\":1},{\"a\":0.5}"), 2, SOURCE),
    NO("&output=php&order_by=domain_rating&limit=1", BODY("{\"domain_rating\":1,\"a\":0.5}"), 1,
       SOURCE),
    NO("&output=php", "{\"refpages\":null}", 0, SOURCE),
    NO("&output=php", BESIDE(ROW_A), 1, SOURCE),
    /* sources that are no rows, or not those that were counted */
    NO("&where=type=\"new\"", BODY(ROW_A ",[]"), 2, SOURCE),
    NO("&where=type=\"new\"", BODY("{\"a\":1,\"a\":2}"), 1, SOURCE),
    NO("&where=type=\"new\"", THREE, 4, SOURCE),
    NO("&order_by=date", THREE, 2, SOURCE),
    NO("&where=type=\"new\"", "{\"error\":\"x\"}", 0, SOURCE),
    NO("&where=type=\"new\"", BODY(ROW_A) "x", 1, SOURCE),
    NO("&where=type=\"new\"", "{\"refpages\":[" ROW_A, 1, SOURCE),
    /* what the rules refuse */
    NO("&select=title2", THREE, 3, COLUMNS),
    NO("&output=xml", THREE, 3, FORM),
};

static void expect_answer(struct client *client, const struct asked *asked,
                          const struct derived_case *one) {
  scope_text struct text answer = {0};
  enum flight_read read = read_all(client, &answer);
  struct flight_state state = look(client);
  if (read != FLIGHT_READ_END || strcmp(text_string(&answer), one->answer) != 0)
    fail_msg("%s of %s: %s", one->wanted, one->body, text_string(&answer));
  struct amount saved = tariff_cost(&asked->order.tariff, one->results);
  assert_int_equal(state.end, FLIGHT_ENDED);
  assert_int_equal(state.verdict.outcome, ANSWER_COMPLETE);
  assert_true(state.verdict.read && state.verdict.cost.is_known);
  assert_int_equal(state.verdict.results, one->results);
  assert_int_equal(state.head.results_count, one->results);
  assert_int_equal(state.head.status, 200);
  assert_int_equal(state.head.answered_at, ANSWERED_AT);
  assert_true(amount_is_zero(state.head.cost.spent));
  assert_int_equal(amount_order(state.head.cost.once, saved), 0);
  assert_int_equal(amount_order(state.verdict.cost.once, saved), 0);
  assert_string_equal(state.head.content_type, strstr(one->wanted, "output=php")
                                                   ? "text/plain; charset=utf-8"
                                                   : "application/json");
}

/* The copy in the cache is the answer, and says what the flight said. */
static void expect_copy(const struct client *client, const struct asked *asked,
                        const struct derived_case *one) {
  struct view bytes;
  struct cache_hold *hold = cache_find(cache, query_key(asked->wanted));
  assert_non_null(hold);
  const struct cache_entry *entry = cache_hold_entry(hold);
  assert_true(cache_read(hold, 0, &bytes, NULL));
  assert_true(view_is(bytes, one->answer));
  assert_true(entry->is_derived);
  assert_int_equal(entry->results, one->results);
  assert_int_equal(entry->answered_at, ANSWERED_AT);
  assert_int_equal(amount_order(entry->cost, tariff_cost(&asked->order.tariff, one->results)), 0);
  assert_memory_equal(&entry->validator, derived_validator(flight_of(client->reader)),
                      sizeof entry->validator);
  assert_string_equal(entry->content_type, look(client).head.content_type);
  cache_release(&hold);
}

static void expect_no_copy(const struct client *client, const struct asked *asked) {
  static const struct cache_validator none;
  assert_null(cache_find(cache, query_key(asked->wanted)));
  assert_memory_equal(derived_validator(flight_of(client->reader)), &none, sizeof none);
  assert_null(derived_hold(flight_of(client->reader)));
}

static void check(const struct derived_case *one, const char *from, bool stores) {
  struct asked asked;
  struct client client;
  int64_t purged;
  struct query *source = parse(from);
  store(source, view_of(one->body), one->counted);
  query_release(&source);
  ask(&asked, one->wanted, from);
  asked.order.store = stores;
  enum derive_reason tried = derived_try(&asked.order, NULL);
  if (tried != one->reason)
    fail_msg("%s of %s: %s", one->wanted, one->body, reason_word(tried));
  join(&client, &asked);
  await_end(&client);
  if (one->answer)
    expect_answer(&client, &asked, one);
  else
    assert_int_equal(look(&client).end, FLIGHT_WITHDRAWN);
  if (one->answer && stores)
    expect_copy(&client, &asked, one);
  else
    expect_no_copy(&client, &asked);
  leave(&client);
  forget(&asked);
  assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &purged, NULL));
}

static void answers_are_made_or_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    check(&cases[i], "", false);
    check(&cases[i], "", true);
  }
}

/* --- calls --- */

#define LINK_A "{\"anchor\":\"tool\",\"http_code\":200,\"url_from\":\"https://a\"}"
#define LINK_B "{\"anchor\":\"x\",\"http_code\":301,\"url_from\":\"https://b\"}"
#define LINK_C "{\"anchor\":\"a tool\",\"http_code\":404,\"url_from\":\"https://a\"}"
#define LINKS(rows) "{\"backlinks\":[" rows "]}"
#define THREE_LINKS LINKS(LINK_A "," LINK_B "," LINK_C)
#define COUNTED_LINKS(rows) "{\"backlinks\":[" rows "],\"stats\":{\"n\":3}}"
#define BY_CODE CALL "&order_by=http_code:asc"
#define SELECT_ALL "&select=anchor,http_code,url_from"
#define IS_TOOL "&where={\"field\":\"anchor\",\"is\":[\"substring\",\"tool\"]}"

static const struct derived_case call_cases[] = {
    YES(BY_CODE SELECT_ALL "&limit=2000", COUNTED_LINKS(LINK_A), 1, 1, COUNTED_LINKS(LINK_A)),
    /* columns and limit */
    YES(BY_CODE "&select=url_from,anchor", LINKS(LINK_A " , " LINK_B), 2, 2,
        LINKS("{\"anchor\":\"tool\",\"url_from\":\"https://a\"},"
              "{\"anchor\":\"x\",\"url_from\":\"https://b\"}")),
    YES(BY_CODE "&select=url_from,anchor&limit=1", THREE_LINKS, 3, 1,
        LINKS("{\"anchor\":\"tool\",\"url_from\":\"https://a\"}")),
    YES(BY_CODE SELECT_ALL "&limit=2", THREE_LINKS, 3, 2, LINKS(LINK_A "," LINK_B)),
    YES(BY_CODE SELECT_ALL "&limit=2", LINKS(LINK_A "," LINK_A "," LINK_A), 3, 2,
        LINKS(LINK_A "," LINK_A)),
    YES(BY_CODE "&select=anchor", LINKS(), 0, 0, LINKS()),
    NO(BY_CODE "&select=anchor", LINKS(LINK_A ",{}"), 2, ROW),
    NO(BY_CODE "&select=anchor", COUNTED_LINKS(LINK_A), 1, SOURCE),
    NO(BY_CODE SELECT_ALL "&limit=1", COUNTED_LINKS(LINK_A "," LINK_B), 2, SOURCE),
    /* filters */
    YES(BY_CODE SELECT_ALL IS_TOOL, THREE_LINKS, 3, 2, LINKS(LINK_A "," LINK_C)),
    YES(BY_CODE "&select=url_from&limit=1" IS_TOOL, THREE_LINKS, 3, 1,
        LINKS("{\"url_from\":\"https://a\"}")),
    YES(BY_CODE SELECT_ALL "&limit=1" IS_TOOL, LINKS(LINK_A "," LINK_A "," LINK_C), 3, 1,
        LINKS(LINK_A)),
    NO(BY_CODE SELECT_ALL "&limit=1" IS_TOOL,
       LINKS(LINK_A ",{\"anchor\":\"a tool\",\"http_code\":200,\"url_from\":\"\"}"), 2, TIE),
    NO(BY_CODE SELECT_ALL IS_TOOL, LINKS(LINK_A ",{\"anchor\":\"Tool\",\"http_code\":404}"), 2,
       ROW),
    NO(BY_CODE SELECT_ALL IS_TOOL, COUNTED_LINKS(LINK_A), 1, SOURCE),
    NO(BY_CODE SELECT_ALL IS_TOOL, LINKS(LINK_A ",[]"), 2, SOURCE),
    NO(BY_CODE SELECT_ALL IS_TOOL, THREE_LINKS, 4, SOURCE),
    NO(BY_CODE SELECT_ALL IS_TOOL, THREE_LINKS, 250, INCOMPLETE),
};

static void answers_to_calls_are_made_or_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(call_cases); i++) {
    check(&call_cases[i], BY_CODE SELECT_ALL, false);
    check(&call_cases[i], BY_CODE SELECT_ALL, true);
  }
}

/* --- searching --- */

static void note_reason(void *context, const struct cache_entry *entry, struct view normal,
                        enum derive_reason reason) {
  (void)entry, (void)normal;
  *(enum derive_reason *)context = reason;
}

/* What the rules say of the one stored result; it is the source if they allow it. */
static enum derive_reason search(struct derived_search *search) {
  enum derive_reason reason = DERIVE_SOURCE;
  struct derived_source source;
  assert_true(derived_candidates(search, note_reason, &reason, NULL));
  derived_find(search, &source);
  assert_int_equal(source.hold != NULL, reason == DERIVE_POSSIBLE);
  derived_source_release(&source);
  return reason;
}

/* store() pays in rows. */
static void a_call_has_sources_of_its_own_api(void **state) {
  (void)state;
  struct query *source = parse(BY_CODE SELECT_ALL), *wanted = parse(BY_CODE "&select=anchor");
  store(source, view_of(THREE_LINKS), 3);
  struct derived_search one = {.cache = cache,
                               .wanted = wanted,
                               .now = ANSWERED_AT + 60,
                               .fresh = 3600,
                               .usable = 3600,
                               .currency = CURRENCY_ROWS};
  assert_int_equal(search(&one), DERIVE_POSSIBLE);
  one.currency = CURRENCY_UNITS;
  assert_int_equal(search(&one), DERIVE_API);
  query_release(&source);
  query_release(&wanted);
}

/* Answered on day 18518 (1600000000 / 86400) of translations that go back 60 days. */
static void the_days_of_a_translation_are_known(void **state) {
  (void)state;
  assert_int_equal(derived_since(CURRENCY_ROWS, ANSWERED_AT), 0);
  assert_int_equal(derived_since(CURRENCY_UNITS, ANSWERED_AT), 18518 - 60);
}

/* --- long ones --- */

#define TITLE_LENGTH 600

/* Row `i` of a long source: `domain_rating` falls from row to row. */
static void add_row(struct text *body, int64_t i, int64_t rows) {
  char title[TITLE_LENGTH + 1];
  memset(title, 'a' + (int)(i % 26), TITLE_LENGTH);
  title[TITLE_LENGTH] = '\0';
  text_printf(body, "%s{\"domain_rating\":%d,\"title\":\"%s\",\"alt\":\"%d\"}", i ? "," : "",
              (int)(rows - i), title, (int)(i % 7));
}

static void make_body(struct text *body, int64_t rows) {
  text_add(body, VIEW("{\"refpages\":["));
  for (int64_t i = 0; i < rows; i++)
    add_row(body, i, rows);
  text_add(body, VIEW("]}"));
  assert_true(text_ok(body));
}

#define MANY 20000 /* about 13 MB */

static void store_many(int64_t rows, struct text *body) {
  struct query *source = parse("&limit=100000");
  make_body(body, rows);
  store(source, text_view(body), rows);
  query_release(&source);
}

/* Reads an answer of JSON; returns the rows that it holds. `*falls`: their ratings fall. */
struct counting {
  int64_t rows;
  int64_t last;
  bool falls, rises;
};

static bool count_row(void *context, const struct row *row) {
  struct counting *counting = context;
  int64_t rating = strtoll(row->values[SCHEMA_domain_rating].text.at, NULL, 10);
  counting->falls &= !counting->rows || rating < counting->last;
  counting->rises &= !counting->rows || rating > counting->last;
  counting->last = rating;
  counting->rows++;
  return true;
}

static void pass_frame(void *context, struct view bytes) {
  (void)context, (void)bytes;
}

static struct counting count(struct view answer) {
  struct counting counting = {.falls = true, .rises = true};
  struct reader_sink sink = {&counting, pass_frame, count_row};
  struct reader *reader = reader_create_rows(&shape, DEPTH, &sink);
  assert_true(reader_feed(reader, answer, NULL) && reader_finish(reader, NULL));
  assert_null(reader_no_rows(reader));
  reader_release(&reader);
  return counting;
}

/* The whole answer of an order on the long source. */
static struct counting derive_many(const char *wanted, bool stores) {
  scope_text struct text answer = {0};
  struct asked asked;
  struct client client;
  ask(&asked, wanted, "&limit=100000");
  asked.order.store = stores;
  join(&client, &asked);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  struct counting counting = count(text_view(&answer));
  assert_int_equal(counting.rows, look(&client).head.results_count);
  struct cache_hold *copy = cache_find(cache, query_key(asked.wanted));
  assert_int_equal(copy != NULL, stores && (int64_t)answer.length <= DERIVED_COPY);
  cache_release(&copy);
  leave(&client);
  forget(&asked);
  return counting;
}

static void long_answers_stream(void **state) {
  scope_text struct text body = {0};
  (void)state;
  store_many(MANY, &body);
  assert_true(body.length > DERIVED_ANSWER && body.length > DERIVED_SMALL);
  for (int stores = 0; stores < 2; stores++) {
    /* as it is; most of it; some of it; the same sorted */
    struct counting all = derive_many("&limit=200000", stores);
    assert_true(all.rows == MANY && all.falls);
    struct counting most = derive_many("&where=domain_rating>3&limit=100000", stores);
    assert_true(most.rows == MANY - 3 && most.falls);
    struct counting some = derive_many("&where=alt=\"3\"&limit=100000", stores);
    assert_true(some.rows == MANY / 7 && some.falls);
    struct counting sorted = derive_many("&order_by=domain_rating&limit=100000", stores);
    assert_true(sorted.rows == MANY && sorted.rises);
    struct counting first = derive_many("&order_by=domain_rating&limit=100&offset=10", stores);
    assert_true(first.rows == 100 && first.rises && first.last == 110);
    struct counting narrow =
        derive_many("&order_by=domain_rating&select=domain_rating&limit=100000", stores);
    assert_true(narrow.rows == MANY && narrow.rises);
  }
}

static void a_long_answer_in_php_is_counted_first(void **state) {
  scope_text struct text body = {0}, answer = {0};
  (void)state;
  struct asked asked;
  struct client client;
  store_many(MANY, &body);
  ask(&asked, "&output=php&limit=100000&where=domain_rating>1", "&limit=100000");
  join(&client, &asked);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  assert_true(answer.length > DERIVED_ANSWER);
  assert_true(view_starts(text_view(&answer), VIEW("a:1:{s:8:\"refpages\";a:19999:{i:0;")));
  assert_string_equal(text_string(&answer) + answer.length - 3, "}}}");
  leave(&client);
  forget(&asked);
}

/* More rows than there is memory to note their places: all are read again. */
static void very_many_rows_in_php_are_read_twice(void **state) {
  const int rows = 1100000;
  scope_text struct text body = {0}, answer = {0};
  struct query *source = parse("&limit=2000000");
  struct asked asked;
  struct client client;
  (void)state;
  text_add(&body, VIEW("{\"refpages\":[{}"));
  for (int i = 1; i < rows; i++)
    text_add(&body, VIEW(",{}"));
  text_add(&body, VIEW("]}"));
  store(source, text_view(&body), rows);
  query_release(&source);
  ask(&asked, "&output=php&limit=2000000", "&limit=2000000");
  join(&client, &asked);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  assert_true(view_starts(text_view(&answer), VIEW("a:1:{s:8:\"refpages\";a:1100000:{i:0;a:0:{}")));
  assert_string_equal(text_string(&answer) + answer.length - 19, "}i:1099999;a:0:{}}}");
  leave(&client);
  forget(&asked);
}

/* More rows than there is memory to sort. */
static void too_much_to_sort_is_refused(void **state) {
  scope_text struct text body = {0};
  struct query *source = parse("&limit=300000");
  struct asked asked;
  struct fault fault;
  (void)state;
  text_add(&body, VIEW("{\"refpages\":["));
  for (int i = 0; i < 250000; i++)
    text_printf(&body, "%s{\"domain_rating\":%d}", i ? "," : "", i);
  text_add(&body, VIEW("]}"));
  store(source, text_view(&body), 250000);
  query_release(&source);
  ask(&asked, "&order_by=domain_rating:desc&limit=300000", "&limit=300000");
  assert_int_equal(derived_try(&asked.order, &fault), DERIVE_MEMORY);
  forget(&asked);
  ask(&asked, "&order_by=domain_rating:desc&limit=300", "&limit=300000");
  assert_int_equal(derived_try(&asked.order, &fault), DERIVE_POSSIBLE);
  forget(&asked);
}

/* --- readers that come, stay and leave --- */

/* Twice as many as there are threads do not read; the desk goes on. */
static void who_does_not_read_holds_up_no_thread(void **state) {
  static const char *const wanted[] = {"&limit=200000", "&where=domain_rating>3&limit=100000",
                                       "&order_by=domain_rating&limit=100000",
                                       "&output=php&limit=100000"};
  scope_text struct text body = {0};
  struct asked asked[COUNT(wanted)];
  struct client clients[COUNT(wanted)];
  (void)state;
  store_many(MANY, &body);
  for (size_t i = 0; i < COUNT(wanted); i++) {
    ask(&asked[i], wanted[i], "&limit=100000");
    join(&clients[i], &asked[i]);
    await_flow(&clients[i]);
    await_end(&clients[i]); /* as much as memory holds */
    assert_int_equal(look(&clients[i]).phase, FLIGHT_FLOWING);
  }
  assert_int_equal(derive_many("&where=alt=\"3\"&limit=100000", false).rows, MANY / 7);
  await_busy(COUNT(wanted));
  /* One of them reads after all, with another that has joined it; the others leave. */
  struct client late;
  join(&late, &asked[1]);
  assert_ptr_equal(flight_of(late.reader), flight_of(clients[1].reader));
  for (size_t i = 0; i < COUNT(wanted); i++)
    if (i != 1)
      leave(&clients[i]);
  leave(&clients[1]);
  assert_int_equal(read_all(&late, NULL), FLIGHT_READ_END);
  leave(&late);
  await_idle();
  for (size_t i = 0; i < COUNT(wanted); i++)
    forget(&asked[i]);
}

static void readers_leave_at_any_time(void **state) {
  scope_text struct text body = {0};
  struct asked asked;
  (void)state;
  store_many(2000, &body);
  ask(&asked, "&where=domain_rating>3&limit=100000", "&limit=100000");
  for (int i = 0; i < 40; i++) {
    struct client clients[2];
    asked.order.store = i % 2;
    for (size_t j = 0; j < COUNT(clients); j++)
      join(&clients[j], &asked);
    for (int j = 0; j < i; j++)
      sched_yield();
    if (i % 3 == 0)
      await_flow(&clients[0]);
    for (size_t j = 0; j < COUNT(clients); j++)
      leave(&clients[j]);
  }
  await_idle();
  forget(&asked);
}

/* Large ones are many, and a small one is done before most of them. */
static void a_small_source_waits_for_no_large_ones(void **state) {
  scope_text struct text body = {0};
  struct query *small = parse("");
  struct asked large[8], asked;
  struct client clients[COUNT(large)], client;
  (void)state;
  store_many(MANY, &body);
  store(small, view_of(THREE), 3);
  query_release(&small);
  for (size_t i = 0; i < COUNT(large); i++) {
    scope_text struct text wanted = {0};
    text_printf(&wanted, "&order_by=domain_rating&limit=100&offset=%zu", i);
    ask(&large[i], text_string(&wanted), "&limit=100000");
    join(&clients[i], &large[i]);
  }
  ask(&asked, "&limit=1", "");
  join(&client, &asked);
  assert_int_equal(read_all(&client, NULL), FLIGHT_READ_END);
  assert_true(derived_desk_busy(desk) > (int64_t)COUNT(large) / 2);
  leave(&client);
  forget(&asked);
  for (size_t i = 0; i < COUNT(large); i++) {
    leave(&clients[i]);
    forget(&large[i]);
  }
}

/* Many at once, of which each is computed once. */
static void the_same_is_computed_once(void **state) {
  scope_text struct text body = {0};
  struct asked asked, other;
  struct client clients[8];
  (void)state;
  store_many(MANY, &body);
  ask(&asked, "&limit=200000", "&limit=100000");
  ask(&other, "&limit=200001", "&limit=100000");
  for (size_t i = 0; i < COUNT(clients); i++)
    join(&clients[i], i % 2 ? &asked : &other);
  for (size_t i = 2; i < COUNT(clients); i++)
    assert_ptr_equal(flight_of(clients[i].reader), flight_of(clients[i % 2].reader));
  assert_ptr_not_equal(flight_of(clients[0].reader), flight_of(clients[1].reader));
  assert_int_equal(derived_desk_busy(desk), 2);
  for (size_t i = 0; i < COUNT(clients); i++)
    leave(&clients[i]);
  forget(&asked);
  forget(&other);
}

static void a_stopped_desk_ends_what_it_has_begun(void **state) {
  scope_text struct text body = {0};
  struct asked asked, more;
  struct client client, joined;
  struct fault fault;
  (void)state;
  store_many(MANY, &body);
  ask(&asked, "&limit=200000", "&limit=100000");
  ask(&more, "&limit=200001", "&limit=100000");
  join(&client, &asked);
  derived_desk_stop(desk);
  join(&joined, &asked);
  assert_null(derived_join(&more.order, wake_client, &client, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  leave(&joined);
  assert_int_equal(read_all(&client, NULL), FLIGHT_READ_END);
  leave(&client);
  await_idle();
  forget(&asked);
  forget(&more);
}

/* --- sources that go --- */

/* What is held can be read, although nobody finds it any more. */
static void a_purged_source_is_read_to_its_end(void **state) {
  scope_text struct text body = {0}, answer = {0};
  struct asked asked;
  struct client client;
  int64_t purged;
  (void)state;
  store_many(MANY, &body);
  ask(&asked, "&limit=200000", "&limit=100000");
  join(&client, &asked);
  await_flow(&client);
  assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &purged, NULL));
  cache_release(&asked.hold);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  assert_true(view_equal(text_view(&answer), text_view(&body)));
  leave(&client);
  forget(&asked);
}

static void a_purged_source_leaves_no_copy(void **state) {
  struct query *source = parse("");
  struct asked asked;
  struct client client;
  int64_t purged;
  (void)state;
  store(source, view_of(THREE), 3);
  query_release(&source);
  ask(&asked, "&limit=1", "");
  asked.order.store = true;
  assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &purged, NULL));
  join(&client, &asked);
  assert_int_equal(read_all(&client, NULL), FLIGHT_READ_END);
  assert_null(cache_find(cache, query_key(asked.wanted)));
  leave(&client);
  forget(&asked);
}

#define DAMAGE(chunk) "DELETE FROM chunk WHERE (id & 0xffffff) = " chunk

static void expect_withdrawn(const struct asked *asked, const char *damage) {
  struct client client;
  database_change("cache.db", damage);
  join(&client, asked);
  await_end(&client);
  assert_int_equal(look(&client).end, FLIGHT_WITHDRAWN);
  leave(&client);
}

static void a_damaged_source_withdraws_or_breaks(void **state) {
  scope_text struct text body = {0};
  struct asked through, filter;
  struct client client;
  struct fault fault;
  (void)state;
  store_many(MANY, &body);
  ask(&through, "&limit=200000", "&limit=100000");
  ask(&filter, "&where=alt=\"3\"&limit=100000", "&limit=100000");
  database_change("cache.db", DAMAGE("150"));
  assert_int_equal(derived_try(&filter.order, &fault), DERIVE_SOURCE);
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  join(&client, &filter);
  await_end(&client);
  assert_int_equal(look(&client).end, FLIGHT_WITHDRAWN);
  leave(&client);
  /* Its bytes are out already. */
  join(&client, &through);
  assert_int_equal(read_all(&client, NULL), FLIGHT_READ_BROKEN);
  assert_int_equal(look(&client).verdict.outcome, ANSWER_BROKEN);
  leave(&client);
  /* No byte is out yet. */
  expect_withdrawn(&through, DAMAGE("1"));
  expect_withdrawn(&through, DAMAGE("0"));
  forget(&through);
  forget(&filter);
}

/* A copy that cannot be stored is no failure of its answer. */
static void an_answer_comes_without_its_copy(void **state) {
  scope_text struct text body = {0}, answer = {0};
  struct asked asked;
  struct client client;
  (void)state;
  store_many(MANY, &body);
  ask(&asked, "&where=domain_rating>9000&limit=100000", "&limit=100000");
  asked.order.store = true;
  cache_set_bounds(cache, &(struct cache_bounds){.max_size = 64 * 1024, .ttl = TTL});
  join(&client, &asked);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  assert_int_equal(count(text_view(&answer)).rows, MANY - 9000);
  assert_false(look(&client).storing);
  assert_null(cache_find(cache, query_key(asked.wanted)));
  leave(&client);
  forget(&asked);
}

/* Whatever runs out, every flight ends, in one of three ways. */
static void without_memory_every_flight_ends(void **state) {
  static const char *const wanted[] = {"&limit=200000", "&order_by=domain_rating&limit=100000",
                                       "&where=alt=\"3\"&limit=100000"};
  scope_text struct text body = {0};
  int complete = 0, withdrawn = 0, broken = 0;
  (void)state;
  store_many(MANY, &body);
  for (int left = 0; left < 96; left += left < 24 ? 1 : 12) {
    struct asked asked;
    struct client client;
    ask(&asked, wanted[left % COUNT(wanted)], "&limit=100000");
    atomic_store(&chunks_left, left);
    join(&client, &asked);
    enum flight_read read = read_all(&client, NULL);
    atomic_store(&chunks_left, -1);
    struct flight_state end = look(&client);
    complete += read == FLIGHT_READ_END;
    withdrawn += read == FLIGHT_READ_BROKEN && end.end == FLIGHT_WITHDRAWN;
    broken += read == FLIGHT_READ_BROKEN && end.end == FLIGHT_ENDED;
    leave(&client);
    forget(&asked);
  }
  assert_true(complete > 0 && withdrawn > 0 && broken > 0);
  assert_int_equal(complete + withdrawn + broken, 24 + 6);
}

/* --- places for long answers, and readers that do not read --- */

/* The long answer number `i`. */
static void ask_long(struct asked *asked, int i) {
  scope_text struct text wanted = {0};
  text_printf(&wanted, "&limit=%d", 200000 + i);
  ask(asked, text_string(&wanted), "&limit=100000");
}

struct idler {
  struct asked asked;
  struct client client;
};

/* Each takes a place, and does not read. */
static void take_places(struct idler idlers[static DERIVED_PLACES]) {
  for (int i = 0; i < DERIVED_PLACES; i++) {
    struct idler *idler = &idlers[i];
    ask_long(&idler->asked, i);
    join(&idler->client, &idler->asked);
    await_flow(&idler->client);
    await_end(&idler->client); /* as much as memory holds */
    assert_int_equal(look(&idler->client).phase, FLIGHT_FLOWING);
  }
}

static void go(struct idler *idler) {
  leave(&idler->client);
  forget(&idler->asked);
}

static void expect_rows(const char *wanted, const char *source, bool store, int rows) {
  scope_text struct text answer = {0};
  struct asked asked;
  struct client client;
  ask(&asked, wanted, source);
  asked.order.store = store;
  join(&client, &asked);
  assert_int_equal(read_all(&client, &answer), FLIGHT_READ_END);
  assert_int_equal(count(text_view(&answer)).rows, rows);
  leave(&client);
  forget(&asked);
}

static void slow_readers_do_not_hold_up_short_answers(void **state) {
  static struct idler idlers[DERIVED_PLACES], more;
  scope_text struct text body = {0};
  struct query *small = parse("");
  (void)state;
  store_many(MANY, &body);
  store(small, view_of(THREE), 3);
  query_release(&small);
  take_places(idlers);
  ask_long(&more.asked, DERIVED_PLACES);
  join(&more.client, &more.asked);
  for (int stores = 0; stores < 2; stores++) {
    expect_rows("&limit=1", "", stores, 1);
    expect_rows("&where=domain_rating>3&limit=2", "&limit=100000", stores, 2);
    expect_rows("&order_by=domain_rating&limit=3", "&limit=100000", stores, 3);
  }
  assert_int_equal(look(&more.client).phase, FLIGHT_WAITING);
  for (int i = 0; i < DERIVED_PLACES; i++)
    go(&idlers[i]);
  go(&more);
}

/* Nobody reads any of them, and all conclude: they fit into the window. */
static void short_answers_need_no_reader(void **state) {
  static struct idler idlers[2 * DERIVED_PLACES];
  scope_text struct text body = {0};
  (void)state;
  store_many(MANY, &body);
  for (size_t i = 0; i < COUNT(idlers); i++) {
    scope_text struct text wanted = {0};
    text_printf(&wanted, "&limit=%zu", 600 + i);
    ask(&idlers[i].asked, text_string(&wanted), "&limit=100000");
    idlers[i].asked.order.store = i % 2;
    join(&idlers[i].client, &idlers[i].asked);
  }
  for (size_t i = 0; i < COUNT(idlers); i++) {
    await_end(&idlers[i].client);
    struct flight_state end = look(&idlers[i].client);
    assert_int_equal(end.phase, FLIGHT_CONCLUDED);
    assert_int_equal(end.verdict.results, 600 + i);
    assert_true(end.length <= FLIGHT_WINDOW * (int64_t)FLIGHT_CHUNK_SIZE);
    go(&idlers[i]);
  }
}

static void a_long_answer_waits_for_a_place_in_vain(void **state) {
  static struct idler idlers[DERIVED_PLACES];
  scope_text struct text body = {0};
  struct asked asked;
  struct client client;
  (void)state;
  store_many(MANY, &body);
  take_places(idlers);
  ask_long(&asked, DERIVED_PLACES);
  asked.order.patience = 20 * CLOCK_MILLISECOND;
  int64_t since = clock_monotonic();
  join(&client, &asked);
  await_end(&client);
  assert_true(clock_monotonic() >= since + 20 * CLOCK_MILLISECOND);
  assert_int_equal(look(&client).end, FLIGHT_REFUSED);
  assert_int_equal(look(&client).refusal.kind, FAULT_UNAVAILABLE);
  leave(&client);
  /* With a place it is computed. */
  go(&idlers[0]);
  join(&client, &asked);
  assert_int_equal(read_all(&client, NULL), FLIGHT_READ_END);
  leave(&client);
  forget(&asked);
  for (int i = 1; i < DERIVED_PLACES; i++)
    go(&idlers[i]);
}

/* Whoever leaves makes room for one that waits. */
static void places_are_given_to_the_next(void **state) {
  static const char *const wanted[] = {
      "&limit=300000", "&output=php&limit=100000", "&order_by=domain_rating&limit=100000",
      "&where=domain_rating>3&limit=100000", "&where=alt=\"3\"&limit=100000"};
  static const int64_t results[] = {MANY, MANY, MANY, MANY - 3, MANY / 7};
  static struct idler idlers[DERIVED_PLACES], next[COUNT(wanted)];
  scope_text struct text body = {0};
  (void)state;
  store_many(MANY, &body);
  take_places(idlers);
  for (size_t i = 0; i < COUNT(wanted); i++) {
    ask(&next[i].asked, wanted[i], "&limit=100000");
    join(&next[i].client, &next[i].asked);
  }
  /* Large ones are looked at in turn, so by now all of them wait for a place. */
  expect_rows("&limit=1", "&limit=100000", false, 1);
  for (size_t i = 0; i < COUNT(wanted); i++)
    assert_int_equal(look(&next[i].client).phase, FLIGHT_WAITING);
  for (int i = 0; i < DERIVED_PLACES; i++)
    go(&idlers[i]);
  for (size_t i = 0; i < COUNT(wanted); i++) {
    assert_int_equal(read_all(&next[i].client, NULL), FLIGHT_READ_END);
    assert_int_equal(look(&next[i].client).verdict.results, results[i]);
    go(&next[i]);
  }
}

static void a_desk_may_be_none(void **state) {
  struct derived_desk *none = NULL;
  (void)state;
  derived_desk_release(&none);
}

#define ON_A_CACHE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_A_CACHE(answers_are_made_or_refused),
      ON_A_CACHE(answers_to_calls_are_made_or_refused),
      ON_A_CACHE(a_call_has_sources_of_its_own_api),
      cmocka_unit_test(the_days_of_a_translation_are_known),
      ON_A_CACHE(long_answers_stream),
      ON_A_CACHE(a_long_answer_in_php_is_counted_first),
      ON_A_CACHE(very_many_rows_in_php_are_read_twice),
      ON_A_CACHE(too_much_to_sort_is_refused),
      ON_A_CACHE(who_does_not_read_holds_up_no_thread),
      ON_A_CACHE(readers_leave_at_any_time),
      ON_A_CACHE(a_small_source_waits_for_no_large_ones),
      ON_A_CACHE(the_same_is_computed_once),
      ON_A_CACHE(a_stopped_desk_ends_what_it_has_begun),
      ON_A_CACHE(a_purged_source_is_read_to_its_end),
      ON_A_CACHE(a_purged_source_leaves_no_copy),
      ON_A_CACHE(a_damaged_source_withdraws_or_breaks),
      ON_A_CACHE(an_answer_comes_without_its_copy),
      ON_A_CACHE(without_memory_every_flight_ends),
      ON_A_CACHE(slow_readers_do_not_hold_up_short_answers),
      ON_A_CACHE(short_answers_need_no_reader),
      ON_A_CACHE(a_long_answer_waits_for_a_place_in_vain),
      ON_A_CACHE(places_are_given_to_the_next),
      cmocka_unit_test(a_desk_may_be_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a derived answer takes: time, and memory.
 *
 *     build/tests/bench_derived [ROWS]     stores so many rows (1000), and derives answers from them
 *
 * Each line: the query, the rows and bytes of its answer, milliseconds until the first byte (a short
 * answer comes whole) and until the end, those of processors, and the most memory that was resident
 * meanwhile. Times are the median of several runs, of few where one takes long; processors' is the
 * mean. The memory is that of this program: the
 * cache, the desk and a reader that looks at no byte. */
#include "unit/fixture/unit.h"

#include "base/clock.h"
#include "base/text.h"
#include "derived/derived.h"
#include "query/query.h"
#include "rows/reader.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/wait.h"

#include <stdio.h>
#include <sys/resource.h>

#define SUBJECT "from=backlinks_new_lost&target=a.example&mode=domain"
#define RUNS_MOST 200
#define ENOUGH (3 * CLOCK_SECOND) /* for the runs of one query */

static const struct reader_shape shape = {.rows = VIEW("refpages")};
static const char *const clauses[] = {
    "&where=domain_rating<10",
    "&where=domain_rating<10&select=url_from,anchor,domain_rating",
    "&limit=100&offset=500",
    "&select=date,type,domain_rating,url_from,url_to,anchor",
    "&where=substring(anchor,\"link 7\")",
    "&order_by=ahrefs_rank:desc&limit=100",
    "&order_by=ahrefs_rank:desc&limit=100&select=url_from,ahrefs_rank",
    "&output=php&where=domain_rating<10",
    "&where=http_code=200",
};

static void require(bool ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "bench_derived: %s\n", what);
  exit(1);
}

/* --- the source: all columns, about 750 bytes a row --- */

static void add_row(struct text *text, long i) {
  text_printf(
      text,
      "%s{\"date\":\"2021-%02ld-%02ldT08:08:13Z\",\"type\":\"%s\",\"ahrefs_rank\":%ld,"
      "\"domain_rating\":%ld,\"url_from\":\"https://blog%ld.example.com/articles/%ld/index.html\","
      "\"url_to\":\"http://a.example/page/%ld\",\"links_internal\":%ld,\"links_external\":%ld,"
      "\"encoding\":\"utf8\",\"http_code\":200,",
      i ? "," : "", i % 12 + 1, i % 28 + 1, i % 3 ? "new" : "lost", i * 7919 % 1000003, i % 100,
      i % 997, i, i % 50, i % 300, i % 40);
  text_printf(text,
              "\"title\":\"The title of article %ld \\u2014 and more\",\"origin\":\"recrawl\","
              "\"first_seen\":\"2013-11-24T21:50:30Z\",\"last_visited\":\"2021-10-23T08:08:13Z\","
              "\"prev_visited\":\"2021-09-12T03:55:01Z\",\"original\":true,\"link_type\":\"href\","
              "\"redirect\":0,\"nofollow\":%s,\"alt\":\"\",\"anchor\":\"a link %ld to it\","
              "\"text_pre\":\"some words before\",\"text_post\":\"and some words after\"}",
              i, i % 4 ? "false" : "true", i % 1000);
}

static void append(struct cache_writer *writer, struct view bytes) {
  struct wait wait;
  wait_begin(&wait);
  cache_append(writer, bytes, wake, &wait);
  require(wait_for(&wait), "a chunk is not stored");
}

/* Appends the full chunks of `text`, and keeps the rest. */
static int64_t append_chunks(struct cache_writer *writer, struct text *text) {
  struct view rest = text_view(text);
  for (; rest.length >= CACHE_CHUNK_SIZE; rest = view_from(rest, CACHE_CHUNK_SIZE))
    append(writer, view_first(rest, CACHE_CHUNK_SIZE));
  int64_t count = (int64_t)(text->length - rest.length);
  memmove(text->at, rest.at, rest.length);
  text->length = rest.length;
  return count;
}

static int64_t append_rows(struct cache_writer *writer, long rows) {
  scope_text struct text text = {0};
  int64_t length = 0;
  text_add(&text, VIEW("{\"refpages\":["));
  for (long i = 0; i < rows; i++) {
    add_row(&text, i);
    length += append_chunks(writer, &text);
  }
  text_add(&text, VIEW("]}"));
  length += append_chunks(writer, &text) + (int64_t)text.length;
  append(writer, text_view(&text));
  return length;
}

static struct query *parse(const char *clause, long limit) {
  scope_text struct text text = {0};
  struct query *query;
  text_printf(&text, strstr(clause, "limit=") ? SUBJECT "%s" : SUBJECT "%s&limit=%ld", clause,
              limit);
  require(query_parse(text_view(&text), VIEW(""), &query, NULL), "no query");
  return query;
}

static void store(struct cache *cache, const struct query *query, long rows) {
  struct cache_subject subject = {
      .key = *query_key(query), .normal = query_normal(query), .target = query_target_text(query)};
  struct cache_result result = {.results = rows,
                                .cost = amount_of_rows(ROWS(rows)),
                                .answered_at = clock_seconds(),
                                .content_type = "application/json"};
  struct cache_writer *writer;
  struct wait wait;
  require(cache_begin(cache, &subject, &writer, NULL), "nothing can be stored");
  result.body_length = append_rows(writer, rows);
  wait_begin(&wait);
  cache_publish(&writer, &result, wake, &wait);
  require(wait_for(&wait), "it is not stored");
  printf("%ld rows, %lld bytes\n", rows, (long long)result.body_length);
}

/* --- deriving --- */

struct run {
  int64_t first, end; /* nanoseconds */
  int64_t bytes;
};

static void post(void *context) {
  sem_post(context);
}

static void await(sem_t *woken) {
  while (sem_wait(woken) != 0)
    ;
}

static struct run derive(const struct derived_order *order, int64_t *results) {
  static char bytes[FLIGHT_CHUNK_SIZE];
  struct run run = {.first = -1};
  struct flight_state state;
  enum flight_read read;
  sem_t woken;
  sem_init(&woken, 0, 0);
  int64_t begin = clock_monotonic();
  struct flight_reader *reader = derived_join(order, post, &woken, NULL);
  require(reader != NULL, "it is not begun");
  do {
    size_t count = 0;
    read = flight_read(reader, bytes, sizeof bytes, &count);
    if (read == FLIGHT_READ_WAIT)
      await(&woken);
    if (run.first < 0 && count)
      run.first = clock_monotonic() - begin;
    run.bytes += (int64_t)count;
  } while (read == FLIGHT_READ_BYTES || read == FLIGHT_READ_WAIT);
  run.end = clock_monotonic() - begin;
  flight_peek(flight_of(reader), &state);
  require(read == FLIGHT_READ_END, "it was withdrawn, or broke off");
  *results = state.head.results_count;
  flight_leave(&reader);
  sem_destroy(&woken);
  return run;
}

static int by_end(const void *a, const void *b) {
  const struct run *left = a, *right = b;
  return (left->end > right->end) - (left->end < right->end);
}

/* Resident memory in KiB, the most since the last call. */
static long peak(void) {
  char line[128];
  long kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "VmHWM: %ld", &kib);
  if (file)
    fclose(file);
  file = fopen("/proc/self/clear_refs", "w");
  if (file) {
    fputs("5", file);
    fclose(file);
  }
  return kib;
}

/* Seconds of processors so far. */
static double processors(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure(struct derived_order *order, const char *clause, long rows) {
  static struct run runs[RUNS_MOST];
  int64_t results = 0, until = clock_monotonic() + ENOUGH;
  struct query *wanted = parse(clause, rows + 1);
  size_t count = 0;
  order->wanted = wanted;
  peak();
  double before = processors();
  while (count < RUNS_MOST && (!count || clock_monotonic() < until))
    runs[count++] = derive(order, &results);
  double each = (processors() - before) / (double)count;
  long most = peak();
  qsort(runs, count, sizeof *runs, by_end);
  const struct run *median = &runs[count / 2];
  printf("%-64s %7lld rows %9lld bytes  first %8.2f ms  end %8.2f ms  cpu %8.2f ms  %5.1f MiB\n",
         clause, (long long)results, (long long)median->bytes, (double)median->first / 1e6,
         (double)median->end / 1e6, each * 1e3, (double)most / 1024);
  query_release(&wanted);
}

int main(int count, char **arguments) {
  long rows = count > 1 ? atol(arguments[1]) : 1000;
  const struct cache_bounds bounds = {.max_size = INT64_C(1) << 40, .ttl = 86400};
  struct cache *cache;
  struct fault fault;
  require(make_directory(NULL) == 0 && cache_open(directory, &bounds, &cache, &fault), "no cache");
  struct derived_desk *desk = derived_desk_create(cache, 2);
  struct query *source = parse("", rows + 1);
  require(desk != NULL, "no desk");
  store(cache, source, rows);
  struct cache_hold *hold = cache_find(cache, query_key(source));
  struct derived_order order = {.desk = desk,
                                .source = hold,
                                .source_normal = query_normal(source),
                                .shape = &shape,
                                .max_depth = 64,
                                .tariff = {.fixed = amount_of_rows(ROWS(200)),
                                           .result = amount_of_rows((struct rows){2}),
                                           .limit = rows}};
  for (size_t i = 0; i < COUNT(clauses); i++)
    measure(&order, clauses[i], rows);
  while (derived_desk_busy(desk) > 0)
    clock_sleep(clock_monotonic() + CLOCK_MILLISECOND);
  cache_release(&hold);
  query_release(&source);
  derived_desk_release(&desk);
  cache_close(&cache);
  return remove_directory(NULL);
}

/* The pure parts of the admin side: who is let in, JSON, Prometheus' format, /proc. */
#include "unit/fixture/unit.h"

#include "account/account.h"
#include "admin/guard.h"
#include "admin/prometheus.h"
#include "base/json.h"

#include <stdio.h>

/* --- guard --- */

static void hosts_of_this_machine_are_let_in(void **state) {
  (void)state;
  static const char *const hosts[] = {
      "localhost",    "localhost:8081", "LocalHost:1", "127.0.0.1",       "127.0.0.1:8081",
      "192.0.2.7:80", "[::1]",          "[::1]:8081",  "[2001:db8::7]:1", "[::ffff:1.2.3.4]"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (!guard_host_is_local(view_of(hosts[i])))
      fail_msg("'%s' was refused", hosts[i]);
}

static void names_are_refused(void **state) {
  (void)state;
  static const char *const hosts[] = {"",
                                      "evil.example",
                                      "evil.example:8081",
                                      "localhost.evil.example",
                                      "127.0.0.1.evil.example",
                                      "localhost.",
                                      "localhost:",
                                      ":8081",
                                      "127.1",
                                      "0x7f.0.0.1",
                                      "2130706433",
                                      "::1",
                                      "[::1",
                                      "::1]",
                                      "[127.0.0.1]",
                                      "[evil]:1",
                                      "127.0.0.1:80:81",
                                      "127.0.0.1 ",
                                      "localhost:80a",
                                      "a@127.0.0.1",
                                      "[]",
                                      "127.0.0.1,localhost"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
    if (guard_host_is_local(view_of(hosts[i])))
      fail_msg("'%s' was let in", hosts[i]);
  assert_false(guard_host_is_local((struct view){"127.0.0.1\0", 10}));
}

/* --- JSON --- */

static void json_is_written(void **state) {
  (void)state;
  scope_text struct text out = {0};
  struct json json;
  json_begin(&json, &out);
  json_map(&json, NULL);
  json_text(&json, "text", VIEW("a\"\\\n\x01\xc3\xa9"));
  json_text(&json, "cut", VIEW("a\xc3"));
  json_text(&json, "nothing", (struct view){0});
  json_integer(&json, "least", INT64_MIN);
  json_amount(&json, "rows", amount_of_rows((struct rows){2010}));
  json_part(&json, "part", 5, 6);
  json_part(&json, "of_none", 0, 0);
  json_bool(&json, "yes", true);
  json_list(&json, "list");
  json_integer(&json, NULL, 1);
  json_null(&json, NULL);
  json_list_end(&json);
  json_map_end(&json);
  assert_true(json_end(&json, NULL));
  assert_string_equal(text_string(&out),
                      "{\"text\":\"a\\\"\\\\\\n\\u0001\xc3\xa9\",\"cut\":\"a\xef\xbf\xbd\","
                      "\"nothing\":\"\",\"least\":-9223372036854775808,\"rows\":\"201.0\","
                      "\"part\":0.8333,\"of_none\":null,\"yes\":true,\"list\":[1,null]}");
}

static void json_keeps_its_first_failure(void **state) {
  (void)state;
  scope_text struct text out = {.limit = 16};
  struct json json;
  struct fault fault;
  json_begin(&json, &out);
  json_list(&json, NULL);
  for (int i = 0; i < 100; i++)
    json_text(&json, NULL, VIEW("more than there is room for"));
  json_list_end(&json);
  assert_false(json_end(&json, &fault));
  assert_int_equal(fault.kind, FAULT_INTERNAL);
}

static void pages_of_other_origins_are_told_apart(void **state) {
  (void)state;
  static const char *const own[] = {"same-origin", "none"};
  static const char *const foreign[] = {"cross-site", "same-site", "",          "Same-Origin",
                                        "nested",     "none ",     "none,none", "none;a"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    assert_false(guard_is_foreign(view_of(own[i])));
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    assert_true(guard_is_foreign(view_of(foreign[i])));
}

static void tokens_are_compared_whole(void **state) {
  (void)state;
  const struct view token = VIEW("0123456789abcdef");
  static const char *const wrong[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearer 0123456789abcde",
                                      "Bearer 0123456789abcdef0",
                                      "Basic 0123456789abcdef",
                                      "0123456789abcdef",
                                      "Bearer 0123456789abcdef x",
                                      "Bearer\t0123456789abcdef",
                                      "Bearer 0123456789ABCDEF"};
  assert_true(guard_has_token(VIEW("Bearer 0123456789abcdef"), token));
  assert_true(guard_has_token(VIEW("bearer  0123456789abcdef "), token));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (guard_has_token(view_of(wrong[i]), token))
      fail_msg("let in: '%s'", wrong[i]);
}

/* --- spend's parameters --- */

static bool reads(const char *parameters, struct report_period *period) {
  struct form form = {.count = 0};
  assert_true(form_parse(&form, view_of(parameters), NULL));
  bool ok = account_read_period(&form, period, NULL);
  form_free(&form);
  return ok;
}

static void spend_parameters(void **state) {
  (void)state;
  struct report_period spend;
  assert_true(reads("", &spend));
  assert_int_equal(spend.by, REPORT_BY_TOKEN);
  assert_int_equal(spend.since, INT32_MIN);
  assert_int_equal(spend.until, INT32_MAX);
  assert_true(reads("by=day&since=1970-01-02&until=1970-01-02", &spend));
  assert_int_equal(spend.by, REPORT_BY_DAY);
  assert_int_equal(spend.since, 1);
  assert_int_equal(spend.until, 1);
  assert_true(reads("by=target&until=2026-11-23", &spend));
  assert_false(reads("by=Day", &spend));
  assert_false(reads("by=", &spend));
  assert_false(reads("since=2026-02-30", &spend));
  assert_false(reads("since=yesterday", &spend));
  assert_false(reads("since=2026-11-23&until=2026-11-22", &spend));
}

/* --- /proc --- */

static void stat_is_read(void **state) {
  (void)state;
  struct process_stat stat;
  assert_true(process_parse_stat(
      VIEW("7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 8192000 "
           "300 18446744073709551615 1 1\n"),
      &stat));
  assert_int_equal(stat.user_ticks, 250);
  assert_int_equal(stat.system_ticks, 50);
  assert_int_equal(stat.start_ticks, 12345);
  assert_int_equal(stat.virtual_bytes, 8192000);
  assert_int_equal(stat.resident_pages, 300);
  assert_false(process_parse_stat(VIEW(""), &stat));
  assert_false(process_parse_stat(VIEW("7 (a)"), &stat));
  assert_false(process_parse_stat(VIEW("7 (a) S 1 2 3"), &stat));
}

static void boot_time_is_read(void **state) {
  (void)state;
  int64_t seconds;
  assert_true(
      process_parse_boot(VIEW("cpu 1 2\nintr 1\nbtime 1700000000\nprocesses 1\n"), &seconds));
  assert_int_equal(seconds, 1700000000);
  assert_false(process_parse_boot(VIEW("cpu 1 2\n"), &seconds));
}

static void this_process_is_read(void **state) {
  (void)state;
  struct process process;
  process_read(&process);
  assert_true(process.cpu_seconds >= 0);
  assert_true(process.resident_bytes > 0 && process.virtual_bytes >= process.resident_bytes);
  assert_true(process.open_fds >= 0 && process.max_fds > process.open_fds);
  assert_true(process.start_time > 1e9);
}

/* --- Prometheus --- */

static struct prometheus_token token(int64_t id, const char *label, int64_t spent, int64_t saved) {
  struct prometheus_token made = prometheus_token(id, view_of(label));
  made.amounts[CURRENCY_ROWS][PROMETHEUS_SPENT].parts = spent;
  made.amounts[CURRENCY_ROWS][PROMETHEUS_SAVED].parts = saved;
  made.amounts[CURRENCY_UNITS][PROMETHEUS_SPENT].parts = spent + 1;
  return made;
}

static int64_t rows_of(const struct prometheus_token *token, enum prometheus_amount amount) {
  return token->amounts[CURRENCY_ROWS][amount].parts;
}

static int64_t units_of(const struct prometheus_token *token, enum prometheus_amount amount) {
  return token->amounts[CURRENCY_UNITS][amount].parts;
}

static void tokens_of_one_label_are_one(void **state) {
  (void)state;
  struct prometheus_token tokens[] = {token(1, "aabbccdd", 10, 1), token(2, "reporting", 20, 2),
                                      token(3, "other", 90, 9), token(4, "aabbccdd", 30, 3)};
  assert_int_equal(prometheus_fold(tokens, 4), 3);
  assert_string_equal(tokens[0].label, "aabbccdd");
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_SPENT), 40);
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_SAVED), 4);
  assert_int_equal(units_of(&tokens[0], PROMETHEUS_SPENT), 42);
  assert_false(tokens[0].has_budget[CURRENCY_ROWS] || tokens[0].has_budget[CURRENCY_UNITS]);
  assert_string_equal(tokens[1].label, "reporting");
  assert_string_equal(tokens[2].label, "other");
  assert_int_equal(prometheus_fold(NULL, 0), 0);
}

static void a_budget_is_summed_with_its_token(void **state) {
  (void)state;
  struct prometheus_token tokens[] = {token(1, "aabbccdd", 10, 1), token(2, "bob", 5, 0),
                                      token(3, "aabbccdd", 0, 0)};
  tokens[2].has_budget[CURRENCY_ROWS] = true;
  tokens[2].amounts[CURRENCY_ROWS][PROMETHEUS_BUDGET] = amount_of_rows(ROWS(3));
  tokens[2].amounts[CURRENCY_ROWS][PROMETHEUS_LEFT] = amount_of_rows(ROWS(2));
  tokens[1].has_budget[CURRENCY_UNITS] = true;
  assert_int_equal(prometheus_fold(tokens, 3), 2);
  assert_string_equal(tokens[0].label, "aabbccdd");
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_SPENT), 10);
  assert_true(tokens[0].has_budget[CURRENCY_ROWS] && !tokens[1].has_budget[CURRENCY_ROWS]);
  assert_true(!tokens[0].has_budget[CURRENCY_UNITS] && tokens[1].has_budget[CURRENCY_UNITS]);
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_BUDGET), 30);
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_LEFT), 20);
}

/* The first hundred have labels of their own, whatever the rest spends: in the second look those
 * that spent nothing in the first have spent the most, and no series has fallen or moved. */
static void a_token_keeps_its_label(void **state) {
  (void)state;
  enum { COUNT = PROMETHEUS_TOKENS + 51, NAMED_OTHER = 7 };
  static struct prometheus_token tokens[COUNT];
  int64_t others[2];
  for (int look = 0; look < 2; look++) {
    for (int i = 0; i < COUNT; i++) { /* in no order */
      int id = (i * 7) % COUNT + 1;
      char label[16];
      snprintf(label, sizeof label, "t%03d", id);
      tokens[i] = token(id, id == NAMED_OTHER ? "other" : label,
                        look && id > PROMETHEUS_TOKENS ? 1000000 : id, 1);
    }
    assert_int_equal(prometheus_fold(tokens, COUNT), PROMETHEUS_TOKENS);
    for (int i = 0; i < PROMETHEUS_TOKENS - 1; i++) {
      int id = i + 1 < NAMED_OTHER ? i + 1 : i + 2;
      char label[16];
      snprintf(label, sizeof label, "t%03d", id);
      assert_string_equal(tokens[i].label, label);
      assert_int_equal(rows_of(&tokens[i], PROMETHEUS_SPENT), id);
    }
    assert_string_equal(tokens[PROMETHEUS_TOKENS - 1].label, "other");
    assert_int_equal(rows_of(&tokens[PROMETHEUS_TOKENS - 1], PROMETHEUS_SAVED), 52);
    others[look] = rows_of(&tokens[PROMETHEUS_TOKENS - 1], PROMETHEUS_SPENT);
  }
  assert_int_equal(others[0], 51 * (101 + 151) / 2 + NAMED_OTHER);
  assert_int_equal(others[1], 51 * 1000000 + NAMED_OTHER);
}

static void others_alone_are_told(void **state) {
  (void)state;
  struct prometheus_token tokens[] = {token(PROMETHEUS_TOKENS + 1, "late", 3, 1)};
  assert_int_equal(prometheus_fold(tokens, 1), 1);
  assert_string_equal(tokens[0].label, "other");
  assert_int_equal(rows_of(&tokens[0], PROMETHEUS_SPENT), 3);
}

static const double bounds[COUNTERS_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                0.25,  0.5,    1,     2.5,  5,     10,   60};

static void has(const struct text *out, const char *line) {
  if (!strstr(text_string(out), line))
    fail_msg("no '%s' in:\n%s", line, text_string(out));
}

static void metrics_are_written(void **state) {
  (void)state;
  struct prometheus_token tokens[] = {token(1, "a\"b\\c\nd", 2010, 4), token(2, "tool", 10, 0)};
  const struct prometheus_code codes[] = {{0, 1}, {200, 7}};
  struct prometheus snapshot = {.version = "1.2",
                                .bounds = bounds,
                                .tokens = tokens,
                                .token_count = 2,
                                .codes = codes,
                                .code_count = 2,
                                .inflight = 3,
                                .waiting = 2,
                                .turned_away = 4,
                                .throttled = 5,
                                .cache_bytes = 4,
                                .cache_entries = 5,
                                .process = {1.5, PROCESS_UNKNOWN, 10, 20, 30, 40}};
  tokens[1].has_budget[CURRENCY_UNITS] = true;
  tokens[1].amounts[CURRENCY_UNITS][PROMETHEUS_BUDGET] = amount_of_units(UNITS(5000));
  tokens[1].amounts[CURRENCY_UNITS][PROMETHEUS_LEFT] = amount_of_units(UNITS(4989));
  snapshot.outcomes[OUTCOME_HIT] = (struct tally){.requests = 6, .seconds = 0.25};
  snapshot.outcomes[OUTCOME_HIT].buckets[0] = 2;
  snapshot.outcomes[OUTCOME_HIT].buckets[2] = 3;
  snapshot.outcomes[OUTCOME_HIT].buckets[COUNTERS_BUCKETS] = 1;
  scope_text struct text out = {0};
  prometheus_write(&snapshot, &out);
  assert_true(text_ok(&out));
  has(&out, "# HELP rowcache_requests_total Requests answered, by outcome.\n"
            "# TYPE rowcache_requests_total counter\n"
            "rowcache_requests_total{outcome=\"hit\"} 6\n");
  has(&out, "\nrowcache_requests_total{outcome=\"error\"} 0\n");
  has(&out, "\nrowcache_rows_spent_total{token=\"a\\\"b\\\\c\\nd\"} 201.0\n");
  has(&out, "\nrowcache_rows_saved_total{token=\"a\\\"b\\\\c\\nd\"} 0.4\n");
  has(&out, "# TYPE rowcache_units_spent_total counter\n"
            "rowcache_units_spent_total{token=\"a\\\"b\\\\c\\nd\"} 2011\n"
            "rowcache_units_spent_total{token=\"tool\"} 11\n");
  has(&out, "\nrowcache_units_saved_total{token=\"tool\"} 0\n");
  has(&out, "# TYPE rowcache_budget_units gauge\nrowcache_budget_units{token=\"tool\"} 5000\n");
  has(&out, "\nrowcache_budget_left_units{token=\"tool\"} 4989\n");
  has(&out, "\nrowcache_upstream_requests_total{code=\"0\"} 1\n"
            "rowcache_upstream_requests_total{code=\"200\"} 7\n");
  has(&out, "\nrowcache_upstream_inflight 3\n");
  has(&out, "\nrowcache_upstream_waiting 2\n");
  has(&out, "\nrowcache_upstream_turned_away_total 4\n");
  has(&out, "\nrowcache_upstream_throttled_total 5\n");
  has(&out, "\nrowcache_request_duration_seconds_bucket{outcome=\"hit\",le=\"0.001\"} 2\n");
  has(&out, "_bucket{outcome=\"hit\",le=\"0.005\"} 5\n");
  has(&out, "_bucket{outcome=\"hit\",le=\"60\"} 5\n");
  has(&out, "_bucket{outcome=\"hit\",le=\"+Inf\"} 6\n");
  has(&out, "_sum{outcome=\"hit\"} 0.250000\n");
  has(&out, "_count{outcome=\"hit\"} 6\n");
  has(&out, "_count{outcome=\"derived\"} 0\n");
  has(&out, "\nrowcache_build_info{version=\"1.2\"} 1\n");
  has(&out, "\nprocess_cpu_seconds_total 1.50\n");
  has(&out, "\nprocess_max_fds 40\n");
  assert_null(strstr(text_string(&out), "process_start_time_seconds"));
  assert_int_equal(out.at[out.length - 1], '\n');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hosts_of_this_machine_are_let_in),
      cmocka_unit_test(names_are_refused),
      cmocka_unit_test(pages_of_other_origins_are_told_apart),
      cmocka_unit_test(tokens_are_compared_whole),
      cmocka_unit_test(json_is_written),
      cmocka_unit_test(json_keeps_its_first_failure),
      cmocka_unit_test(spend_parameters),
      cmocka_unit_test(stat_is_read),
      cmocka_unit_test(boot_time_is_read),
      cmocka_unit_test(this_process_is_read),
      cmocka_unit_test(tokens_of_one_label_are_one),
      cmocka_unit_test(a_budget_is_summed_with_its_token),
      cmocka_unit_test(a_token_keeps_its_label),
      cmocka_unit_test(others_alone_are_told),
      cmocka_unit_test(metrics_are_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

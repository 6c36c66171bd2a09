#include "admin/prometheus.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- tokens --- */

static int order_by_label(const void *a, const void *b) {
  const struct prometheus_token *left = a, *right = b;
  return strcmp(left->label, right->label);
}

/* The ledger numbers tokens from 1 on and never reuses a number. */
static bool has_own_label(const struct prometheus_token *token) {
  return token->id > 0 && token->id <= PROMETHEUS_TOKENS &&
         strcmp(token->label, PROMETHEUS_OTHER) != 0;
}

static void add_to(struct prometheus_token *sum, const struct prometheus_token *token) {
  for (size_t i = 0; i < CURRENCIES; i++) {
    sum->has_budget[i] = sum->has_budget[i] || token->has_budget[i];
    for (size_t k = 0; k < PROMETHEUS_AMOUNTS; k++)
      sum->amounts[i][k] = amount_add(sum->amounts[i][k], token->amounts[i][k]);
  }
}

/* `tokens` are in the order of their labels. */
static size_t merge_same(struct prometheus_token *tokens, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (kept && order_by_label(&tokens[kept - 1], &tokens[i]) == 0)
      add_to(&tokens[kept - 1], &tokens[i]);
    else
      tokens[kept++] = tokens[i];
  return kept;
}

/* Sums the tokens without a label of their own at the end; returns the number of the others. */
static size_t sum_others(struct prometheus_token *tokens, size_t count, size_t *others) {
  struct prometheus_token other = prometheus_token(0, VIEW(PROMETHEUS_OTHER));
  size_t own = 0;
  for (size_t i = 0; i < count; i++)
    if (has_own_label(&tokens[i]))
      tokens[own++] = tokens[i];
    else
      add_to(&other, &tokens[i]);
  *others = own < count;
  if (*others)
    tokens[own] = other;
  return own;
}

struct prometheus_token prometheus_token(int64_t id, struct view label) {
  struct prometheus_token token = {.id = id};
  snprintf(token.label, sizeof token.label, "%.*s", VIEW_ARGS(label));
  for (size_t i = 0; i < CURRENCIES; i++)
    for (size_t k = 0; k < PROMETHEUS_AMOUNTS; k++)
      token.amounts[i][k] = amount_zero((enum currency)i);
  return token;
}

size_t prometheus_fold(struct prometheus_token *tokens, size_t count) {
  size_t others;
  size_t own = sum_others(tokens, count, &others);
  if (own == 0)
    return others;
  qsort(tokens, own, sizeof *tokens, order_by_label);
  size_t kept = merge_same(tokens, own);
  if (others)
    tokens[kept] = tokens[own];
  return kept + others;
}

/* --- samples --- */

static const char *const check_words[] = {
#define CHECK_RESULT(name, word) word,
#include "tables/checks.def"
#undef CHECK_RESULT
};

static void write_escaped(struct text *out, const char *value) {
  for (; *value; value++)
    switch (*value) {
    case '\\':
      text_add(out, VIEW("\\\\"));
      break;
    case '"':
      text_add(out, VIEW("\\\""));
      break;
    case '\n':
      text_add(out, VIEW("\\n"));
      break;
    default:
      text_add_char(out, *value);
    }
}

/* `name{label="value"} `: a sample but for its number. */
static void write_name(struct text *out, const char *name, const char *label, const char *value) {
  text_printf(out, "%s{%s=\"", name, label);
  write_escaped(out, value);
  text_add(out, VIEW("\"} "));
}

static void write_integer(struct text *out, const char *name, int64_t value) {
  text_printf(out, "%s %" PRId64 "\n", name, value);
}

static void write_requests(const struct prometheus *snapshot, const char *name, struct text *out) {
  for (enum outcome i = 0; i < OUTCOMES; i++) {
    write_name(out, name, "outcome", outcome_word(i));
    text_printf(out, "%" PRId64 "\n", snapshot->outcomes[i].requests);
  }
}

/* One sample for each token; of budgets, for each that has one in this currency. */
static void write_amounts(const struct prometheus *snapshot, const char *name, struct text *out,
                          enum currency currency, enum prometheus_amount amount) {
  bool is_budgets = amount == PROMETHEUS_BUDGET || amount == PROMETHEUS_LEFT;
  for (size_t i = 0; i < snapshot->token_count; i++) {
    const struct prometheus_token *token = &snapshot->tokens[i];
    if (is_budgets && !token->has_budget[currency])
      continue;
    write_name(out, name, "token", token->label);
    text_printf(out, "%s\n", AMOUNT_TEXT(token->amounts[currency][amount]));
  }
}

static void write_rows_spent(const struct prometheus *snapshot, const char *name,
                             struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_ROWS, PROMETHEUS_SPENT);
}

static void write_rows_saved(const struct prometheus *snapshot, const char *name,
                             struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_ROWS, PROMETHEUS_SAVED);
}

static void write_rows_budget(const struct prometheus *snapshot, const char *name,
                              struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_ROWS, PROMETHEUS_BUDGET);
}

static void write_rows_left(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_ROWS, PROMETHEUS_LEFT);
}

static void write_units_spent(const struct prometheus *snapshot, const char *name,
                              struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_UNITS, PROMETHEUS_SPENT);
}

static void write_units_saved(const struct prometheus *snapshot, const char *name,
                              struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_UNITS, PROMETHEUS_SAVED);
}

static void write_units_budget(const struct prometheus *snapshot, const char *name,
                               struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_UNITS, PROMETHEUS_BUDGET);
}

static void write_units_left(const struct prometheus *snapshot, const char *name,
                             struct text *out) {
  write_amounts(snapshot, name, out, CURRENCY_UNITS, PROMETHEUS_LEFT);
}

static void write_codes(const struct prometheus *snapshot, const char *name, struct text *out) {
  for (size_t i = 0; i < snapshot->code_count; i++)
    text_printf(out, "%s{code=\"%u\"} %" PRId64 "\n", name, snapshot->codes[i].status,
                snapshot->codes[i].count);
}

static void write_checks(const struct prometheus *snapshot, const char *name, struct text *out) {
  for (size_t i = 0; i < ACCESS_RESULTS; i++) {
    write_name(out, name, "result", check_words[i]);
    text_printf(out, "%" PRId64 "\n", snapshot->checks[i]);
  }
}

static void write_inflight(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_integer(out, name, snapshot->inflight);
}

static void write_waiting(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_integer(out, name, snapshot->waiting);
}

static void write_turned_away(const struct prometheus *snapshot, const char *name,
                              struct text *out) {
  write_integer(out, name, snapshot->turned_away);
}

static void write_throttled(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_integer(out, name, snapshot->throttled);
}

static void write_bytes(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_integer(out, name, snapshot->cache_bytes);
}

static void write_entries(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_integer(out, name, snapshot->cache_entries);
}

static void write_memory_bytes(const struct prometheus *snapshot, const char *name,
                               struct text *out) {
  write_integer(out, name, snapshot->memory_bytes);
}

static void write_memory_entries(const struct prometheus *snapshot, const char *name,
                                 struct text *out) {
  write_integer(out, name, snapshot->memory_entries);
}

static void write_bucket(struct text *out, const char *name, const char *outcome, const char *bound,
                         int64_t count) {
  text_printf(out, "%s_bucket{outcome=\"%s\",le=\"%s\"} %" PRId64 "\n", name, outcome, bound,
              count);
}

/* The count is the sum of the buckets rather than the counter beside it: they are read one after the
 * other while requests go on, and a histogram must be consistent in itself. */
static void write_histogram(const struct prometheus *snapshot, const char *name,
                            enum outcome outcome, struct text *out) {
  const struct tally *counts = &snapshot->outcomes[outcome];
  const char *word = outcome_word(outcome);
  int64_t sum = 0;
  for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
    char bound[32];
    snprintf(bound, sizeof bound, "%g", snapshot->bounds[i]);
    sum += counts->buckets[i];
    write_bucket(out, name, word, bound, sum);
  }
  sum += counts->buckets[COUNTERS_BUCKETS];
  write_bucket(out, name, word, "+Inf", sum);
  text_printf(out, "%s_sum{outcome=\"%s\"} %.6f\n", name, word, counts->seconds);
  text_printf(out, "%s_count{outcome=\"%s\"} %" PRId64 "\n", name, word, sum);
}

static void write_durations(const struct prometheus *snapshot, const char *name, struct text *out) {
  for (enum outcome i = 0; i < OUTCOMES; i++)
    write_histogram(snapshot, name, i, out);
}

static void write_build(const struct prometheus *snapshot, const char *name, struct text *out) {
  write_name(out, name, "version", snapshot->version);
  text_add(out, VIEW("1\n"));
}

/* --- the whole --- */

enum {
#define METRIC(id, name, type, help) METRIC_##id,
#include "tables/metrics.def"
#undef METRIC
  METRICS
};

static const struct {
  const char *name, *type, *help;
} metrics[] = {
#define METRIC(id, name, type, help) {name, type, help},
#include "tables/metrics.def"
#undef METRIC
};

typedef void write_samples(const struct prometheus *snapshot, const char *name, struct text *out);

static write_samples *const writers[METRICS] = {
    [METRIC_REQUESTS] = write_requests,
    [METRIC_ROWS_SPENT] = write_rows_spent,
    [METRIC_ROWS_SAVED] = write_rows_saved,
    [METRIC_BUDGET_ROWS] = write_rows_budget,
    [METRIC_BUDGET_LEFT_ROWS] = write_rows_left,
    [METRIC_UNITS_SPENT] = write_units_spent,
    [METRIC_UNITS_SAVED] = write_units_saved,
    [METRIC_BUDGET_UNITS] = write_units_budget,
    [METRIC_BUDGET_LEFT_UNITS] = write_units_left,
    [METRIC_UPSTREAM_REQUESTS] = write_codes,
    [METRIC_UPSTREAM_INFLIGHT] = write_inflight,
    [METRIC_TOKEN_CHECKS] = write_checks,
    [METRIC_CACHE_BYTES] = write_bytes,
    [METRIC_CACHE_ENTRIES] = write_entries,
    [METRIC_MEMORY_BYTES] = write_memory_bytes,
    [METRIC_MEMORY_ENTRIES] = write_memory_entries,
    [METRIC_UPSTREAM_WAITING] = write_waiting,
    [METRIC_UPSTREAM_TURNED_AWAY] = write_turned_away,
    [METRIC_UPSTREAM_THROTTLED] = write_throttled,
    [METRIC_DURATION] = write_durations,
    [METRIC_BUILD_INFO] = write_build,
};

/* Names and meanings are those of Prometheus' own client libraries. */
static void write_process(struct text *out, const char *name, const char *type, const char *help,
                          double value, int decimals) {
  if (value == PROCESS_UNKNOWN)
    return;
  text_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.*f\n", name, help, name, type, name, decimals,
              value);
}

static void write_processes(struct text *out, const struct process *process) {
  write_process(out, "process_cpu_seconds_total", "counter",
                "Total user and system CPU time spent in seconds.", process->cpu_seconds, 2);
  write_process(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
                (double)process->resident_bytes, 0);
  write_process(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
                (double)process->virtual_bytes, 0);
  write_process(out, "process_open_fds", "gauge", "Number of open file descriptors.",
                (double)process->open_fds, 0);
  write_process(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
                (double)process->max_fds, 0);
  write_process(out, "process_start_time_seconds", "gauge",
                "Start time of the process since unix epoch in seconds.", process->start_time, 2);
}

void prometheus_write(const struct prometheus *snapshot, struct text *out) {
  for (size_t i = 0; i < METRICS; i++) {
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help,
                metrics[i].name, metrics[i].type);
    CHECK(writers[i]);
    writers[i](snapshot, metrics[i].name, out);
  }
  write_processes(out, &snapshot->process);
}

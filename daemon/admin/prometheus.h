/* Metrics in Prometheus' text format, version 0.0.4. Pure: a snapshot in, text out. */
#pragma once

#include "admin/process.h"
#include "serve/serve.h"

/* The most values of the label `token`, beside "other" for the rest. */
#define PROMETHEUS_TOKENS 100
#define PROMETHEUS_OTHER "other"

/* The last two: of the budget in that currency, zero without one. */
enum prometheus_amount {
  PROMETHEUS_SPENT,
  PROMETHEUS_SAVED,
  PROMETHEUS_BUDGET,
  PROMETHEUS_LEFT,
  PROMETHEUS_AMOUNTS
};

struct prometheus_token {
  int64_t id; /* of the ledger (report_row) */
  char label[LEDGER_LABEL_SIZE];
  bool has_budget[CURRENCIES];
  struct amount amounts[CURRENCIES][PROMETHEUS_AMOUNTS];
};

/* A token whose amounts are zero. */
struct prometheus_token prometheus_token(int64_t id, struct view label);

struct prometheus_code {
  unsigned status;
  int64_t count;
};

/* The arrays are the caller's. */
struct prometheus {
  const char *version;
  struct tally outcomes[OUTCOMES];
  const double *bounds;                  /* of the buckets: counters_bounds */
  const struct prometheus_token *tokens; /* as prometheus_fold() leaves them */
  size_t token_count;
  const struct prometheus_code *codes;
  size_t code_count;
  int64_t checks[ACCESS_RESULTS]; /* of tokens */
  int64_t inflight, waiting, turned_away, throttled, cache_bytes, cache_entries;
  int64_t memory_bytes, memory_entries;
  struct process process;
};

/* Merges tokens with the same label, since the format requires different ones (two tokens may share
 * their first 8 digits), and sums all but the PROMETHEUS_TOKENS oldest of the ledger as "other", at
 * the end. A counter must never fall, so a token never moves between its own label and "other",
 * whatever other tokens do; a token with the name "other" (from an older rowcache) belongs there.
 * Returns the number of tokens that remain. */
size_t prometheus_fold(struct prometheus_token *tokens, size_t count);

void prometheus_write(const struct prometheus *snapshot, struct text *out);

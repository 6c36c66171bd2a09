/* /metrics: gathers the figures of the rooms. */
#include "admin/route.h"

#include "admin/prometheus.h"
#include "base/log.h"
#include "base/scope.h"
#include "ledger/report.h"

#include <stdio.h>

#define MOST_CODES 600 /* HTTP has fewer */

struct token_list {
  struct prometheus_token *items;
  size_t count, capacity;
  bool failed;
};

static bool make_room(struct token_list *list) {
  if (list->count < list->capacity)
    return true;
  size_t capacity = list->capacity ? list->capacity * 2 : 64;
  struct prometheus_token *grown = reallocarray(list->items, capacity, sizeof *grown);
  if (!grown)
    return false;
  list->items = grown;
  list->capacity = capacity;
  return true;
}

static void add(struct token_list *list, struct view label, const struct prometheus_token *token) {
  list->failed = list->failed || !make_room(list);
  if (list->failed)
    return;
  struct prometheus_token *added = &list->items[list->count++];
  *added = *token;
  snprintf(added->label, sizeof added->label, "%.*s", VIEW_ARGS(label));
}

/* Counters must never fall, so they hold settled spending without corrections: those are in the
 * reports, and an amount that may still become smaller is counted when it is settled. */
static void add_token(void *context, const struct report_row *row) {
  const struct token_account *account = &row->account;
  const struct report_money *rows = &row->money[CURRENCY_ROWS];
  struct amount later = amount_add(rows->corrected, rows->unsettled);
  bool has_budget = account->has_budget && account->budget.most.currency == CURRENCY_ROWS;
  add(context, row->label,
      &(struct prometheus_token){.id = row->id,
                                 .spent = amount_rows(amount_subtract(rows->spent, later)),
                                 .saved = amount_rows(rows->saved),
                                 .has_budget = has_budget,
                                 .budget = has_budget ? amount_rows(account->budget.most) : ROWS(0),
                                 .left = has_budget ? amount_rows(account->left) : ROWS(0)});
}

/* The amounts come from the ledger, so they continue after a restart. If it cannot be read they are
 * missing, not zero, and everything else is still written. */
static void gather_tokens(struct ledger *ledger, struct token_list *list) {
  struct report_row total;
  struct fault fault = {.text = "no memory"};
  bool ok = report_run(ledger, &REPORT_FOREVER(REPORT_BY_TOKEN), add_token, list, &total, &fault);
  if (ok && !list->failed) {
    list->count = prometheus_fold(list->items, list->count);
    return;
  }
  list->count = 0;
  log_warning(EVENT_metrics, "missing=rows reason=%s", LOG_VALUE(fault.text));
}

struct code_list {
  struct prometheus_code items[MOST_CODES];
  size_t count;
};

static void add_code(void *context, unsigned status, int64_t count) {
  struct code_list *list = context;
  if (list->count < MOST_CODES)
    list->items[list->count++] = (struct prometheus_code){status, count};
}

bool route_metrics(struct route_call *call, struct text *body, struct fault *fault) {
  const struct admin_rooms *rooms = call->rooms;
  struct token_list tokens = {0};
  struct code_list codes = {.count = 0};
  struct cache_totals stored = cache_totals(rooms->cache);
  struct prometheus snapshot = {.version = ROWCACHE_VERSION,
                                .bounds = counters_bounds,
                                .inflight = transfer_inflight(rooms->transfer),
                                .waiting = transfer_waiting(rooms->transfer),
                                .turned_away = transfer_turned_away(rooms->transfer),
                                .throttled = transfer_throttled(rooms->transfer),
                                .cache_bytes = stored.bytes,
                                .cache_entries = stored.entries};
  for (enum outcome i = 0; i < OUTCOMES; i++)
    counters_read(rooms->counters, i, &snapshot.outcomes[i]);
  transfer_counts(rooms->transfer, add_code, &codes);
  access_count(rooms->access, snapshot.checks);
  gather_tokens(rooms->reconcile.ledger, &tokens);
  process_read(&snapshot.process);
  snapshot.tokens = tokens.items;
  snapshot.token_count = tokens.count;
  snapshot.codes = codes.items;
  snapshot.code_count = codes.count;
  prometheus_write(&snapshot, body);
  free(tokens.items);
  return text_ok(body) || fault_no_memory(fault);
}

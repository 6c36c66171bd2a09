/* /metrics: gathers the figures of the rooms. */
#include "admin/route.h"

#include "admin/prometheus.h"
#include "base/log.h"
#include "base/scope.h"
#include "cache/hot.h"
#include "ledger/report.h"

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

/* Counters must never fall, so they hold settled spending without corrections: those are in the
 * reports, and an amount that may still become smaller is counted when it is settled. */
static void set_money(struct prometheus_token *token, enum currency currency,
                      const struct report_money *money) {
  struct amount later = amount_add(money->corrected, money->unsettled);
  token->amounts[currency][PROMETHEUS_SPENT] = amount_subtract(money->spent, later);
  token->amounts[currency][PROMETHEUS_SAVED] = money->saved;
}

static void set_budget(struct prometheus_token *token, const struct token_account *account) {
  enum currency currency = account->budget.most.currency;
  token->has_budget[currency] = true;
  token->amounts[currency][PROMETHEUS_BUDGET] = account->budget.most;
  token->amounts[currency][PROMETHEUS_LEFT] = account->left;
}

static void add_token(void *context, const struct report_row *row) {
  struct token_list *list = context;
  list->failed = list->failed || !make_room(list);
  if (list->failed)
    return;
  struct prometheus_token *token = &list->items[list->count++];
  *token = prometheus_token(row->id, row->label);
  for (enum currency currency = 0; currency < CURRENCIES; currency++)
    set_money(token, currency, &row->money[currency]);
  if (row->account.has_budget)
    set_budget(token, &row->account);
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
  struct cache_totals hot = cache_hot_totals(rooms->cache);
  struct prometheus snapshot = {.version = ROWCACHE_VERSION,
                                .bounds = counters_bounds,
                                .inflight = transfer_inflight(rooms->transfer),
                                .waiting = transfer_waiting(rooms->transfer),
                                .turned_away = transfer_turned_away(rooms->transfer),
                                .throttled = transfer_throttled(rooms->transfer),
                                .cache_bytes = stored.bytes,
                                .cache_entries = stored.entries,
                                .memory_bytes = hot.bytes,
                                .memory_entries = hot.entries};
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

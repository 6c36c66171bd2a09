/* /api/status: the daemon as a whole. */
#include "admin/route.h"

#include "base/clock.h"
#include "base/json.h"
#include "cache/hot.h"

static void write_requests(struct json *json, const struct admin_rooms *rooms) {
  int64_t hits = 0, answered = 0;
  json_map(json, "requests");
  for (enum outcome i = 0; i < OUTCOMES; i++) {
    struct tally counts;
    counters_read(rooms->counters, i, &counts);
    json_integer(json, outcome_word(i), counts.requests);
    hits += outcome_is_hit(i) ? counts.requests : 0;
    answered += i == OUTCOME_ERROR ? 0 : counts.requests;
  }
  json_map_end(json);
  json_part(json, "hit_rate", hits, answered);
}

/* The totals of today and of all days; those that cannot be read are null. */
struct totals {
  struct report_row today, all;
  bool has_today, has_all;
};

static bool read_totals(struct ledger *ledger, struct totals *totals) {
  int32_t day = report_day(clock_milliseconds());
  const struct report_period today = {REPORT_BY_DAY, day, day};
  totals->has_today = report_run(ledger, &today, NULL, NULL, &totals->today, NULL);
  totals->has_all =
      report_run(ledger, &REPORT_FOREVER(REPORT_BY_DAY), NULL, NULL, &totals->all, NULL);
  return totals->has_today && totals->has_all;
}

static void write_money(struct json *json, const char *name, bool is_read,
                        const struct report_money *money) {
  if (!is_read) {
    json_null(json, name);
    return;
  }
  json_map(json, name);
  json_amount(json, "spent", money->spent);
  json_amount(json, "unknown", money->unknown);
  json_amount(json, "saved", money->saved);
  json_map_end(json);
}

static void write_totals(struct json *json, const struct totals *totals) {
  for (enum currency currency = 0; currency < CURRENCIES; currency++) {
    json_map(json, currency_words[currency]);
    write_money(json, "today", totals->has_today, &totals->today.money[currency]);
    write_money(json, "all", totals->has_all, &totals->all.money[currency]);
    json_map_end(json);
  }
}

/* Tokens whose budgets are told of. */
struct budgets {
  struct json *json;
  enum currency currency; /* of upstream */
};

static void write_warning(void *context, const struct token_row *row) {
  const struct budgets *budgets = context;
  if (row->account.has_budget && row->account.warning && !token_row_is_idle(row, budgets->currency))
    json_text(budgets->json, NULL, view_of(row->label));
}

static void write_idle(void *context, const struct token_row *row) {
  const struct budgets *budgets = context;
  if (token_row_is_idle(row, budgets->currency))
    json_text(budgets->json, NULL, view_of(row->label));
}

/* The tokens whose budgets are nearly or fully spent, and those whose budgets do not hold, as they
 * are not in upstream's currency; false if they cannot be read. */
static bool write_budgets(struct json *json, struct ledger *ledger, enum currency currency) {
  struct budgets budgets = {json, currency};
  json_list(json, "budget_warnings");
  bool readable = token_list(ledger, write_warning, &budgets, NULL);
  json_list_end(json);
  json_list(json, "idle_budgets");
  readable = token_list(ledger, write_idle, &budgets, NULL) && readable;
  json_list_end(json);
  return readable;
}

static void write_ledger(struct json *json, struct ledger *ledger, enum currency currency) {
  struct totals totals;
  bool readable = read_totals(ledger, &totals);
  write_totals(json, &totals);
  readable = write_budgets(json, ledger, currency) && readable;
  json_text(json, "currency", view_of(currency_words[currency]));
  json_text(json, "ledger", readable && !ledger_is_broken(ledger) ? VIEW("ok") : VIEW("broken"));
}

/* 0: never. */
static void write_time(struct json *json, const char *name, int64_t at) {
  if (at)
    json_integer(json, name, at);
  else
    json_null(json, name);
}

static void write_redirect(struct json *json, struct transfer *transfer) {
  struct transfer_redirect redirect;
  transfer_redirect(transfer, &redirect);
  if (!redirect.status) {
    json_null(json, "redirect");
    return;
  }
  json_map(json, "redirect");
  json_integer(json, "status", redirect.status);
  json_text(json, "location", view_of(redirect.location));
  json_map_end(json);
}

static void write_upstream(struct json *json, const struct admin_rooms *rooms) {
  struct settings *settings = current_settings(rooms->reconcile.current);
  int64_t answered_at, failed_at;
  bool failing = transfer_health(rooms->transfer, &answered_at, &failed_at);
  const char *state = failing ? "failing" : "ok";
  if (!answered_at && !failed_at)
    state = "unknown";
  json_map(json, "upstream");
  json_text(json, "api", settings->upstream_api == UPSTREAM_API_V3 ? VIEW("v3") : VIEW("v2"));
  json_text(json, "url", view_of(settings->upstream_url));
  json_text(json, "state", view_of(state));
  write_time(json, "answered_at", answered_at);
  write_time(json, "failed_at", failed_at);
  json_integer(json, "throttled", transfer_throttled(rooms->transfer));
  json_integer(json, "turned_away", transfer_turned_away(rooms->transfer));
  json_bool(json, "discontinued", transfer_is_discontinued(rooms->transfer));
  write_redirect(json, rooms->transfer);
  json_map_end(json);
  settings_release(&settings);
}

bool route_status(struct route_call *call, struct text *body, struct fault *fault) {
  const struct admin_rooms *rooms = call->rooms;
  struct cache_totals stored = cache_totals(rooms->cache);
  struct cache_totals hot = cache_hot_totals(rooms->cache);
  struct json json;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_text(&json, "version", VIEW(ROWCACHE_VERSION));
  json_integer(&json, "uptime_seconds", (clock_monotonic() - rooms->started) / CLOCK_SECOND);
  json_bool(&json, "draining", serve_is_draining(rooms->serve));
  json_integer(&json, "entries", stored.entries);
  json_integer(&json, "bytes", stored.bytes);
  json_integer(&json, "memory_entries", hot.entries);
  json_integer(&json, "memory_bytes", hot.bytes);
  write_requests(&json, rooms);
  write_ledger(&json, rooms->reconcile.ledger, route_currency(call));
  json_integer(&json, "inflight", transfer_inflight(rooms->transfer));
  json_integer(&json, "waiting", transfer_waiting(rooms->transfer));
  write_upstream(&json, rooms);
  json_map_end(&json);
  return json_end(&json, fault);
}

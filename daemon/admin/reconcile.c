/* /api/reconcile: Ahrefs' own count; waits for upstream. */
#include "admin/route.h"
#include "base/json.h"

static void write_known(struct json *json, const char *name, bool is_known, struct amount amount) {
  if (is_known)
    json_amount(json, name, amount);
  else
    json_null(json, name);
}

static void write_figures(struct json *json, const struct ledger_reconciliation *now) {
  bool rows = now->left.currency == CURRENCY_ROWS;
  json_integer(json, "at", now->at / 1000);
  write_known(json, "rows_left", rows && now->has_left, now->left);
  write_known(json, "rows_limit", rows && now->has_left, now->limit);
  write_known(json, "units_left", !rows && now->has_left, now->left);
  write_known(json, "units_limit", !rows && now->has_left, now->limit);
  write_known(json, "units_used", !rows && now->has_used, now->used);
  json_amount(json, "ledger_spent", now->spent);
  json_amount(json, "ledger_unknown", now->unknown);
  json_amount(json, "ledger_reserved", now->reserved);
}

static void write_nulls(struct json *json, const char *const *names) {
  for (; *names; names++)
    json_null(json, *names);
}

static const char *const figures[] = {
    "at",         "rows_left",    "rows_limit",     "units_left",      "units_limit",
    "units_used", "ledger_spent", "ledger_unknown", "ledger_reserved", NULL};
static const char *const differences[] = {"since", "ahrefs_difference", "ledger_difference",
                                          "difference", NULL};

static void write_differences(struct json *json, const struct reconcile_account *account) {
  const struct ledger_reconciliation *before = &account->before, *now = &account->now;
  struct amount ahrefs, ledger = amount_subtract(now->spent, before->spent);
  bool is_known = reconciliation_difference(before, now, &ahrefs);
  json_integer(json, "since", before->at / 1000);
  write_known(json, "ahrefs_difference", is_known, ahrefs);
  json_amount(json, "ledger_difference", ledger);
  write_known(json, "difference", is_known, amount_subtract(ahrefs, ledger));
}

static void write_account(void *context, const struct reconcile_account *account) {
  struct json *json = context;
  json_map(json, NULL);
  json_text(json, "token", view_of(account->label));
  json_bool(json, "with_issued", account->now.with_issued);
  if (account->failed)
    write_nulls(json, figures);
  else
    write_figures(json, &account->now);
  if (account->failed || !account->before.at)
    write_nulls(json, differences);
  else
    write_differences(json, account);
  if (account->failed)
    json_text(json, "error", view_of(account->fault.text));
  else
    json_null(json, "error");
  json_map_end(json);
}

/* Runs again each time that it is woken. */
bool route_reconcile(struct route_call *call, struct text *body, struct fault *fault) {
  struct route_work *work = route_work(call->exchange, fault);
  struct json json;
  if (!work)
    return false;
  if (!work->reconcile && !reconcile_begin(&call->rooms->reconcile, route_wake, call->exchange,
                                           &work->reconcile, fault))
    return false;
  call->waits = !reconcile_await(work->reconcile);
  if (call->waits)
    return true;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_list(&json, "accounts");
  reconcile_finish(work->reconcile, write_account, &json);
  json_list_end(&json);
  json_text(&json, "currency", view_of(currency_words[route_currency(call)]));
  json_map_end(&json);
  return json_end(&json, fault);
}

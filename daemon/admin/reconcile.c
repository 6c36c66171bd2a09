/* /api/reconcile: the only route that waits for upstream. */
#include "admin/route.h"
#include "base/json.h"

static void wake(void *exchange) {
  exchange_wake(exchange);
}

static void write_figures(struct json *json, const struct ledger_reconciliation *now) {
  json_integer(json, "at", now->at / 1000);
  json_amount(json, "rows_left", now->left);
  json_amount(json, "rows_limit", now->limit);
  json_amount(json, "ledger_spent", now->spent);
  json_amount(json, "ledger_unknown", now->unknown);
  json_amount(json, "ledger_reserved", now->reserved);
}

static void write_nulls(struct json *json, const char *const *names) {
  for (; *names; names++)
    json_null(json, *names);
}

static const char *const figures[] = {
    "at", "rows_left", "rows_limit", "ledger_spent", "ledger_unknown", "ledger_reserved", NULL};
static const char *const differences[] = {"since", "ahrefs_difference", "ledger_difference",
                                          "difference", NULL};

static void write_differences(struct json *json, const struct reconcile_account *account) {
  const struct ledger_reconciliation *before = &account->before, *now = &account->now;
  struct amount ahrefs = amount_subtract(before->left, now->left); /* the rows left fall */
  struct amount ledger = amount_subtract(now->spent, before->spent);
  json_integer(json, "since", before->at / 1000);
  json_amount(json, "ahrefs_difference", ahrefs);
  json_amount(json, "ledger_difference", ledger);
  json_amount(json, "difference", amount_subtract(ahrefs, ledger));
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

/* Runs again each time that it is woken; the exchange's data is the reconciliation under way. */
bool route_reconcile(struct route_call *call, struct text *body, struct fault *fault) {
  struct reconcile *reconcile = exchange_data(call->exchange);
  struct json json;
  if (!reconcile &&
      !reconcile_begin(&call->rooms->reconcile, wake, call->exchange, &reconcile, fault))
    return false;
  exchange_set_data(call->exchange, reconcile);
  call->waits = !reconcile_await(reconcile);
  if (call->waits)
    return true;
  json_begin(&json, body);
  json_map(&json, NULL);
  json_list(&json, "accounts");
  reconcile_finish(reconcile, write_account, &json);
  json_list_end(&json);
  json_map_end(&json);
  return json_end(&json, fault);
}

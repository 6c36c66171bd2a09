/* `spend`. */
#include "ctl/amounts.h"
#include "ctl/ask.h"

/* --- printing --- */

#define SUMS                                                                                  \
  {"requests", "requests", PRINT_NUMBER}, {"hits", "hits", PRINT_NUMBER},                     \
      {"misses", "misses", PRINT_NUMBER}, {"errors", "errors", PRINT_NUMBER},                 \
      {"results", "results", PRINT_NUMBER}, {"rows_spent", "rows spent", PRINT_ROWS},         \
      {"rows_unknown", "rows unknown", PRINT_ROWS}, {"rows_saved", "rows saved", PRINT_ROWS}, \
      {"units_spent", "units spent", PRINT_UNITS},                                            \
      {"units_unknown", "units unknown", PRINT_UNITS},                                        \
      {"units_saved", "units saved", PRINT_UNITS},

static const struct print_column columns_by_token[] = {
    {"token", "token", PRINT_LABEL}, SUMS{"budget.left", "budget left", PRINT_NUMBER}};
static const struct print_column columns_by_target[] = {{"target", "target", PRINT_LABEL}, SUMS};
static const struct print_column columns_by_day[] = {{"day", "day", PRINT_LABEL}, SUMS};

static const struct {
  const char *list;
  const struct print_column *columns;
  size_t count;
} tables[] = {
    {"tokens", columns_by_token, sizeof columns_by_token / sizeof *columns_by_token},
    {"targets", columns_by_target, sizeof columns_by_target / sizeof *columns_by_target},
    {"days", columns_by_day, sizeof columns_by_day / sizeof *columns_by_day},
};

static void print_spend(struct text *out, yajl_val answer) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    amounts_table(out, tables[i].columns, tables[i].count, answer, tables[i].list);
}

static void print_spend_csv(struct text *out, yajl_val answer) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    amounts_csv(out, tables[i].columns, tables[i].count, answer, tables[i].list);
}

/* The daemon would refuse the same; refused here, it is reported as a fault of the command line. */
static bool check_call(const struct command_call *call, const struct text *parameters,
                       struct fault *fault) {
  struct report_period period;
  struct form form = {.count = 0};
  if (call->csv && call->json)
    return fault_set(fault, FAULT_MALFORMED, "give --csv or --json, not both");
  bool ok =
      form_parse(&form, text_view(parameters), fault) && account_read_period(&form, &period, fault);
  form_free(&form);
  return ok;
}

enum ending command_spend(const struct command_call *call, struct fault *fault) {
  scope_text struct text form = {0};
  const struct ask ask = {
      .method = "GET", .path = "/api/spend", .form = &form, .function = account_spend};
  ask_add(&form, "by", call->by);
  ask_add(&form, "since", call->since);
  ask_add(&form, "until", call->until);
  if (!check_call(call, &form, fault))
    return ENDING_MISUSED;
  return ask_show(call, &ask, call->csv ? print_spend_csv : print_spend, fault);
}

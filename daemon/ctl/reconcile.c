/* `reconcile`: Ahrefs' own count beside the ledger's. */
#include "ctl/amounts.h"
#include "ctl/show.h"

static const struct print_column columns[] = {
    {"token", "token", PRINT_LABEL},
    {"with_issued", "with issued", PRINT_TEXT},
    {"rows_left", "rows left", PRINT_ROWS},
    {"rows_limit", "rows limit", PRINT_ROWS},
    {"units_left", "units left", PRINT_UNITS},
    {"units_limit", "units limit", PRINT_UNITS},
    {"units_used", "units used", PRINT_UNITS},
    {"ledger_spent", "spent here", PRINT_NUMBER},
    {"ledger_unknown", "of it unknown", PRINT_NUMBER},
    {"ledger_reserved", "reserved", PRINT_NUMBER},
    {"ahrefs_difference", "Ahrefs since", PRINT_NUMBER},
    {"ledger_difference", "here since", PRINT_NUMBER},
    {"difference", "difference", PRINT_NUMBER},
    {"error", "error", PRINT_TEXT},
};

static void print_accounts(struct text *out, yajl_val answer) {
  amounts_table(out, columns, sizeof columns / sizeof *columns, answer, "accounts");
}

enum ending command_reconcile(const struct command_call *call, struct fault *fault) {
  return show_remote(call, "POST", "/api/reconcile", print_accounts, fault);
}

/* Spending, tokens and corrections as JSON, from the ledger alone.
 *
 * The daemon answers /api/spend, /api/token and /api/correction with these functions. Without a
 * daemon rowcachectl calls them on the state directory, and gives the same answers. */
#pragma once

#include "base/json.h"
#include "ledger/report.h"
#include "query/form.h"

struct account_call {
  struct ledger *ledger;
  enum currency currency;  /* what upstream charges in: that of new budgets and corrections */
  struct view rest;        /* the path after the route's */
  const struct form *form; /* the parameters */
};

/* Appends the answer to `out`. FAULT_MALFORMED for wrong parameters, FAULT_UNKNOWN_PATH for a wrong
 * `rest`. Blocks on the disk; any thread but the ledger's. */
typedef bool account_function(const struct account_call *call, struct text *out,
                              struct fault *fault);

account_function account_spend;       /* GET /api/spend: by, since, until */
account_function account_tokens;      /* GET /api/token */
account_function account_token;       /* POST /api/token/ACTION: changes one */
account_function account_corrections; /* GET /api/correction: since, until */
account_function account_correct;     /* POST /api/correction: token, spent, unknown, day, reason */

/* The parameters that each takes, with a space between, as in tables/routes.def. */
#define ACCOUNT_SPEND "by since until"
#define ACCOUNT_TOKEN "name new budget per token right"
#define ACCOUNT_CORRECTIONS "since until"
#define ACCOUNT_CORRECT "token spent unknown day reason"

/* The report that by=, since= and until= ask for. Default: by token, over all days. Pure. */
bool account_read_period(const struct form *form, struct report_period *out,
                         struct fault *fault) MUST_CHECK;

/* Writes the member `name`: a budget and its figures; null if there is no budget. */
void account_write_budget(struct json *json, const char *name, const struct token_account *account);

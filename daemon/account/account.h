/* The account and its tokens, as JSON. Needs the ledger only.
 *
 * What /api/spend, /api/token and /api/correction answer is what rowcachectl answers from the state
 * directory where no daemon runs: both call these functions. */
#pragma once

#include "base/json.h"
#include "ledger/report.h"
#include "query/form.h"

/* `rest`: what follows the route's path; `form`: the parameters. Appends the answer to `out`. What
 * is wrong with them is FAULT_MALFORMED, with `rest` FAULT_UNKNOWN_PATH. Blocks on the disk; not on
 * the ledger's threads. */
typedef bool account_function(struct ledger *ledger, struct view rest, const struct form *form,
                              struct text *out, struct fault *fault);

account_function account_spend;       /* GET /api/spend: by, since, until */
account_function account_tokens;      /* GET /api/token */
account_function account_token;       /* POST /api/token/ACTION: changes one */
account_function account_corrections; /* GET /api/correction: since, until */
account_function account_correct;     /* POST /api/correction: token, spent, unknown, day, reason */

/* The parameters that each takes, with a space between, as in tables/routes.def. */
#define ACCOUNT_SPEND "by since until"
#define ACCOUNT_TOKEN "name new budget rows per token right"
#define ACCOUNT_CORRECTIONS "since until"
#define ACCOUNT_CORRECT "token spent unknown day reason"

/* The report that by=, since= and until= ask for; without them by token, for ever. Pure. */
bool account_read_period(const struct form *form, struct report_period *out,
                         struct fault *fault) MUST_CHECK;

/* The member `name`: a budget and what is left of it; null where there is none. */
void account_write_budget(struct json *json, const char *name, const struct token_account *account);

/* Budgets. Of the ledger room only. */
#pragma once

#include "db/db.h"
#include "ledger/token.h"

/* A token's spending has passed the warning level. */
struct budget_warning {
  bool is_due;
  struct amount used, budget;
  char label[LEDGER_LABEL_SIZE];
};

/* The account of a token today. Its budget is in three columns: how much (-1: none), the currency,
 * and the window. */
bool budget_read_account(struct ledger *ledger, struct db *db, int64_t token,
                         struct db_statement *statement, int column, struct token_account *account,
                         struct fault *fault) MUST_CHECK;
/* Refuses an entry that does not fit its token's budget. In a transaction. */
bool budget_admit(struct ledger_entry *entry, struct db *db, int64_t token,
                  struct fault *fault) MUST_CHECK;
/* Something of that day and currency was settled: fills `warning` if the token's spending has passed
 * the warning level, once a window, whatever restarts come between. In a transaction. */
bool budget_settled(struct ledger *ledger, struct db *db, int64_t token,
                    const struct digest *fingerprint, int32_t day, enum currency currency,
                    struct budget_warning *warning, struct fault *fault) MUST_CHECK;
/* Logs the warning, once it is durable. */
void budget_warn(const struct budget_warning *warning);

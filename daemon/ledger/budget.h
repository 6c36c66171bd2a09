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

/* A token whose budget is asked for: the id of its row, and the connection that reads it. */
struct budget_holder {
  struct ledger *ledger;
  struct db *db;
  int64_t token;
};

/* The account of a token today. Its budget is in three columns: the amount (-1: no budget), the
 * currency, and the window. */
bool budget_read_account(const struct budget_holder *holder, struct db_statement *row, int column,
                         struct token_account *account, struct fault *fault) MUST_CHECK;

/* The usage of a token, but for its label; of the same three columns. */
bool budget_read_usage(const struct budget_holder *holder, struct db_statement *row, int column,
                       enum currency currency, struct token_usage *usage,
                       struct fault *fault) MUST_CHECK;

/* Refuses an entry that does not fit its token's budget. In a transaction. */
bool budget_admit(struct ledger_entry *entry, struct db *db, int64_t token,
                  struct fault *fault) MUST_CHECK;

/* A day's spending has changed. */
struct budget_change {
  const struct digest *fingerprint;
  int32_t day;
  enum currency currency;
};
/* Fills `warning`: it is due if the token's spending has passed the warning level, once a window,
 * whatever restarts come between. In a transaction. */
bool budget_settled(const struct budget_holder *holder, const struct budget_change *change,
                    struct budget_warning *warning, struct fault *fault) MUST_CHECK;
/* Logs the warning, once it is durable. */
void budget_warn(const struct budget_warning *warning);

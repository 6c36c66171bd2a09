/* Entries, and those of this process that are open: reserved, and not settled durably. Of the ledger
 * room only. */
#pragma once

#include "base/text.h"
#include "db/keeper.h"
#include "ledger/budget.h"
#include "ledger/ledger.h"

enum entry_state { ENTRY_OPEN, ENTRY_SETTLED, ENTRY_UNKNOWN }; /* as in sql/ledger */

struct settlement {
  struct ledger_end end;
  int64_t at;
  bool changed;       /* the entry was open until now */
  bool leaves_totals; /* a correction stands for it */
  struct budget_warning warning;
};

/* From create to reserve it is the caller's. From the durable reservation on it is in the ledger's
 * list, and the caller's for no more than to settle it. */
struct ledger_entry {
  struct keeper_job job; /* the reservation, then the settlement, then each further try */
  struct ledger *ledger;
  struct ledger_request request;
  int64_t at; /* milliseconds since 1970; of the reservation */
  bool has_budget;
  struct settlement settlement;
  ledger_done *done; /* of the reservation, then of the settlement's first try */
  void *context;

  bool is_listed;
  struct ledger_entry *prev, *next; /* utlist; under the ledger's lock, likewise: */
  bool failed;                      /* its settlement could not be written */
  bool given;                       /* it is with the keeper again */
  struct ledger_entry *due;         /* the timer's: the next of those given together */
};

/* Lists the entry, once its reservation is durable. */
void entries_add(struct ledger_entry *entry);
/* Takes an entry off the list if it is listed, and frees it: it is settled. */
void entries_end(struct ledger_entry *entry);
/* The settlement of a listed entry could not be written. From now on the entry counts as spent and
 * unknown at its most, and entries_retry() gives its job again. */
void entries_fail(struct ledger_entry *entry);

/* The timer's: hands settlements that could not be written to the keeper again. */
void entries_retry(struct ledger *ledger);
/* Frees the listed entries; returns the number of those whose settlement could not be written. No
 * thread runs. */
int entries_drop(struct ledger *ledger);

/* The ids of requests whose settlement could not be written yet. Until it can, they count as spent
 * and as unknown at their most: the figures that the next start would book. " id id ", or empty;
 * "*" stands for all that are open, where the last process left them. A parameter of statements
 * (sql/ledger). Any thread. */
bool entries_list_unsettled(struct ledger *ledger, struct text *ids,
                            struct fault *fault) MUST_CHECK;
/* True if the request is one of these. Any thread. */
bool entries_has_unsettled(struct ledger *ledger, const char *request);

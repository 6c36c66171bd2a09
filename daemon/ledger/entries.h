/* Entries of this process that are open: reserved, and not settled durably. Of the ledger room
 * only. */
#pragma once

#include "base/text.h"
#include "ledger/ledger.h"

/* The timer's: hands settlements that could not be written to the keeper again. */
void entries_retry(struct ledger *ledger);
/* Forgets the open entries; returns the number of settlements of them that could not be written. No
 * thread runs. */
int entries_drop(struct ledger *ledger);
/* The ids of requests whose settlement could not be written yet. Until it can, they count as spent
 * and as unknown at their most: the figures that the next start would book. " id id ", or empty;
 * "*" stands for all that are open, where the last process left them. A parameter of statements
 * (sql/ledger). Any thread. */
bool entries_list_unsettled(struct ledger *ledger, struct text *ids,
                            struct fault *fault) MUST_CHECK;

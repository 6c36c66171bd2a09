/* The facts on tokens, in memory. Of the ledger room only. */
#pragma once

#include "db/db.h"
#include "ledger/token.h"

struct known; /* a map by fingerprint */

/* Reads the map, in the transaction that changed the tokens. */
bool known_read(struct db *db, struct known **map, struct fault *fault) MUST_CHECK;
/* Replaces the ledger's map; leaves NULL. */
void known_take(struct ledger *ledger, struct known **map);
/* Leaves NULL; NULL is allowed. */
void known_free(struct known **map);

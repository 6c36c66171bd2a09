/* The facts on tokens, in memory. Of the ledger room only. */
#pragma once

#include "base/shard.h"
#include "db/db.h"
#include "ledger/token.h"

#include <pthread.h>
#include <stdatomic.h>

struct known; /* a map by fingerprint */

/* A thread that recalls holds its shard's lock, so that none waits for another; whoever replaces
 * the map holds them all. */
struct knowledge {
  struct {
    SHARD_ALIGNED pthread_mutex_t lock;
  } shards[SHARDS];
  struct known *map;
  atomic_ullong generation; /* of the map; rises while it is replaced */
};

/* `knowledge` is zeroed. */
void known_open(struct knowledge *knowledge);
/* Frees the map, too. */
void known_close(struct knowledge *knowledge);

/* Reads the map, in the transaction that changed the tokens. */
bool known_read(struct db *db, struct known **map, struct fault *fault) MUST_CHECK;
/* Replaces the ledger's map; leaves NULL. When it returns, token_recall() obeys the new one. */
void known_take(struct ledger *ledger, struct known **map);
/* Leaves NULL; NULL is allowed. */
void known_free(struct known **map);

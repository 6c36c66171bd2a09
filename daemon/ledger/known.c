/* The facts on tokens, in memory: read at every request, replaced as a whole after a change. */
#include "ledger/room.h"

#include "base/scope.h"

#define HASH_NONFATAL_OOM 1
#define HASH_KEYCMP(a, b, size) (!digest_equal_secret((const struct digest *)(a), (b)))
#include <uthash.h>

struct known {
  UT_hash_handle hh;
  struct digest fingerprint;
  struct token_facts facts;
};

/* -- The map -- */

void known_free(struct known **map) {
  struct known *known, *next;
  HASH_ITER(hh, *map, known, next) {
    HASH_DELETE(hh, *map, known);
    free(known);
  }
}

static struct known *read_one(struct db_statement *statement) {
  struct known *known = calloc(1, sizeof *known);
  if (!known)
    return NULL;
  known->fingerprint = column_digest(statement, 0);
  label_print(db_text(statement, 1), &known->fingerprint, known->facts.label);
  known->facts.known = true;
  known->facts.kind = column_kind(statement, 2);
  known->facts.revoked = db_integer(statement, 3) != 0;
  known->facts.no_cache = db_integer(statement, 4) != 0;
  known->facts.has_budget = db_integer(statement, 5) != 0;
  known->facts.has_spent = db_integer(statement, 6) != 0;
  return known;
}

static bool add(struct known **map, struct db_statement *statement) {
  struct known *known = read_one(statement);
  if (!known)
    return false;
  HASH_ADD(hh, *map, fingerprint, sizeof known->fingerprint, known);
  if (known->hh.tbl)
    return true;
  free(known);
  return false;
}

bool known_read(struct db *db, struct known **map, struct fault *fault) {
  struct db_statement *statement = db_each(db, LEDGER_SQL_LIST_KNOWN, DB_VALUES(), fault);
  bool row, ok = statement != NULL;
  *map = NULL;
  while (ok && (ok = db_step(statement, &row, fault)) && row)
    ok = db_blob(statement, 0).length != DIGEST_SIZE || add(map, statement) ||
         fault_no_memory(fault);
  db_done(statement);
  if (!ok)
    known_free(map);
  return ok;
}

/* -- The ledger's map -- */

void known_open(struct knowledge *knowledge) {
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_init(&knowledge->shards[i].lock, NULL);
}

void known_close(struct knowledge *knowledge) {
  known_free(&knowledge->map);
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_destroy(&knowledge->shards[i].lock);
}

void known_take(struct ledger *ledger, struct known **map) {
  struct knowledge *knowledge = &ledger->knowledge;
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_lock(&knowledge->shards[i].lock);
  struct known *before = knowledge->map;
  knowledge->map = steal(*map);
  atomic_fetch_add(&knowledge->generation, 1);
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_unlock(&knowledge->shards[i].lock);
  known_free(&before);
}

/* -- Recalling -- */

void token_recall(struct ledger *ledger, const struct digest *fingerprint,
                  struct token_facts *facts) {
  struct knowledge *knowledge = &ledger->knowledge;
  pthread_mutex_t *lock = &knowledge->shards[shard_of_thread()].lock;
  struct known *known;
  pthread_mutex_lock(lock);
  HASH_FIND(hh, knowledge->map, fingerprint, sizeof *fingerprint, known);
  if (known)
    *facts = known->facts;
  pthread_mutex_unlock(lock);
  if (known)
    return;
  *facts = (struct token_facts){.no_cache = true};
  label_print(VIEW(""), fingerprint, facts->label);
}

uint64_t token_generation(const struct ledger *ledger) {
  return atomic_load(&ledger->knowledge.generation);
}

const char *ledger_label(struct ledger *ledger, const struct digest *fingerprint,
                         char out[LEDGER_LABEL_SIZE]) {
  struct token_facts facts;
  token_recall(ledger, fingerprint, &facts);
  memcpy(out, facts.label, LEDGER_LABEL_SIZE);
  return out;
}

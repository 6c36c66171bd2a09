#include "upstream/keys.h"

#include "base/scope.h"

/* Lack of memory is a fault, and does not end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct key {
  struct pacing pacing; /* first: keys_let_go() is given this */
  struct digest digest;
  int64_t holders;
  UT_hash_handle hh;
};

static void remove_key(struct keys *keys, struct key *key) {
  HASH_DEL(keys->table, key);
  free(key);
}

/* Only when the table is full: an idle key does no harm. */
static bool make_room(struct keys *keys, int64_t now) {
  struct key *key, *next;
  if (HASH_COUNT(keys->table) < KEYS_MOST)
    return true;
  HASH_ITER(hh, keys->table, key, next) {
    if (!key->holders && pacing_is_idle(&key->pacing, now))
      remove_key(keys, key);
  }
  return HASH_COUNT(keys->table) < KEYS_MOST;
}

static struct key *add(struct keys *keys, const struct digest *digest, int64_t now) {
  struct key *key = make_room(keys, now) ? calloc(1, sizeof *key) : NULL;
  if (!key)
    return NULL;
  key->digest = *digest;
  HASH_ADD(hh, keys->table, digest, sizeof key->digest, key);
  if (key->hh.tbl)
    return key;
  free(key);
  return NULL;
}

struct pacing *keys_hold(struct keys *keys, const struct digest *digest, int64_t now) {
  struct key *key;
  HASH_FIND(hh, keys->table, digest, sizeof *digest, key);
  if (!key)
    key = add(keys, digest, now);
  if (!key)
    return NULL;
  key->holders++;
  return &key->pacing;
}

void keys_let_go(struct pacing **address) {
  struct key *key = (struct key *)steal(*address);
  if (key)
    key->holders--;
}

void keys_free(struct keys *keys) {
  struct key *key, *next;
  HASH_ITER(hh, keys->table, key, next) {
    CHECK(!key->holders);
    remove_key(keys, key);
  }
}

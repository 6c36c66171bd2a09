/* Finding a result, holding it, and reading its chunks. */
#include "cache/chunk.h"
#include "cache/room.h"
#include "cache/row.h"
#include "cache/rowid.h"

#include "base/log.h"
#include "base/scope.h"

#define FIND_TRIES 8
#define NO_CHUNK INT64_C(-1)

struct cache_hold {
  struct cache *cache;
  struct pin *pin;       /* NULL: nothing is read from the disk, but `hot` */
  struct cache_hot *hot; /* one reference; NULL: it is not in memory */
  uint64_t epoch;        /* of its key, when it was looked for */
  int64_t id;
  bool is_found; /* `entry` is there */
  struct cache_entry entry;
  int64_t source;    /* row id, as struct row_ids has it */
  char *buffer;      /* CACHE_CHUNK_SIZE bytes; NULL until something is read */
  struct view chunk; /* in `buffer` */
  int64_t chunk_number;
};

/* Holds. */

static struct cache_hold *begin(struct cache *cache) {
  struct cache_hold *hold = malloc(sizeof *hold);
  if (!hold)
    return NULL;
  hold->cache = cache;
  hold->pin = NULL;
  hold->hot = NULL;
  hold->epoch = 0;
  hold->id = 0;
  hold->is_found = false;
  hold->buffer = NULL;
  hold->chunk_number = NO_CHUNK;
  return hold;
}

void hold_unpin(struct cache *cache, struct pin **pin) {
  if (pins_drop(&cache->pins, pin))
    sweep_wake(cache);
}

struct cache_hold *hold_create(struct cache *cache, struct pin *pin) {
  struct cache_hold *hold = begin(cache);
  if (hold) {
    hold->pin = pins_add_again(&cache->pins, pin);
    hold->id = pin_id(pin);
  }
  return hold;
}

struct cache_hold *cache_hold_again(const struct cache_hold *other) {
  struct cache_hold *hold = begin(other->cache);
  if (!hold)
    return NULL;
  if (other->pin)
    hold->pin = pins_add_again(&other->cache->pins, other->pin);
  if (other->hot)
    hold->hot = cache_hot_hold(other->hot);
  hold->id = other->id;
  hold->epoch = other->epoch;
  if (other->is_found) {
    hold->is_found = true;
    hold->entry = other->entry;
    hold->source = other->source;
  }
  return hold;
}

const struct cache_entry *cache_hold_entry(const struct cache_hold *hold) {
  CHECK(hold->is_found);
  return &hold->entry;
}

void cache_release(struct cache_hold **address) {
  struct cache_hold *hold = steal(*address);
  if (!hold)
    return;
  if (hold->pin)
    hold_unpin(hold->cache, &hold->pin);
  cache_hot_release(&hold->hot);
  free(hold->buffer);
  free(hold);
}

int64_t hold_source(const struct cache_hold *hold) {
  return cache_hold_entry(hold)->is_derived ? hold->source : hold->id;
}

int64_t hold_id(const struct cache_hold *hold) {
  return hold->id;
}

uint64_t hold_epoch(const struct cache_hold *hold) {
  return hold->epoch;
}

bool hold_is_hot(const struct cache_hold *hold) {
  return hold->hot != NULL;
}

struct cache *hold_cache(const struct cache_hold *hold) {
  return hold->cache;
}

/* True if a hit saved what the result cost. */
static bool saves(const struct cache_entry *entry, struct amount saved) {
  return saved.currency == entry->cost.currency && amount_order(saved, entry->cost) == 0;
}

void cache_count_hit(const struct cache_hold *hold, struct amount saved) {
  const struct cache_entry *entry = cache_hold_entry(hold);
  if (hold->hot && saves(entry, saved)) {
    cache_hot_count_hit(hold->cache, hold->hot);
    return;
  }
  if (hold->hot)
    atomic_fetch_add_explicit(&hold->hot->uses, 1, memory_order_relaxed);
  hits_count(hold->cache, hold->id, saved);
  if (entry->is_derived)
    hits_count(hold->cache, hold->source, saved);
}

/* Finding. */

/* Reads the published entry of `key` into the hold; `*id` is 0 if there is none. */
static bool read_entry(struct cache_hold *hold, struct db *db, const struct digest *key,
                       int64_t *id, struct fault *fault) {
  struct db_statement *row;
  struct row_ids ids = {0};
  *id = 0;
  if (!db_find(db, CACHE_SQL_FIND_ENTRY, DB_VALUES(row_digest(key)), &row, fault))
    return false;
  bool valid = !row || row_read_entry(row, &ids, &hold->entry);
  *id = ids.id;
  hold->source = ids.source;
  if (!valid)
    cache_kill(hold->cache, *id);
  db_done(row);
  return valid ||
         fault_set(fault, FAULT_UNAVAILABLE, "%s: a damaged entry", hold->cache->disk.path);
}

static bool is_live(struct db *db, int64_t id, bool *yes, struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, CACHE_SQL_IS_LIVE, DB_VALUES(DB_INT(id)), &row, fault);
  *yes = row;
  db_done(row);
  return ok;
}

/* Finds an entry and pins it. If it is still live after that, the sweeper will see the pin. */
static bool find_pinned(struct cache_hold *hold, struct db *db, const struct digest *key,
                        struct fault *fault) {
  struct cache *cache = hold->cache;
  for (int i = 0; i < FIND_TRIES; i++) {
    int64_t id;
    if (!read_entry(hold, db, key, &id, fault))
      return false;
    if (!id)
      return true;
    hold->pin = pins_add(&cache->pins, id);
    if (!hold->pin)
      return fault_no_memory(fault);
    if (!is_live(db, id, &hold->is_found, fault))
      return false;
    hold->id = id;
    if (hold->is_found)
      return true;
    hold_unpin(cache, &hold->pin);
  }
  return true; /* it is replaced faster than it can be pinned */
}

static bool find(struct cache_hold *hold, const struct digest *key, struct fault *fault) {
  struct cache *cache = hold->cache;
  struct cache_connection *connection = pool_take(&cache->pool, fault);
  if (!connection)
    return false;
  bool ok = find_pinned(hold, connection->db, key, fault);
  if (!ok)
    cache_note_failure(cache, connection->db);
  pool_give(&cache->pool, &connection);
  return ok;
}

/* The hold takes over `hot`. */
static void find_hot(struct cache_hold *hold, struct cache_hot *hot) {
  hold->hot = hot;
  hold->is_found = true;
  hold->entry = hot->entry;
  hold->id = hot->id;
  hold->source = hot->source;
}

/* The epoch comes first: what becomes invisible after that is not taken for the present result, and
 * what is read after the file was found to be damaged does not become hot. */
static bool find_any(struct cache_hold *hold, const struct digest *key, struct fault *fault) {
  struct tier *tier = &hold->cache->tier;
  hold->epoch = tier_epoch(tier, key);
  if (!cache_is_usable(hold->cache, NULL))
    return true;
  struct cache_hot *hot = tier_find(tier, key);
  if (!hot)
    return find(hold, key, fault);
  find_hot(hold, hot);
  return true;
}

struct cache_hold *cache_find(struct cache *cache, const struct digest *key) {
  struct fault fault;
  struct cache_hold *hold = begin(cache);
  if (!(hold ? find_any(hold, key, &fault) : fault_no_memory(&fault)))
    log_warning(EVENT_cache_unreadable, "reason=%s", LOG_VALUE(fault.text));
  if (hold && !hold->is_found)
    cache_release(&hold);
  return hold;
}

/* Reading. */

/* Unpacks one row of read_chunk into the hold; sets `*damaged` if the row is not valid. */
static bool unpack(struct cache_hold *hold, ZSTD_DCtx *context, struct db_statement *row,
                   int64_t number, bool *damaged) {
  const struct chunk_values values = {.body_length = db_integer(row, 0),
                                      .number = number,
                                      .raw_length = db_integer(row, 1),
                                      .data = db_blob(row, 2)};
  if (!chunk_length(&values))
    return false;
  *damaged = !chunk_unpack(context, &values, hold->buffer, &hold->chunk);
  return !*damaged;
}

static bool read_chunk(struct cache_hold *hold, struct cache_connection *connection, int64_t number,
                       struct fault *fault) {
  struct cache *cache = hold->cache;
  int64_t id = hold->id;
  bool damaged = false;
  struct db_statement *row;
  if (!db_find(connection->db, CACHE_SQL_READ_CHUNK,
               DB_VALUES(DB_INT(id), DB_INT(rowid_of_chunk(id, number)), DB_INT(CHUNK_BOUND)), &row,
               fault))
    return false;
  bool ok = row && unpack(hold, connection->context, row, number, &damaged);
  db_done(row);
  if (damaged)
    cache_kill(cache, id);
  return ok || fault_set(fault, FAULT_UNAVAILABLE, "%s: chunk %lld of result %lld is %s",
                         cache->disk.path, (long long)number, (long long)id,
                         damaged ? "damaged" : "not there");
}

static bool load(struct cache_hold *hold, int64_t number, struct fault *fault) {
  struct pool *pool = &hold->cache->pool;
  if (!hold->buffer && !(hold->buffer = malloc(CACHE_CHUNK_SIZE)))
    return fault_no_memory(fault);
  struct cache_connection *connection = pool_take(pool, fault);
  if (!connection)
    return false;
  bool ok = read_chunk(hold, connection, number, fault);
  if (!ok)
    cache_note_failure(hold->cache, connection->db);
  pool_give(pool, &connection);
  return ok;
}

static bool read_hot(const struct cache_hot *hot, int64_t number, struct view *bytes,
                     struct fault *fault) {
  struct view body = cache_hot_body(hot);
  size_t at = (size_t)number * CACHE_CHUNK_SIZE;
  *bytes = view_first(view_from(body, at), CACHE_CHUNK_SIZE);
  return at < body.length || fault_set(fault, FAULT_UNAVAILABLE,
                                       "the result ends before chunk %lld", (long long)number);
}

bool cache_read(struct cache_hold *hold, int64_t number, struct view *bytes, struct fault *fault) {
  if (!rowid_has_chunk(number))
    return fault_set(fault, FAULT_INTERNAL, "there is no chunk %lld", (long long)number);
  if (hold->hot)
    return read_hot(hold->hot, number, bytes, fault);
  if (hold->chunk_number != number) {
    hold->chunk_number = NO_CHUNK; /* the buffer may be overwritten */
    if (!load(hold, number, fault))
      return false;
    hold->chunk_number = number;
  }
  *bytes = hold->chunk;
  return true;
}

/* Heating. */

static struct cache_hot *fill_at_once(struct cache_hold *hold) {
  struct cache_fill *fill = cache_fill_begin(hold);
  struct view bytes;
  struct fault fault;
  int64_t chunks =
      (hold->entry.body_length + (int64_t)CACHE_CHUNK_SIZE - 1) / (int64_t)CACHE_CHUNK_SIZE;
  for (int64_t number = 0; fill && number < chunks; number++) {
    if (cache_read(hold, number, &bytes, &fault))
      cache_fill_add(fill, bytes);
    else
      cache_fill_abandon(&fill);
  }
  return fill ? cache_fill_end(&fill) : NULL;
}

struct cache_hot *cache_hold_heat(struct cache_hold *hold) {
  CHECK(hold->is_found);
  if (!hold->hot && hold->entry.body_length <= CACHE_HOT_AT_ONCE)
    hold->hot = fill_at_once(hold);
  return hold->hot;
}

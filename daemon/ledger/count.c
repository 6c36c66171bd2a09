/* Requests that spend nothing are counted in memory and written in batches.
 *
 * Each thread counts in its shard. A flush takes the counts of all shards, and adds up those of the
 * same token or target. A count is in a shard or in one flush, so none is lost and none is written
 * twice.
 *
 * Memory is bounded: COUNT_MOST tokens, and as many targets, have counts of their own in all shards
 * (one more for each thread that begins one at the same moment); further ones share one count. This
 * also bounds the chains of the maps, whose hash has no key. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/scope.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define COUNT_FLUSH_AT 4096 /* tokens, or targets: at so many, the timer writes at once */
#define COUNT_MOST (2 * COUNT_FLUSH_AT)

/* Its bytes are compared: it has no padding. */
struct slot {
  int32_t day, currency;
};

struct key {
  size_t size;
  /* of the slot, then of the fingerprint or the target */
  char bytes[sizeof(struct slot) + LEDGER_TARGET_MOST];
};

struct count {
  UT_hash_handle hh;
  struct amounts amounts;
  struct slot slot;
  struct view bytes; /* fingerprint or target, in key */
  char key[];
};

struct flush {
  struct keeper_job job;
  struct ledger *ledger;
  struct counts counts[SHARDS]; /* taken from the shards; keeper */
  bool by_timer;
  bool wrote;
};

/* -- The maps: of a shard, under its lock, or of a flush -- */

static void make_key(struct key *key, struct slot slot, struct view bytes) {
  key->size = sizeof slot + bytes.length;
  memcpy(key->bytes, &slot, sizeof slot);
  if (bytes.length)
    memcpy(key->bytes + sizeof slot, bytes.at, bytes.length);
}

static struct count *new_count(struct count_map *map, struct slot slot, const struct key *key) {
  struct count *count = calloc(1, sizeof *count + key->size);
  if (!count)
    return NULL;
  count->slot = slot;
  count->amounts = totals_none((enum currency)slot.currency);
  memcpy(count->key, key->bytes, key->size);
  count->bytes = (struct view){count->key + sizeof slot, key->size - sizeof slot};
  HASH_ADD_KEYPTR(hh, map->all, count->key, key->size, count);
  if (count->hh.tbl)
    return count;
  free(count);
  return NULL;
}

static bool is_of(const struct count *count, struct slot slot, struct view bytes) {
  return count->slot.day == slot.day && count->slot.currency == slot.currency &&
         view_equal(count->bytes, bytes);
}

static struct count *find(struct count_map *map, struct slot slot, struct view bytes) {
  struct key key;
  struct count *count;
  if (map->last && is_of(map->last, slot, bytes)) /* hits come in runs */
    return map->last;
  make_key(&key, slot, bytes);
  HASH_FIND(hh, map->all, key.bytes, key.size, count);
  if (count)
    map->last = count;
  return count;
}

/* `number`: of the counts in all shards. NULL for lack of memory. */
static struct count *find_or_make(struct count_map *map, atomic_int *number, struct slot slot,
                                  struct view bytes) {
  struct key key;
  struct count *count = find(map, slot, bytes);
  if (count)
    return count;
  make_key(&key, slot, bytes);
  count = new_count(map, slot, &key);
  if (count)
    atomic_fetch_add(number, 1);
  return count;
}

static void sum(struct amounts *to, const struct amounts *more) {
  to->hits += more->hits;
  to->errors += more->errors;
  to->saved = amount_add(to->saved, more->saved);
}

/* A request that no memory is left for is not counted: it cost nothing. Returns where it was counted,
 * or NULL. */
static struct count *add(struct count_map *map, atomic_int *number, int32_t day, struct view bytes,
                         struct view rest, const struct amounts *amounts) {
  const struct slot slot = {day, (int32_t)amounts->saved.currency};
  struct count *count = find(map, slot, bytes);
  if (!count)
    count = find_or_make(map, number, slot, atomic_load(number) < COUNT_MOST ? bytes : rest);
  if (count)
    sum(&count->amounts, amounts);
  return count;
}

static int64_t drop(struct count_map *map) {
  int64_t requests = 0;
  struct count *count, *next;
  HASH_ITER(hh, map->all, count, next) {
    HASH_DELETE(hh, map->all, count);
    requests += count->amounts.hits + count->amounts.errors;
    free(count);
  }
  return requests;
}

/* Moves what both have into `to`; needs no memory. */
static void unite(struct count_map *to, struct count_map *from) {
  struct count *count, *next, *same;
  HASH_ITER(hh, from->all, count, next) {
    HASH_FIND_BYHASHVALUE(hh, to->all, count->key, count->hh.keylen, count->hh.hashv, same);
    if (!same)
      continue;
    sum(&same->amounts, &count->amounts);
    HASH_DELETE(hh, from->all, count);
    free(count);
  }
}

/* -- The shards -- */

void count_open(struct counting *counting) {
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_init(&counting->shards[i].lock, NULL);
}

void count_close(struct counting *counting) {
  for (int i = 0; i < SHARDS; i++)
    pthread_mutex_destroy(&counting->shards[i].lock);
}

static void add_token(struct counting *counting, struct count_shard *shard, int32_t day,
                      struct view fingerprint, const struct amounts *amounts) {
  (void)add(&shard->counts.tokens, &counting->tokens, day, fingerprint,
            column_bytes(&identity_of_nobody), amounts);
}

static struct count *add_target(struct counting *counting, struct count_shard *shard, int32_t day,
                                struct view target, const struct amounts *amounts) {
  return add(&shard->counts.targets, &counting->targets, day, target, VIEW(""), amounts);
}

/* The count at the spot may be gone, or be of another day or currency. */
static bool is_at(const struct ledger_spot *spot, const struct count_shard *shard, int32_t day,
                  enum currency currency) {
  return spot->shard == shard && spot->taken == shard->taken && spot->count->slot.day == day &&
         spot->count->slot.currency == (int32_t)currency;
}

static void add_at(struct ledger_spot *spot, struct counting *counting, struct count_shard *shard,
                   int32_t day, struct view target, const struct amounts *amounts) {
  if (is_at(spot, shard, day, amounts->saved.currency)) {
    sum(&spot->count->amounts, amounts);
    return;
  }
  struct count *count = add_target(counting, shard, day, totals_target(target), amounts);
  *spot = count ? (struct ledger_spot){shard, shard->taken, count} : (struct ledger_spot){0};
}

/* A day lasts whole seconds in every zone. Asking the zone takes a lock of the C library. */
static int32_t day_of(struct count_shard *shard, int64_t second) {
  if (second != shard->second)
    shard->day = zone_day(second * 1000);
  shard->second = second;
  return shard->day;
}

static struct counts take(struct counting *counting, struct count_shard *shard) {
  pthread_mutex_lock(&shard->lock);
  struct counts taken = shard->counts;
  shard->counts = (struct counts){0};
  shard->taken++;
  atomic_fetch_sub(&counting->tokens, (int)HASH_COUNT(taken.tokens.all));
  atomic_fetch_sub(&counting->targets, (int)HASH_COUNT(taken.targets.all));
  pthread_mutex_unlock(&shard->lock);
  return taken;
}

/* -- Counting -- */

static bool is_full(struct counting *counting) {
  return atomic_load(&counting->tokens) >= COUNT_FLUSH_AT ||
         atomic_load(&counting->targets) >= COUNT_FLUSH_AT;
}

static struct amounts amounts_of(enum ledger_free kind, struct amount saved) {
  struct amounts amounts = totals_none(saved.currency);
  amounts.hits = kind == LEDGER_HIT;
  amounts.errors = kind == LEDGER_ERROR;
  if (kind != LEDGER_ERROR)
    amounts.saved = totals_bounded(saved);
  return amounts;
}

static void count_request(struct ledger *ledger, const struct digest *token, struct view target,
                          struct ledger_spot *spot, const struct amounts *amounts) {
  struct counting *counting = &ledger->counting;
  struct count_shard *shard = &counting->shards[shard_of_thread()];
  int64_t second = clock_seconds();
  pthread_mutex_lock(&shard->lock);
  int32_t day = day_of(shard, second);
  add_token(counting, shard, day, column_bytes(token), amounts);
  add_at(spot, counting, shard, day, target, amounts);
  pthread_mutex_unlock(&shard->lock);
  /* While writing fails the timer tries often enough. */
  if (is_full(counting) && !atomic_load(&counting->flushing) && !ledger_is_broken(ledger))
    timer_wake(ledger);
}

void ledger_count(struct ledger *ledger, const struct digest *token, struct view target,
                  enum ledger_free kind, struct amount saved) {
  CHECK(ledger->keeper && !amount_is_negative(saved));
  struct ledger_spot spot = {0};
  struct amounts amounts = amounts_of(kind, saved);
  count_request(ledger, token, target, &spot, &amounts);
}

void ledger_count_hit(struct ledger *ledger, const struct digest *token, struct view target,
                      struct ledger_spot *spot, struct amount saved) {
  CHECK(ledger->keeper && !amount_is_negative(saved));
  struct amounts amounts = amounts_of(LEDGER_HIT, saved);
  count_request(ledger, token, target, spot, &amounts);
}

/* -- Writing -- */

/* An error alone adds no token to the file. */
static bool find_token(struct db *db, const struct count *count, int64_t *id, struct fault *fault) {
  struct digest fingerprint;
  memcpy(fingerprint.bytes, count->bytes.at, sizeof fingerprint.bytes);
  if (count->amounts.hits > 0)
    return identity_make(db, &fingerprint, id, fault);
  return identity_find(db, &fingerprint, id, fault) &&
         (*id || identity_make(db, &identity_of_nobody, id, fault));
}

static bool write_token(struct db *db, const struct count *count, struct fault *fault) {
  int64_t id;
  return find_token(db, count, &id, fault) &&
         totals_add_token_day(db, count->slot.day, id, &count->amounts, fault);
}

static bool is_known_target(struct db *db, const struct count *count, bool *known,
                            struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, LEDGER_SQL_FIND_TARGET_DAY,
                    DB_VALUES(DB_INT(count->slot.day), DB_TEXT(count->bytes)), &row, fault);
  *known = row;
  db_done(row);
  return ok;
}

/* An error alone adds no target either. */
static bool write_target(struct db *db, const struct count *count, struct fault *fault) {
  bool known = count->amounts.hits > 0;
  return (known || is_known_target(db, count, &known, fault)) &&
         totals_add_target_day(db, count->slot.day, known ? count->bytes : VIEW(""),
                               &count->amounts, fault);
}

static bool probe(struct db *db, struct fault *fault) {
  return db_do(db, LEDGER_SQL_PROBE, DB_VALUES(DB_INT(clock_milliseconds())), fault);
}

static bool write_counts(struct db *db, const struct counts *counts, struct fault *fault) {
  bool ok = true;
  for (struct count *count = counts->tokens.all; ok && count; count = count->hh.next)
    ok = write_token(db, count, fault);
  for (struct count *count = counts->targets.all; ok && count; count = count->hh.next)
    ok = write_target(db, count, fault);
  return ok;
}

static bool has_any(const struct flush *flush) {
  bool any = false;
  for (int i = 0; i < SHARDS; i++)
    any |= flush->counts[i].tokens.all || flush->counts[i].targets.all;
  return any;
}

/* What several threads have counted of one token or target is written as one. */
static void unite_shards(struct counts counts[SHARDS]) {
  for (int to = 0; to < SHARDS; to++)
    for (int from = to + 1; from < SHARDS; from++) {
      unite(&counts[to].tokens, &counts[from].tokens);
      unite(&counts[to].targets, &counts[from].targets);
    }
}

/* The counts are taken here, not by who gives the job: so whatever was counted before a report is in
 * the report's own flush or in one that was done before it. */
static bool flush_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct flush *flush = (struct flush *)job;
  struct counting *counting = &flush->ledger->counting;
  bool broken = ledger_is_broken(flush->ledger), ok = true;
  if (broken && !probe(db, fault))
    return false;
  for (int i = 0; i < SHARDS; i++)
    flush->counts[i] = take(counting, &counting->shards[i]);
  unite_shards(flush->counts);
  for (int i = 0; ok && i < SHARDS; i++)
    ok = write_counts(db, &flush->counts[i], fault);
  flush->wrote = broken || has_any(flush);
  return ok;
}

static void put_back(struct counting *counting, const struct counts *counts) {
  struct count_shard *shard = &counting->shards[shard_of_thread()];
  pthread_mutex_lock(&shard->lock);
  for (struct count *count = counts->tokens.all; count; count = count->hh.next)
    add_token(counting, shard, count->slot.day, count->bytes, &count->amounts);
  for (struct count *count = counts->targets.all; count; count = count->hh.next)
    (void)add_target(counting, shard, count->slot.day, count->bytes, &count->amounts);
  pthread_mutex_unlock(&shard->lock);
}

static void flush_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct flush *flush = (struct flush *)job;
  struct counting *counting = &flush->ledger->counting;
  if (!ok || flush->wrote)
    tasks_note_write(flush->ledger, ok, fault);
  for (int i = 0; i < SHARDS; i++) {
    if (!ok)
      put_back(counting, &flush->counts[i]);
    drop(&flush->counts[i].tokens);
    drop(&flush->counts[i].targets);
  }
  if (flush->by_timer)
    atomic_store(&counting->flushing, false);
  free(flush);
}

/* NULL: no memory. */
static struct flush *new_flush(struct ledger *ledger, bool by_timer) {
  struct flush *flush = calloc(1, sizeof *flush);
  if (!flush)
    return NULL;
  flush->job = (struct keeper_job){.work = flush_work, .done = flush_done};
  flush->ledger = ledger;
  flush->by_timer = by_timer;
  return flush;
}

bool count_flush(struct ledger *ledger, struct fault *fault) {
  struct flush *flush = new_flush(ledger, false);
  if (!flush)
    return fault_no_memory(fault);
  return keeper_run(ledger->keeper, &flush->job, fault);
}

void count_for_report(struct ledger *ledger) {
  if (ledger->keeper && !ledger_is_broken(ledger))
    (void)!count_flush(ledger, NULL); /* the report shows what was written */
}

void count_flush_later(struct ledger *ledger) {
  struct counting *counting = &ledger->counting;
  bool due =
      atomic_load(&counting->tokens) || atomic_load(&counting->targets) || ledger_is_broken(ledger);
  if (!due || atomic_exchange(&counting->flushing, true))
    return;
  struct flush *flush = new_flush(ledger, true);
  if (flush)
    keeper_give(ledger->keeper, &flush->job);
  else
    atomic_store(&counting->flushing, false);
}

int64_t count_drop(struct ledger *ledger) {
  int64_t requests = 0;
  for (int i = 0; i < SHARDS; i++) {
    struct count_shard *shard = &ledger->counting.shards[i];
    shard->taken++;
    drop(&shard->counts.targets);
    requests += drop(&shard->counts.tokens);
  }
  return requests;
}

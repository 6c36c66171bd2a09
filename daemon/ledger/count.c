/* Requests that spend nothing are counted in memory and written in batches.
 *
 * Memory is bounded: COUNT_MOST tokens, and as many targets, have counts of their own; further ones
 * share one count. This also bounds the chains of the map, whose hash has no key. */
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
  struct counts counts;
  bool by_timer;
  bool wrote;
};

/* -- The map -- */

static void make_key(struct key *key, struct slot slot, struct view bytes) {
  key->size = sizeof slot + bytes.length;
  memcpy(key->bytes, &slot, sizeof slot);
  if (bytes.length)
    memcpy(key->bytes + sizeof slot, bytes.at, bytes.length);
}

static struct count *new_count(struct count **map, struct slot slot, const struct key *key) {
  struct count *count = calloc(1, sizeof *count + key->size);
  if (!count)
    return NULL;
  count->slot = slot;
  count->amounts = totals_none((enum currency)slot.currency);
  memcpy(count->key, key->bytes, key->size);
  count->bytes = (struct view){count->key + sizeof slot, key->size - sizeof slot};
  HASH_ADD_KEYPTR(hh, *map, count->key, key->size, count);
  if (count->hh.tbl)
    return count;
  free(count);
  return NULL;
}

/* NULL if there is none and `make` is false, or no memory. */
static struct count *find(struct count **map, struct slot slot, struct view bytes, bool make) {
  struct key key;
  struct count *count;
  make_key(&key, slot, bytes);
  HASH_FIND(hh, *map, key.bytes, key.size, count);
  return count || !make ? count : new_count(map, slot, &key);
}

static void sum(struct amounts *to, const struct amounts *more) {
  to->hits += more->hits;
  to->errors += more->errors;
  to->saved = amount_add(to->saved, more->saved);
}

/* A request that no memory is left for is not counted: it cost nothing. */
static void add(struct count **map, int32_t day, struct view bytes, struct view rest,
                const struct amounts *amounts) {
  const struct slot slot = {day, (int32_t)amounts->saved.currency};
  bool room = HASH_COUNT(*map) < COUNT_MOST;
  struct count *count = find(map, slot, bytes, room);
  if (!count && !room)
    count = find(map, slot, rest, true);
  if (count)
    sum(&count->amounts, amounts);
}

static int64_t drop(struct count **map) {
  int64_t requests = 0;
  struct count *count, *next;
  HASH_ITER(hh, *map, count, next) {
    HASH_DELETE(hh, *map, count);
    requests += count->amounts.hits + count->amounts.errors;
    free(count);
  }
  return requests;
}

static void add_token(struct counts *counts, int32_t day, struct view fingerprint,
                      const struct amounts *amounts) {
  add(&counts->tokens, day, fingerprint, column_bytes(&identity_of_nobody), amounts);
}

static void add_target(struct counts *counts, int32_t day, struct view target,
                       const struct amounts *amounts) {
  add(&counts->targets, day, target, VIEW(""), amounts);
}

/* -- Counting -- */

static bool is_full(const struct counts *counts) {
  return HASH_COUNT(counts->tokens) >= COUNT_FLUSH_AT ||
         HASH_COUNT(counts->targets) >= COUNT_FLUSH_AT;
}

void ledger_count(struct ledger *ledger, const struct digest *token, struct view target,
                  enum ledger_free kind, struct amount saved) {
  CHECK(ledger->keeper && !amount_is_negative(saved));
  int32_t day = zone_day(clock_milliseconds());
  struct amounts amounts = totals_none(saved.currency);
  amounts.hits = kind == LEDGER_HIT;
  amounts.errors = kind == LEDGER_ERROR;
  if (kind != LEDGER_ERROR)
    amounts.saved = totals_bounded(saved);
  pthread_mutex_lock(&ledger->lock);
  add_token(&ledger->counts, day, column_bytes(token), &amounts);
  add_target(&ledger->counts, day, totals_target(target), &amounts);
  /* While writing fails the timer tries often enough. */
  bool full = is_full(&ledger->counts) && !ledger->flushing && !ledger_is_broken(ledger);
  pthread_mutex_unlock(&ledger->lock);
  if (full)
    timer_wake(ledger);
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

static bool flush_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct flush *flush = (struct flush *)job;
  bool broken = ledger_is_broken(flush->ledger);
  bool ok = !broken || probe(db, fault);
  for (struct count *count = flush->counts.tokens; ok && count; count = count->hh.next)
    ok = write_token(db, count, fault);
  for (struct count *count = flush->counts.targets; ok && count; count = count->hh.next)
    ok = write_target(db, count, fault);
  flush->wrote = broken || flush->counts.tokens || flush->counts.targets;
  return ok;
}

/* Under the lock. */
static void put_back(struct ledger *ledger, const struct counts *counts) {
  for (struct count *count = counts->tokens; count; count = count->hh.next)
    add_token(&ledger->counts, count->slot.day, count->bytes, &count->amounts);
  for (struct count *count = counts->targets; count; count = count->hh.next)
    add_target(&ledger->counts, count->slot.day, count->bytes, &count->amounts);
}

static void flush_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct flush *flush = (struct flush *)job;
  struct ledger *ledger = flush->ledger;
  if (!ok || flush->wrote)
    tasks_note_write(ledger, ok, fault);
  pthread_mutex_lock(&ledger->lock);
  if (!ok)
    put_back(ledger, &flush->counts);
  if (flush->by_timer)
    ledger->flushing = false;
  pthread_mutex_unlock(&ledger->lock);
  drop(&flush->counts.tokens);
  drop(&flush->counts.targets);
  free(flush);
}

/* Takes the counts; NULL without memory. Under the lock. */
static struct flush *new_flush(struct ledger *ledger, bool by_timer) {
  struct flush *flush = calloc(1, sizeof *flush);
  if (!flush)
    return NULL;
  flush->job = (struct keeper_job){.work = flush_work, .done = flush_done};
  flush->ledger = ledger;
  flush->by_timer = by_timer;
  flush->counts = ledger->counts;
  ledger->counts = (struct counts){0};
  return flush;
}

bool count_flush(struct ledger *ledger, struct fault *fault) {
  pthread_mutex_lock(&ledger->lock);
  struct flush *flush = new_flush(ledger, false);
  pthread_mutex_unlock(&ledger->lock);
  if (!flush)
    return fault_no_memory(fault);
  return keeper_run(ledger->keeper, &flush->job, fault);
}

void count_for_report(struct ledger *ledger) {
  if (ledger->keeper && !ledger_is_broken(ledger))
    (void)!count_flush(ledger, NULL); /* the report shows what was written */
}

void count_flush_later(struct ledger *ledger) {
  struct flush *flush = NULL;
  pthread_mutex_lock(&ledger->lock);
  bool due = ledger->counts.tokens || ledger->counts.targets || ledger_is_broken(ledger);
  if (due && !ledger->flushing)
    flush = new_flush(ledger, true);
  if (flush)
    ledger->flushing = true;
  pthread_mutex_unlock(&ledger->lock);
  if (flush)
    keeper_give(ledger->keeper, &flush->job);
}

int64_t count_drop(struct ledger *ledger) {
  drop(&ledger->counts.targets);
  return drop(&ledger->counts.tokens);
}

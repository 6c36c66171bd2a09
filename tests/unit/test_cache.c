/* The cache on real files, in a directory of its own for each test. */
#include "cache/room.h"
#include "cache/rowid.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/thread.h"
#include "db/directory.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/results.h"
#include "unit/fixture/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLENTY ((int64_t)1 << 40)
#define FOREVER INT64_MAX /* as cache.ttl */
/* The file may exceed max_size by as much as is stored in a few rounds of the sweeper. */
#define SLACK ((int64_t)(8 * MIB))

static int lock; /* on the directory, as a daemon holds it */

static int set_up(void **state) {
  struct fault fault;
  return make_directory(state) == 0 && directory_lock(directory, &lock, &fault) ? 0 : -1;
}

static int tear_down(void **state) {
  close(lock);
  return remove_directory(state);
}

/* Files. */

static int64_t size_of(const char *name) {
  struct stat status;
  return stat(path_of(name), &status) == 0 ? (int64_t)status.st_size : -1;
}

static void write_file(const char *name, const void *bytes, size_t length, off_t offset) {
  int file = open(path_of(name), O_WRONLY | O_CREAT, 0600);
  assert_true(file >= 0);
  assert_int_equal(pwrite(file, bytes, length, offset), length);
  close(file);
}

static int64_t ask(const char *sql) {
  return database_ask("cache.db", sql);
}

static bool try_to_open(int64_t max_size, struct cache **cache, struct fault *fault) {
  const struct cache_bounds bounds = {.max_size = max_size, .ttl = FOREVER};
  return cache_open(directory, &bounds, cache, fault);
}

static void set_max_size(struct cache *cache, int64_t max_size) {
  cache_set_bounds(cache, &(struct cache_bounds){.max_size = max_size, .ttl = FOREVER});
}

static struct cache *open_cache(int64_t max_size) {
  struct cache *cache = NULL;
  struct fault fault = {0};
  bool ok = try_to_open(max_size, &cache, &fault);
  if (!ok)
    print_error("%s\n", fault.text);
  assert_true(ok);
  return cache;
}

/* The tests. */

static void test_statements(void **state) {
  (void)state;
  struct db *db;
  struct fault fault;
  assert_true(db_open(path_of("x.db"), &cache_schema, DB_WRITE, &db, NULL, &fault));
  database_prepare_all("x.db", &cache_schema);
  db_close(&db);
}

static void test_round_trip(void **state) {
  (void)state;
  const size_t lengths[] = {
      0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, 128 * KIB + 1, 5 * MIB + 17};
  const int count = (int)(COUNT(lengths));
  struct cache *cache = open_cache(PLENTY);
  for (int i = 0; i < count; i++) {
    assert_true(put(cache, i, 10, lengths[i]));
    assert_true(put(cache, i + count, 11, lengths[i]));
  }
  for (int turn = 0; turn < 2; turn++) { /* the second after opening it again */
    for (int i = 0; i < count; i++) {
      assert_true(has_body(cache, i, 10, lengths[i]));
      assert_true(has_body(cache, i + count, 11, lengths[i]));
    }
    settle_sweeper(cache);
    assert_int_equal(cache_totals(cache).entries, 2 * count);
    assert_true(cache_totals(cache).bytes > (int64_t)(5 * MIB));
    cache_close(&cache);
    assert_null(cache);
    assert_int_equal(size_of("cache.db-wal"), -1);
    cache = open_cache(PLENTY);
  }
  cache_close(&cache);
  assert_int_equal(count_files("cache.db"), 1);
}

static void test_entry(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  struct order order = {.key = 1, .seed = 2, .length = 100000, .cost = {1234}, .answered_at = 1700};
  struct digest key = key_of(1);
  assert_true(put_order(cache, &order, &fault));
  struct cache_hold *hold = cache_find(cache, &key);
  assert_non_null(hold);
  const struct cache_entry *entry = cache_hold_entry(hold);
  assert_true(digest_equal(&entry->key, &key));
  assert_int_equal(entry->results, 7);
  assert_int_equal(entry->body_length, 100000);
  assert_in_range(entry->stored_bytes, 300, 100000);
  assert_int_equal(amount_rows(entry->cost).tenths, 1234);
  assert_int_equal(entry->answered_at, 1700);
  assert_int_equal(entry->hits, 0);
  assert_string_equal(entry->content_type, "application/json; charset=utf-8");
  struct view bytes;
  assert_false(cache_read(hold, -1, &bytes, &fault));
  assert_false(cache_read(hold, 2, &bytes, &fault)); /* after the end */
  assert_false(cache_read(hold, ROWID_CHUNKS_MOST, &bytes, &fault));
  assert_true(has(cache, 1)); /* none of that is damage */
  cache_release(&hold);
  cache_close(&cache);
}

/* Each hold has a view of its own, which stands until its next read. */
static void test_views(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  struct view first, again, other;
  scope_free char *body = make_body(3, 200 * KIB);
  assert_true(put(cache, 1, 3, 200 * KIB));
  struct cache_hold *hold = find(cache, 1);
  struct cache_hold *second = cache_hold_again(hold);
  assert_int_equal(cache_hold_entry(second)->body_length, 200 * KIB);
  assert_true(cache_read(hold, 0, &first, &fault) && cache_read(second, 3, &other, &fault));
  ask("DELETE FROM chunk"); /* what is in memory is not read again */
  assert_true(cache_read(hold, 0, &again, &fault));
  assert_ptr_equal(first.at, again.at);
  assert_int_equal(first.length, CACHE_CHUNK_SIZE);
  assert_memory_equal(first.at, body, CACHE_CHUNK_SIZE);
  cache_release(&hold);
  assert_null(hold);
  cache_release(&hold);
  assert_int_equal(other.length, 8 * KIB);
  assert_memory_equal(other.at, body + 3 * CACHE_CHUNK_SIZE, 8 * KIB);
  assert_false(cache_read(second, 0, &other, &fault));
  assert_false(cache_read(second, 3, &other, &fault)); /* nothing is left of it after a failure */
  cache_release(&second);
  cache_close(&cache);
}

static struct cache_validator validator_of(struct cache *cache, int number) {
  struct cache_hold *hold = find(cache, number);
  assert_non_null(hold);
  struct cache_validator validator = cache_hold_entry(hold)->validator;
  cache_release(&hold);
  return validator;
}

static bool same_validator(struct cache_validator a, struct cache_validator b) {
  return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* Each result has its own: also one of the same bytes, of the same key, and of a new file, whose
 * ids begin anew. It is known before the result is whole. */
static void test_validators(void **state) {
  (void)state;
  struct cache_validator before[2] = {0};
  for (int file = 0; file < 2; file++) {
    struct cache *cache = open_cache(PLENTY);
    struct waiter waiter = WAITER;
    struct order order = {.key = 1, .seed = 2, .length = 100};
    struct cache_writer *writer = begin(cache, &order);
    struct cache_validator early = cache_writer_validator(writer);
    scope_free char *body = make_body(2, order.length);
    append(writer, body, order.length, &waiter);
    publish(writer, &order, &waiter);
    await(&waiter, 0);
    assert_true(same_validator(early, validator_of(cache, 1)));
    assert_true(put(cache, 2, 2, 100));
    assert_false(same_validator(early, validator_of(cache, 2)));
    assert_true(put(cache, 1, 2, 100));
    assert_false(same_validator(early, validator_of(cache, 1)));
    assert_false(same_validator(early, before[0]) ||
                 same_validator(validator_of(cache, 2), before[1]));
    before[0] = early;
    before[1] = validator_of(cache, 2);
    cache_close(&cache);
    cache = open_cache(PLENTY);
    assert_true(same_validator(before[1], validator_of(cache, 2)));
    cache_close(&cache);
    assert_int_equal(unlink(path_of("cache.db")), 0);
  }
}

/* Makes the closed file one of migration `version`, with what such a file can hold. */
static void make_old(int version) {
  struct db_schema schema = cache_schema;
  struct fault fault;
  struct db *db;
  char sql[1024], new[256];
  schema.migration_count = version;
  snprintf(new, sizeof new, "%s", path_of("new.db"));
  assert_int_equal(rename(path_of("cache.db"), new), 0);
  assert_true(db_open(path_of("cache.db"), &schema, DB_WRITE, &db, NULL, &fault));
  db_close(&db);
  snprintf(sql, sizeof sql,
           "ATTACH '%s' AS new; INSERT INTO entry (id, key, state, normal, target, results,"
           " body_length, stored_bytes, cost, answered_at, hits, content_type)"
           " SELECT id, key, state, normal, target, results, body_length, stored_bytes, cost,"
           " answered_at, hits, content_type FROM new.entry;"
           "INSERT INTO chunk SELECT * FROM new.chunk",
           new);
  database_change("cache.db", sql);
}

/* A file of before there were any. */
static void test_a_file_without_validators(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  assert_true(put(cache, 1, 2, 200 * KIB) && put(cache, 2, 2, 200 * KIB));
  cache_close(&cache);
  make_old(1);
  cache = open_cache(PLENTY);
  assert_true(has_body(cache, 1, 2, 200 * KIB) && has_body(cache, 2, 2, 200 * KIB));
  assert_false(same_validator(validator_of(cache, 1), validator_of(cache, 2)));
  struct cache_hold *hold = find(cache, 1);
  assert_int_equal(cache_hold_entry(hold)->cost.currency, CURRENCY_ROWS);
  assert_int_equal(cache_hold_entry(hold)->listed, CACHE_NOT_LISTED);
  cache_release(&hold);
  cache_close(&cache);
}

static void test_visibility(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct waiter waiter = WAITER;
  struct order order = {.key = 1, .seed = 2, .length = 200 * KIB};
  scope_free char *body = make_body(2, order.length);
  struct cache_writer *writer = begin(cache, &order);
  struct cache_hold *hold = cache_writer_hold(writer);
  struct cache_hold *again = cache_hold_again(hold);
  append(writer, body, order.length, &waiter);
  await(&waiter, 0);
  assert_false(has(cache, 1));
  struct fault fault;
  assert_true(same_body(hold, 2, order.length, &fault)); /* while it is written */
  publish(writer, &order, &waiter);
  await(&waiter, 0);
  assert_int_equal(waiter.failures, 0);
  assert_true(has_body(cache, 1, 2, order.length));
  assert_true(same_body(again, 2, order.length, &fault));
  cache_release(&hold);
  cache_release(&again);
  cache_close(&cache);
}

/* A job that holds up the keeper, so that what is given meanwhile runs in one batch. */
struct hold {
  struct cache_job job;
  pthread_mutex_t lock;
};

static bool hold_work(struct cache_job *job, struct db *db, struct fault *fault) {
  (void)db, (void)fault;
  struct hold *hold = (struct hold *)job;
  pthread_mutex_lock(&hold->lock);
  pthread_mutex_unlock(&hold->lock);
  return true;
}

/* The sweeper meets a result while it is filling; when it comes back, the result is live. */
static void test_published_meanwhile(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct waiter waiter = WAITER;
  struct order order = {.key = 1, .seed = 2, .length = 200 * KIB};
  scope_free char *body = make_body(2, order.length);
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, order.length, &waiter);
  await(&waiter, 0);
  settle_sweeper(cache);
  struct hold hold = {.job.work = hold_work, .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_mutex_lock(&hold.lock);
  cache_job_give(cache, &hold.job);
  sweep_wake(cache);
  publish(writer, &order, &waiter);
  pthread_mutex_unlock(&hold.lock);
  await(&waiter, 0);
  settle_sweeper(cache);
  assert_true(has_body(cache, 1, 2, order.length));
  cache_close(&cache);
}

static void test_replace(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  assert_true(put(cache, 1, 3, 900 * KIB));
  struct cache_hold *old = find(cache, 1), *again = cache_hold_again(old);
  assert_true(put(cache, 1, 5, 300 * KIB));
  settle_sweeper(cache);
  assert_true(same_body(old, 3, 900 * KIB, &fault));
  struct cache_hold *new = find(cache, 1);
  cache_release(&old);
  settle_sweeper(cache);
  assert_true(same_body(again, 3, 900 * KIB, &fault));
  assert_true(same_body(new, 5, 300 * KIB, &fault));
  assert_int_equal(cache_totals(cache).entries, 1);
  assert_int_equal(ask("SELECT count(*) FROM entry"), 2);
  cache_release(&again); /* the last one */
  settle_sweeper(cache);
  assert_int_equal(ask("SELECT count(*) FROM entry"), 1);
  assert_int_equal(ask("SELECT count(*) FROM chunk"), 5);
  assert_true(same_body(new, 5, 300 * KIB, &fault));
  cache_release(&new);
  cache_close(&cache);
}

static void test_abandon(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct waiter waiter = WAITER;
  struct order order = {.key = 1, .seed = 3, .length = 40 * MIB};
  scope_free char *body = make_body(3, order.length);
  cache_abandon(&(struct cache_writer *){NULL});
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, order.length, &waiter);
  cache_abandon(&writer);
  assert_null(writer);
  await(&waiter, 0);
  assert_int_equal(waiter.failures, 0);
  settle_sweeper(cache);
  assert_false(has(cache, 1));
  assert_int_equal(ask("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM chunk)"), 0);
  assert_in_range(cache_totals(cache).bytes, 1, 200 * KIB);
  cache_close(&cache);
  assert_in_range(size_of("cache.db"), 1, 3 * MIB); /* the space was given back */
}

/* A body_length that is not what was appended. */
static void test_incomplete(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct waiter waiter = WAITER;
  struct order order = {.key = 1, .seed = 3, .length = 100};
  struct cache_writer *writer = begin(cache, &order);
  append(writer, "0123456789", 10, &waiter);
  publish(writer, &order, &waiter);
  await(&waiter, 0);
  assert_int_equal(waiter.failures, 1);
  assert_false(has(cache, 1));
  settle_sweeper(cache);
  assert_int_equal(ask("SELECT count(*) FROM entry"), 0);
  cache_close(&cache);
}

/* Runs in a child that ends as `how` says: 0 exits without closing, else by that signal. */
static void in_child(bool (*run)(void), int how) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bool ok = run();
    if (ok && how)
      kill(getpid(), how);
    _exit(ok ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (how)
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == how);
  else
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The waiter and the body outlive this function: the keeper goes on with them until the kill. */
static bool store_half(void) {
  static struct waiter waiter;
  static char *body;
  struct cache *cache;
  struct fault fault;
  struct order order = {.key = 2, .seed = 5, .length = 3 * MIB};
  waiter = (struct waiter)WAITER;
  body = make_body(5, order.length);
  if (!try_to_open(PLENTY, &cache, &fault) || !put(cache, 1, 3, 2 * MIB))
    return false;
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, order.length, &waiter);
  await(&waiter, 10); /* and some more may be on their way */
  return true;
}

static void test_crash(void **state) {
  (void)state;
  const int ways[] = {0, SIGKILL};
  for (int i = 0; i < 2; i++) {
    in_child(store_half, ways[i]);
    assert_true(ask("SELECT count(*) FROM entry WHERE state = 0") == 1);
    struct cache *cache = open_cache(PLENTY);
    assert_false(has(cache, 2));
    assert_true(has_body(cache, 1, 3, 2 * MIB));
    settle_sweeper(cache);
    assert_int_equal(ask("SELECT count(*) FROM entry"), 1);
    assert_int_equal(ask("SELECT count(*) FROM chunk"), 32);
    assert_true(put(cache, 2, 5, 3 * MIB));
    assert_true(has_body(cache, 2, 5, 3 * MIB));
    int64_t purged;
    struct fault fault;
    assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &purged, &fault));
    assert_int_equal(purged, 2);
    cache_close(&cache);
  }
  assert_int_equal(count_files("cache.db.damaged"), 0);
}

/* Makes room for so many results of a MiB. */
static void leave(struct cache *cache, int results, int64_t ttl) {
  const struct cache_bounds bounds = {
      .max_size = (int64_t)((size_t)results * (MIB + 40 * KIB) + 100 * KIB), .ttl = ttl};
  cache_set_bounds(cache, &bounds);
  settle_sweeper(cache);
}

static void test_eviction_order(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  /* Of one size; 1 is saved by its hits, 4 is younger than 5. */
  const int64_t rows[] = {0, 10, 20, 30, 50, 50, 70, 90};
  for (int key = 1; key <= 7; key++) {
    struct order order = {
        .key = key, .seed = 1, .length = MIB, .cost = ROWS(rows[key]), .answered_at = 100 - key};
    assert_true(put_order(cache, &order, &fault));
  }
  hit(cache, 1, 3); /* worth 40 rows now */
  assert_true(hits_write(cache, &fault));
  const int order[] = {2, 3, 1, 5, 4, 6, 7};
  for (int left = 6; left >= 0; left--) {
    leave(cache, left, FOREVER);
    assert_int_equal(cache_totals(cache).entries, left);
    for (int i = 0; i < 7; i++)
      assert_int_equal(has(cache, order[i]), i >= 7 - left);
  }
  cache_close(&cache);
}

/* Results that may only be served when upstream fails make room for fresh ones, and derived ones
 * for upstream's own. */
static void test_eviction_of_kinds(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  const int64_t now = clock_seconds();
  struct cache_hold *source = NULL;
  const struct order orders[] = {
      {.key = 1, .cost = ROWS(900), .answered_at = now - 4000},
      {.key = 2, .cost = ROWS(800), .answered_at = now - 5000},
      {.key = 3, .cost = ROWS(20), .answered_at = now - 100},
      {.key = 4, .cost = ROWS(10), .answered_at = now - 200},
      {.key = 5, .cost = ROWS(700), .answered_at = now - 100},
  };
  for (size_t i = 0; i < COUNT(orders); i++) {
    struct order order = orders[i];
    order.length = MIB;
    order.seed = 1;
    order.source = order.key == 5 ? source : NULL;
    assert_true(put_order(cache, &order, &fault));
    if (order.key == 3)
      source = find(cache, 3);
  }
  cache_release(&source);
  hit(cache, 1, 5);
  assert_true(hits_write(cache, &fault));
  const int order[] = {2, 1, 5, 4, 3};
  for (int left = 4; left >= 0; left--) {
    leave(cache, left, 3600);
    assert_int_equal(cache_totals(cache).entries, left);
    for (int i = 0; i < 5; i++)
      assert_int_equal(has(cache, order[i]), i >= 5 - left);
  }
  cache_close(&cache);
}

/* The inflation goes on where it was: what saved something before the restart is not for ever
 * above what is stored after it. */
static void test_eviction_after_a_restart(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  struct order order = {.seed = 1, .length = MIB, .cost = ROWS(10)};
  for (order.key = 1; order.key <= 3; order.key++)
    assert_true(put_order(cache, &order, &fault));
  hit(cache, 2, 1);
  hit(cache, 3, 2);
  assert_true(hits_write(cache, &fault));
  leave(cache, 2, FOREVER); /* evicts 1, of 10 rows; 2 ranks at 20 and 3 at 30 */
  leave(cache, 1, FOREVER); /* evicts 2 */
  assert_true(has(cache, 3));
  cache_close(&cache);
  cache = open_cache(PLENTY);
  order.key = 4; /* ranks at 30 and 10 */
  assert_true(put_order(cache, &order, &fault));
  leave(cache, 1, FOREVER);
  assert_true(has(cache, 4) && !has(cache, 3));
  cache_close(&cache);
}

/* Another process reads an old state: the -wal cannot be begun anew. It has a bound, is told as
 * bytes on disk, and what is asked for is done all the same. */
static void test_a_held_wal(void **state) {
  (void)state;
  struct cache *cache = open_cache((int64_t)(8 * MIB));
  struct fault fault = {0};
  struct order order = {.seed = 3, .length = MIB, .cost = ROWS(10)};
  sqlite3 *other;
  int64_t purged;
  assert_true(put(cache, 100, 1, KIB));
  assert_int_equal(sqlite3_open(path_of("cache.db"), &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM entry", NULL, NULL, NULL),
                   SQLITE_OK);
  for (order.key = 0; order.key < 80 && put_order(cache, &order, &fault); order.key++)
    ;
  assert_in_range(order.key, 16, 60);
  if (!strstr(fault.text, "nothing is stored"))
    fail_msg("%s", fault.text);
  int64_t wal = size_of("cache.db-wal");
  /* The size is seen when a batch has been committed: the last one may begin below the limit. */
  assert_in_range(wal, WAL_MOST_AT_LEAST,
                  WAL_MOST_AT_LEAST + KEEPER_BATCH * (int64_t)CACHE_CHUNK_SIZE);
  assert_true(cache_totals(cache).bytes >= wal);
  for (int i = 0; i < 30; i++)
    assert_false(put_order(cache, &order, &fault));
  assert_true(size_of("cache.db-wal") <= wal + (int64_t)MIB);
  assert_true(has_body(cache, order.key - 1, 3, MIB));
  assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &purged, &fault));
  assert_true(purged > 0);
  assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(other);
  assert_true(put_order(cache, &order, &fault)); /* it is seen at once */
  settle_sweeper(cache);
  assert_true(size_of("cache.db-wal") <= SLACK);
  assert_true(cache_totals(cache).bytes <= (int64_t)(8 * MIB));
  cache_close(&cache);
}

/* Its `done` comes after those of the chunks before it: until then their bytes are read. */
static void test_spoiled(void **state) {
  (void)state;
  struct cache *cache = open_cache((int64_t)(8 * MIB));
  struct order order = {.key = 5, .seed = 5, .length = 3 * CACHE_CHUNK_SIZE, .cost = ROWS(10)};
  scope_free char *body = make_body(order.seed, order.length);
  struct waiter stored = WAITER, spoiled = WAITER, ended = WAITER;
  struct fault why;
  fault_set(&why, FAULT_UPSTREAM, "it must not be stored");
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, 2 * CACHE_CHUNK_SIZE, &stored);
  expect(&spoiled);
  cache_spoil(writer, &why, on_done, &spoiled);
  await(&spoiled, 0);
  assert_string_equal(spoiled.fault.text, "it must not be stored");
  await(&stored, 0);
  assert_int_equal(stored.failures, 0);
  append(writer, body + 2 * CACHE_CHUNK_SIZE, CACHE_CHUNK_SIZE, &ended);
  publish(writer, &order, &ended);
  await(&ended, 0);
  assert_int_equal(ended.failures, 2);
  assert_string_equal(ended.fault.text, "it must not be stored");
  assert_false(has(cache, order.key));
  settle_sweeper(cache);
  cache_close(&cache);
}

static void test_max_size(void **state) {
  (void)state;
  const int64_t max_size = 6 * MIB;
  struct cache *cache = open_cache(max_size);
  int64_t greatest = 0;
  for (int key = 0; key < 60; key++) {
    assert_true(put(cache, key, (uint64_t)key | 1, 700 * KIB));
    int64_t size = size_of("cache.db");
    greatest = size > greatest ? size : greatest;
  }
  settle_sweeper(cache);
  assert_true(cache_totals(cache).bytes <= max_size);
  assert_true(cache_totals(cache).bytes > max_size - (int64_t)(2 * MIB)); /* nor far below */
  assert_true(greatest <= max_size + SLACK);
  assert_true(size_of("cache.db-wal") <= SLACK);
  cache_close(&cache);
  assert_true(size_of("cache.db") <= max_size + SLACK);
  cache = open_cache((int64_t)(2 * MIB)); /* smaller now */
  settle_sweeper(cache);
  assert_true(cache_totals(cache).bytes <= (int64_t)(2 * MIB));
  cache_close(&cache);
}

/* While one great result is written others make room for it. */
static void test_room_while_filling(void **state) {
  (void)state;
  const int64_t max_size = 20 * MIB;
  struct cache *cache = open_cache(max_size);
  for (int key = 0; key < 18; key++)
    assert_true(put(cache, key, 1, MIB));
  struct order order = {.key = 99, .seed = 3, .length = 18 * MIB};
  struct waiter waiter = WAITER;
  scope_free char *body = make_body(3, order.length);
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, order.length, &waiter);
  await(&waiter, 0);
  settle_sweeper(cache);
  assert_true(cache_totals(cache).bytes <= max_size);
  assert_true(size_of("cache.db") <= max_size + SLACK);
  publish(writer, &order, &waiter);
  await(&waiter, 0);
  assert_int_equal(waiter.failures, 0);
  assert_true(has_body(cache, 99, 3, order.length));
  cache_close(&cache);
}

static void test_too_large(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache((int64_t)(4 * MIB));
  assert_true(put(cache, 1, 1, MIB));
  struct order order = {.key = 2, .seed = 3, .length = 5 * MIB};
  assert_false(put_order(cache, &order, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  assert_non_null(strstr(fault.text, "larger than cache.max_size"));
  settle_sweeper(cache);
  assert_false(has(cache, 2));
  assert_int_equal(ask("SELECT count(*) FROM entry"), cache_totals(cache).entries);
  assert_true(put(cache, 3, 5, MIB));
  assert_true(has_body(cache, 3, 5, MIB));
  cache_close(&cache);
}

/* Two that do not fit together: one gives up, the other is stored. */
static void test_crowded(void **state) {
  (void)state;
  struct cache *cache = open_cache((int64_t)(8 * MIB));
  struct order orders[2] = {{.key = 1, .seed = 3, .length = 6 * MIB},
                            {.key = 2, .seed = 5, .length = 6 * MIB}};
  struct waiter waiters[2] = {WAITER, WAITER};
  struct cache_writer *writers[2];
  char *bodies[2];
  for (int i = 0; i < 2; i++) {
    bodies[i] = make_body(orders[i].seed, orders[i].length);
    writers[i] = begin(cache, &orders[i]);
  }
  for (size_t at = 0; at < 6 * MIB; at += MIB)
    for (int i = 0; i < 2; i++) {
      append(writers[i], bodies[i] + at, MIB, &waiters[i]);
      await(&waiters[i], 0);
      settle_sweeper(cache);
    }
  for (int i = 0; i < 2; i++) {
    publish(writers[i], &orders[i], &waiters[i]);
    await(&waiters[i], 0);
    free(bodies[i]);
  }
  assert_true((waiters[0].failures == 0) != (waiters[1].failures == 0));
  int stored = waiters[0].failures ? 1 : 0;
  assert_true(has_body(cache, orders[stored].key, orders[stored].seed, 6 * MIB));
  assert_false(has(cache, orders[!stored].key));
  cache_close(&cache);
}

/* Entries that are condemned but pinned do not drive out all others. */
static void test_pinned_bytes(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache((int64_t)(8 * MIB));
  assert_true(put(cache, 1, 3, 5 * MIB));
  struct cache_hold *old = find(cache, 1);
  assert_true(put(cache, 1, 5, MIB)); /* 5 MiB condemned */
  for (int i = 2; i < 6; i++)
    assert_true(put(cache, i, 7, MIB));
  settle_sweeper(cache);
  assert_int_equal(cache_totals(cache).entries, 5); /* 10 MiB in the file */
  assert_true(same_body(old, 3, 5 * MIB, &fault));
  cache_release(&old);
  settle_sweeper(cache);
  assert_int_equal(cache_totals(cache).entries, 5);
  assert_true(cache_totals(cache).bytes < (int64_t)(6 * MIB));
  cache_close(&cache);
}

static void test_hits(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  assert_true(put(cache, 1, 2, 10));
  hit(cache, 1, 700);
  struct cache_hold *gone = find(cache, 1);
  assert_true(put(cache, 1, 2, 10));
  hit(cache, 1, 300);
  cache_count_hit(gone, cache_hold_entry(gone)->cost); /* no matter */
  cache_release(&gone);
  cache_close(&cache);
  assert_int_equal(ask("SELECT hits FROM entry WHERE state = 1"), 300);
}

#define HITTERS 20 /* more than there are shards */
#define RESULTS 7
#define ROUNDS 500

static void *hit_all(void *cache) {
  for (int round = 0; round < ROUNDS; round++)
    for (int key = 1; key <= RESULTS; key++)
      hit(cache, key, 1);
  return NULL;
}

static void test_no_hit_of_many_threads_is_lost(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  pthread_t threads[HITTERS];
  for (int key = 1; key <= RESULTS; key++)
    assert_true(put(cache, key, 2, 10));
  for (int i = 0; i < HITTERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hit_all, cache), 0);
  for (int i = 0; i < 50; i++) { /* meanwhile they are written */
    assert_true(hits_write(cache, NULL));
    hits_flush(cache);
  }
  for (int i = 0; i < HITTERS; i++)
    pthread_join(threads[i], NULL);
  cache_close(&cache);
  assert_int_equal(ask("SELECT min(hits) FROM entry"), HITTERS * ROUNDS);
  assert_int_equal(ask("SELECT max(hits) FROM entry"), HITTERS * ROUNDS);
  assert_int_equal(ask("SELECT sum(saved) FROM entry"), RESULTS * HITTERS * ROUNDS * 100);
}

/* Hits on more results than a thread keeps are written, as is the first batch. */
static void test_hits_do_not_pile_up(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  assert_true(put(cache, 1, 2, 10));
  hit(cache, 1, 1000);
  while (ask("SELECT hits FROM entry") == 0)
    usleep(1000);
  for (int64_t id = 1; id <= 5000; id++)
    hits_count(cache, id, amount_of_rows(ROWS(1)));
  while (ask("SELECT saved FROM entry") < (1000 * 10 + 1) * 10) {
    usleep(1000);
    hits_count(cache, 1, amount_of_rows(ROWS(0))); /* the first batch may have ended only now */
  }
  cache_close(&cache);
}

/* Writes the hits, and reads what they have saved. */
static struct amount saved_by(struct cache *cache, int key) {
  struct fault fault;
  assert_true(hits_write(cache, &fault));
  struct cache_hold *hold = find(cache, key);
  struct amount saved = cache_hold_entry(hold)->saved;
  cache_release(&hold);
  return saved;
}

static void test_units(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  struct order order = {.key = 1, .length = 10, .units = {4200}, .listed = 5250};
  assert_true(put_order(cache, &order, &fault));
  cache_close(&cache);
  cache = open_cache(PLENTY);
  struct cache_hold *hold = find(cache, 1);
  assert_string_equal(AMOUNT_TEXT(cache_hold_entry(hold)->cost), "4200");
  assert_int_equal(cache_hold_entry(hold)->listed, 5250);
  cache_release(&hold);
  hit(cache, 1, 2);
  assert_string_equal(AMOUNT_TEXT(saved_by(cache, 1)), "8400");
  cache_close(&cache);
}

/* upstream.api was changed: what was paid in rows is hit under v3, and a copy of it is priced in
 * units. */
static void test_hits_of_another_currency(void **state) {
  (void)state;
  struct fault fault;
  struct cache *cache = open_cache(PLENTY);
  assert_true(put(cache, 1, 2, 10));
  struct cache_hold *hold = find(cache, 1);
  struct order copy = {.key = 2, .length = 10, .units = {50}, .source = hold};
  assert_true(put_order(cache, &copy, &fault));
  hit(cache, 1, 1);
  cache_count_hit(hold, amount_of_units((struct units){70}));
  hit(cache, 2, 3);
  assert_string_equal(AMOUNT_TEXT(saved_by(cache, 1)), "10.0");
  assert_string_equal(AMOUNT_TEXT(saved_by(cache, 2)), "150");
  cache_release(&hold);
  cache_close(&cache);
  assert_int_equal(ask("SELECT hits FROM entry WHERE currency = 0"), 5);
}

/* Derived results. */

/* Stores upstream's own answer, of one condition. */
static void put_own(struct cache *cache, int key, int subject) {
  struct fault fault;
  struct order order = {.key = key, .subject = subject, .conditions = 1, .length = 100};
  order.cost = ROWS(50);
  assert_true(put_order(cache, &order, &fault));
}

static struct order derived_order(int key, int subject, const struct cache_hold *source) {
  return (struct order){
      .key = key, .subject = subject, .source = source, .length = 100, .cost = ROWS(20)};
}

/* Stores what is computed from the result of `from`. */
static void put_derived(struct cache *cache, int key, int subject, int from) {
  struct fault fault;
  struct cache_hold *source = find(cache, from);
  assert_non_null(source);
  struct order order = derived_order(key, subject, source);
  assert_true(put_order(cache, &order, &fault));
  cache_release(&source);
}

static bool is_derived(struct cache *cache, int key) {
  struct cache_hold *hold = find(cache, key);
  assert_non_null(hold);
  bool derived = cache_hold_entry(hold)->is_derived;
  cache_release(&hold);
  return derived;
}

static int64_t purge(struct cache *cache, enum cache_purge what, const char *text, int64_t before) {
  struct fault fault;
  int64_t count;
  bool ok = cache_purge(cache, what, view_of(text), before, &count, &fault);
  return ok ? count : -(int64_t)fault.kind;
}

static int64_t purge_key(struct cache *cache, int key) {
  struct digest digest = key_of(key);
  return purge(cache, CACHE_PURGE_KEY, DIGEST_TEXT(&digest), 0);
}

struct sources {
  char keys[40];
  bool wrong;
};

static void on_source(void *context, const struct cache_entry *entry, struct view normal,
                      struct view target) {
  struct sources *sources = context;
  size_t length = strlen(sources->keys);
  int key = 0;
  for (struct digest digest = key_of(0); !digest_equal(&digest, &entry->key) && key < 99;)
    digest = key_of(++key);
  snprintf(sources->keys + length, sizeof sources->keys - length, length ? " %d" : "%d", key);
  sources->wrong |= entry->is_derived || !view_is(normal, "from=backlinks&mode=domain") ||
                    !view_is(target, "a.example");
}

/* The keys of a subject's sources, in their order. */
static struct sources sources_of(struct cache *cache, int subject, int64_t since, int64_t until,
                                 int64_t limit) {
  struct sources sources = {0};
  struct fault fault;
  struct digest digest = key_of(subject);
  assert_true(cache_sources(cache, &digest, since, until, limit, on_source, &sources, &fault));
  assert_false(sources.wrong);
  return sources;
}

static void test_sources(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  const struct order orders[] = {
      {.key = 1, .subject = 70, .conditions = 2, .length = 10, .answered_at = 100},
      {.key = 2, .subject = 70, .conditions = 0, .length = 900, .answered_at = 110},
      {.key = 3, .subject = 70, .conditions = 0, .length = 800, .answered_at = 120},
      {.key = 4, .subject = 71, .conditions = 0, .length = 10, .answered_at = 130},
      {.key = 5, .subject = 0, .conditions = 0, .length = 10, .answered_at = 140},
      {.key = 6, .subject = 70, .conditions = 1, .length = 10, .answered_at = 150},
  };
  for (size_t i = 0; i < COUNT(orders); i++)
    assert_true(put_order(cache, &orders[i], &fault));
  put_derived(cache, 7, 70, 3);
  assert_string_equal(sources_of(cache, 70, 0, 1000, 10).keys, "2 3 6 1");
  assert_string_equal(sources_of(cache, 70, 0, 1000, 2).keys, "2 3");
  assert_string_equal(sources_of(cache, 70, 0, 1000, -1).keys, "");
  assert_string_equal(sources_of(cache, 70, 110, 120, 10).keys, "2 3");
  assert_string_equal(sources_of(cache, 70, 121, 1000, 10).keys, "6");
  assert_string_equal(sources_of(cache, 71, 0, 1000, 10).keys, "4");
  assert_string_equal(sources_of(cache, 72, 0, 1000, 10).keys, "");
  assert_string_equal(sources_of(cache, 0, 0, 1000, 10).keys, "");
  put_own(cache, 3, 70); /* replaced, by one of a condition */
  assert_int_equal(purge_key(cache, 1), 1);
  assert_string_equal(sources_of(cache, 70, 0, 1000, 10).keys, "2 3 6");
  cache_close(&cache);
}

/* No statement that a miss, a publication or a purge of a key runs looks at all results. */
static void test_sources_are_looked_up(void **state) {
  (void)state;
  static const struct {
    int statement;
    const char *index;
  } plans[] = {
      {CACHE_SQL_LIST_SOURCES, "entry_sources"},
      {CACHE_SQL_CONDEMN_COPIES, "entry_copies"},
      {CACHE_SQL_PURGE_COPIES_OF_KEYS, "entry_copies_of"},
      {CACHE_SQL_COPY_IS_WANTED, "entry_key"},
  };
  struct cache *cache = open_cache(PLENTY);
  cache_close(&cache);
  for (size_t i = 0; i < COUNT(plans); i++) {
    char plan[600];
    database_plan("cache.db", cache_schema.statements[plans[i].statement], plan, sizeof plan);
    if (!strstr(plan, plans[i].index) || strstr(plan, "SCAN") || strstr(plan, "TEMP B-TREE"))
      fail_msg("%s", plan);
  }
}

/* A derived result is found like any other, also after a restart. */
static void test_derived(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_derived(cache, 2, 70, 1);
  for (int turn = 0; turn < 2; turn++) {
    assert_false(is_derived(cache, 1));
    assert_true(is_derived(cache, 2));
    assert_true(has_body(cache, 2, 0, 100));
    assert_int_equal(cache_totals(cache).entries, 2);
    cache_close(&cache);
    cache = open_cache(PLENTY);
  }
  put_derived(cache, 2, 70, 1); /* replaces its like */
  assert_int_equal(cache_totals(cache).entries, 2);
  assert_int_equal(purge_key(cache, 2), 1);
  assert_true(has(cache, 1));
  cache_close(&cache);
}

/* An answer of upstream's about the subject makes all copies of it older than what is known. */
static void test_a_new_answer_removes_copies(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_own(cache, 11, 71);
  put_derived(cache, 2, 70, 1);
  put_derived(cache, 3, 70, 1);
  put_derived(cache, 12, 71, 11);
  put_own(cache, 5, 0); /* of no subject */
  assert_int_equal(cache_totals(cache).entries, 6);
  put_own(cache, 4, 70);
  assert_true(has(cache, 1) && has(cache, 4) && !has(cache, 2) && !has(cache, 3));
  assert_true(has(cache, 11) && has(cache, 12) && has(cache, 5));
  assert_int_equal(cache_totals(cache).entries, 5);
  put_derived(cache, 2, 70, 1);
  put_own(cache, 2, 70); /* under the key of the copy */
  assert_false(is_derived(cache, 2));
  assert_int_equal(cache_totals(cache).entries, 6);
  cache_close(&cache);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE state = 1"), 6);
}

static void test_a_copy_replaces_no_own_answer(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_own(cache, 2, 70);
  put_derived(cache, 2, 70, 1); /* discarded; nobody is told */
  assert_false(is_derived(cache, 2));
  settle_sweeper(cache);
  assert_int_equal(cache_totals(cache).entries, 2);
  assert_int_equal(ask("SELECT count(*) FROM entry"), 2);
  cache_close(&cache);
}

static void purge_everything(struct cache *cache) {
  assert_int_equal(purge(cache, CACHE_PURGE_ALL, "", 0), 1);
}

static void purge_the_source(struct cache *cache) {
  assert_int_equal(purge_key(cache, 1), 1);
}

static void replace_the_source(struct cache *cache) {
  put_own(cache, 1, 70);
}

static void evict_the_source(struct cache *cache) {
  set_max_size(cache, (int64_t)(10 * KIB));
  settle_sweeper(cache);
  set_max_size(cache, PLENTY);
  settle_sweeper(cache);
}

/* While a copy is computed its source goes. */
static void test_a_copy_comes_too_late(void **state) {
  (void)state;
  void (*const events[])(struct cache *) = {purge_everything, purge_the_source, replace_the_source,
                                            evict_the_source};
  for (size_t i = 0; i < COUNT(events); i++) {
    struct cache *cache = open_cache(PLENTY);
    struct waiter waiter = WAITER;
    put_own(cache, 1, 70);
    struct cache_hold *source = find(cache, 1);
    struct order order = derived_order(2, 70, source);
    scope_free char *body = make_body(order.seed, order.length);
    struct cache_writer *writer = begin(cache, &order);
    append(writer, body, order.length, &waiter);
    await(&waiter, 0);
    events[i](cache);
    publish(writer, &order, &waiter);
    await(&waiter, 0);
    assert_int_equal(waiter.failures, 0); /* nobody is told */
    assert_false(has(cache, 2));
    cache_release(&source);
    settle_sweeper(cache);
    assert_int_equal(ask("SELECT count(*) FROM entry"), cache_totals(cache).entries);
    cache_close(&cache);
    unlink(path_of("cache.db"));
  }
}

/* A source may be released as soon as the copy is begun; a copy of a copy has the same source. */
static void test_a_copy_of_a_copy(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_derived(cache, 2, 70, 1);
  put_derived(cache, 3, 70, 2);
  assert_int_equal(purge_key(cache, 2), 1);
  assert_true(is_derived(cache, 3));
  assert_int_equal(purge_key(cache, 1), 2);
  assert_int_equal(cache_totals(cache).entries, 0);
  cache_close(&cache);
}

static void test_purge_of_a_source(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_own(cache, 2, 70);
  put_derived(cache, 3, 70, 1);
  put_derived(cache, 4, 70, 2);
  assert_int_equal(purge_key(cache, 1), 2);
  assert_true(!has(cache, 1) && has(cache, 2) && !has(cache, 3) && has(cache, 4));
  assert_int_equal(purge(cache, CACHE_PURGE_TARGET, "a.example", 0), 2);
  put_own(cache, 1, 70);
  put_derived(cache, 3, 70, 1);
  assert_int_equal(purge(cache, CACHE_PURGE_OLDER_THAN, "", 1), 2);
  assert_int_equal(cache_totals(cache).entries, 0);
  cache_close(&cache);
}

static void test_hits_of_copies(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);        /* of 50 rows */
  put_derived(cache, 2, 70, 1); /* would have cost 20 */
  hit(cache, 1, 2);
  hit(cache, 2, 3);
  struct cache_hold *source = find(cache, 1);
  cache_count_hit(source, amount_of_rows(ROWS(7))); /* one more answer is derived */
  cache_release(&source);
  cache_close(&cache);
  assert_int_equal(ask("SELECT hits FROM entry WHERE source IS NULL"), 6);
  assert_int_equal(ask("SELECT saved FROM entry WHERE source IS NULL"), (2 * 50 + 3 * 20 + 7) * 10);
  assert_int_equal(ask("SELECT hits FROM entry WHERE source IS NOT NULL"), 3);
  assert_int_equal(ask("SELECT saved FROM entry WHERE source IS NOT NULL"), 3 * 20 * 10);
}

/* What was stored before is no source, and has saved its cost with each hit. */
static void test_a_file_without_subjects(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_own(cache, 1, 70);
  put_own(cache, 2, 70);
  hit(cache, 1, 3);
  cache_close(&cache);
  make_old(3);
  ask("UPDATE entry SET validator = randomblob(16)");
  ask("UPDATE entry SET cost = 1 << 62, hits = 1 << 62 WHERE hits = 0");
  cache = open_cache(PLENTY);
  assert_true(has(cache, 1) && has(cache, 2));
  assert_false(is_derived(cache, 1));
  assert_string_equal(sources_of(cache, 70, 0, 1000, 10).keys, "");
  put_own(cache, 3, 70);
  assert_string_equal(sources_of(cache, 70, 0, 1000, 10).keys, "3");
  cache_close(&cache);
  assert_int_equal(ask("SELECT saved FROM entry WHERE hits = 3"), 1500);
  assert_true(ask("SELECT saved FROM entry WHERE hits > 3") == INT64_MAX);
}

/* Listing and purging. */

struct listed {
  int count;
  int64_t ids[16];
  int64_t hits;
};

static void on_row(void *context, const struct cache_entry *entry, struct view normal,
                   struct view target) {
  struct listed *listed = context;
  assert_true(view_is(normal, "from=backlinks&mode=domain"));
  assert_true(view_is(target, "a.example") || view_is(target, "b.example"));
  assert_in_range(listed->count, 0, 15);
  listed->ids[listed->count++] = entry->answered_at;
  listed->hits += entry->hits;
}

static void put_some(struct cache *cache) {
  struct fault fault;
  for (int key = 1; key <= 6; key++) {
    struct order order = {.key = key,
                          .seed = 1,
                          .length = 300 * KIB,
                          .cost = ROWS(1),
                          .answered_at = key * 10,
                          .target = key % 2 ? "a.example" : "b.example"};
    assert_true(put_order(cache, &order, &fault));
  }
}

static void test_list(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  struct listed listed = {0};
  put_some(cache);
  struct digest key = key_of(4);
  hit(cache, 4, 1);
  assert_true(cache_list(cache, 4, on_row, &listed, &fault));
  assert_int_equal(listed.count, 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(listed.ids[i], 60 - 10 * i);
  assert_int_equal(listed.hits, 1);
  listed = (struct listed){0};
  assert_true(
      cache_show(cache, view_first(view_of(DIGEST_TEXT(&key)), 7), on_row, &listed, &fault));
  assert_int_equal(listed.count, 1);
  assert_int_equal(listed.ids[0], 40);
  assert_true(cache_show(cache, view_of(DIGEST_TEXT(&key)), on_row, &listed, &fault));
  assert_int_equal(listed.count, 2);
  assert_true(cache_show(cache, VIEW("0000"), on_row, &listed, &fault));
  assert_int_equal(listed.count, 2);
  const char *wrong[] = {
      "",      "abc",  "abcg",
      "abcd ", "-123", "00000000000000000000000000000000000000000000000000000000000000000"};
  for (size_t i = 0; i < COUNT(wrong); i++) {
    assert_false(cache_show(cache, view_of(wrong[i]), on_row, &listed, &fault));
    assert_int_equal(fault.kind, FAULT_MALFORMED);
  }
  cache_close(&cache);
}

static void test_purge(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  put_some(cache);
  assert_int_equal(purge(cache, CACHE_PURGE_OLDER_THAN, "", 20), 1);
  assert_false(has(cache, 1));
  assert_true(has(cache, 2));
  assert_int_equal(purge(cache, CACHE_PURGE_TARGET, "b.example", 0), 3);
  assert_int_equal(purge(cache, CACHE_PURGE_TARGET, "b.example", 0), 0);
  struct digest key = key_of(3);
  assert_int_equal(purge(cache, CACHE_PURGE_KEY, DIGEST_TEXT(&key), 0), 1);
  assert_int_equal(purge(cache, CACHE_PURGE_KEY, "0000", 0), 0);
  assert_int_equal(purge(cache, CACHE_PURGE_KEY, "000", 0), -FAULT_MALFORMED);
  assert_int_equal(cache_totals(cache).entries, 1);
  assert_true(has(cache, 5));
  assert_int_equal(purge(cache, CACHE_PURGE_ALL, "", 0), 1);
  settle_sweeper(cache);
  assert_int_equal(cache_totals(cache).entries, 0);
  assert_int_equal(ask("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM chunk)"), 0);
  cache_close(&cache);
}

/* The clock was ahead when it was stored. How old it is nobody knows, so it may be older than
 * asked. */
static void test_purge_of_the_future(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  const int64_t now = clock_seconds(), years = INT64_C(315360000);
  const int64_t times[] = {now - 100, now, now + years};
  for (int i = 0; i < 3; i++)
    assert_true(put_order(cache,
                          &(struct order){.key = i + 1,
                                          .seed = 1,
                                          .length = 10,
                                          .cost = ROWS(1),
                                          .answered_at = times[i],
                                          .target = "a.example"},
                          &fault));
  assert_int_equal(purge(cache, CACHE_PURGE_OLDER_THAN, "", now - 3600), 1);
  assert_true(has(cache, 1) && has(cache, 2) && !has(cache, 3));
  cache_close(&cache);
}

static void test_ambiguous(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  for (int i = 0; i < 3; i++) {
    struct cache_writer *writer;
    struct fault fault;
    struct waiter waiter = WAITER;
    struct cache_subject subject = {.key = {{0xab, 0xcd, 0xe0, (uint8_t)i}}};
    assert_true(cache_begin(cache, &subject, &writer, &fault));
    publish(writer, &(struct order){0}, &waiter);
    await(&waiter, 0);
  }
  struct fault fault;
  int64_t count;
  assert_false(cache_purge(cache, CACHE_PURGE_KEY, VIEW("abcde"), 0, &count, &fault));
  assert_int_equal(fault.kind, FAULT_MALFORMED);
  assert_non_null(strstr(fault.text, "3 keys"));
  assert_int_equal(purge(cache, CACHE_PURGE_KEY, "ABCDE002", 0), 1);
  assert_int_equal(cache_totals(cache).entries, 2);
  cache_close(&cache);
}

/* Files that are not what they should be. */

static void test_not_a_database(void **state) {
  (void)state;
  char noise[10000];
  scope_free char *body = make_body(1, sizeof noise);
  memcpy(noise, body, sizeof noise);
  write_file("cache.db", noise, sizeof noise, 0);
  struct cache *cache = open_cache(PLENTY);
  assert_int_equal(count_files("cache.db.damaged-"), 1);
  assert_true(put(cache, 1, 2, MIB));
  assert_true(has_body(cache, 1, 2, MIB));
  cache_close(&cache);
  write_file("cache.db", noise, 5000, 20); /* a second one, at the same time */
  cache = open_cache(PLENTY);
  assert_int_equal(count_files("cache.db.damaged-"), 2);
  cache_close(&cache);
}

static void test_truncated(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  assert_true(put(cache, 1, 3, 3 * MIB));
  cache_close(&cache);
  assert_int_equal(truncate(path_of("cache.db"), size_of("cache.db") / 2), 0);
  cache = open_cache(PLENTY);
  assert_int_equal(count_files("cache.db.damaged-"), 1);
  assert_false(has(cache, 1));
  cache_close(&cache);
  assert_int_equal(truncate(path_of("cache.db"), 0), 0); /* this is simply a new one */
  cache = open_cache(PLENTY);
  assert_int_equal(count_files("cache.db.damaged-"), 1);
  assert_true(put(cache, 1, 3, MIB));
  cache_close(&cache);
}

static void ignore_row(void *context, const struct cache_entry *entry, struct view normal,
                       struct view target) {
  (void)entry, (void)normal, (void)target;
  ++*(int *)context;
}

/* A damaged file breaks nothing, and no bytes are read that were not stored. */
static void use_everything(struct cache *cache) {
  struct fault fault;
  int64_t count;
  int rows = 0;
  for (int i = 1; i <= 8; i++) {
    struct cache_hold *hold = find(cache, i);
    if (!hold)
      continue;
    if (!same_body(hold, (uint64_t)i, 150 * KIB, &fault))
      assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
    cache_count_hit(hold, cache_hold_entry(hold)->cost);
    cache_release(&hold);
  }
  (void)!cache_list(cache, 100, ignore_row, &rows, &fault);
  (void)!put(cache, 2, 2, 150 * KIB);
  (void)!cache_purge(cache, CACHE_PURGE_TARGET, VIEW("b.example"), 0, &count, &fault);
  (void)!put(cache, 9, 9, 150 * KIB);
}

/* Flips bytes in a file that is closed, or in one that is in use. */
static void flip(uint64_t *random, int count) {
  int file = open(path_of("cache.db"), O_RDWR);
  off_t size = lseek(file, 0, SEEK_END);
  for (int i = 0; i < count; i++) {
    char byte;
    off_t at = (off_t)(next_random(random) % (uint64_t)size);
    assert_int_equal(pread(file, &byte, 1, at), 1);
    byte = (char)(byte ^ (1 << next_random(random) % 8));
    assert_int_equal(pwrite(file, &byte, 1, at), 1);
  }
  close(file);
}

static void test_flipped_bytes(void **state) {
  (void)state;
  uint64_t random = 42;
  for (int turn = 0; turn < 40; turn++) {
    struct cache *cache = open_cache(PLENTY);
    for (int i = 1; i <= 8; i++)
      (void)!put(cache, i, (uint64_t)i, 150 * KIB);
    cache_close(&cache);
    bool in_use = turn % 2;
    if (in_use)
      cache = open_cache(PLENTY);
    flip(&random, 1 << turn % 7);
    struct fault fault;
    if (in_use || try_to_open(PLENTY, &cache, &fault)) {
      use_everything(cache);
      cache_close(&cache);
    } else
      assert_non_null(strstr(fault.text, "cache.db")); /* another program's, by its header */
    unlink(path_of("cache.db"));
    unlink(path_of("cache.db-wal"));
    unlink(path_of("cache.db-shm"));
  }
}

static void test_damaged_chunk(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  const char *damages[] = {
      "UPDATE chunk SET data = zeroblob(100) WHERE id & 0xffffff = 1",
      "UPDATE chunk SET data = zeroblob(100000) WHERE id & 0xffffff = 1",
      "UPDATE chunk SET data = (SELECT data FROM chunk WHERE id & 0xffffff = 2)"
      " WHERE id & 0xffffff = 1", /* a whole frame, of another length */
      "UPDATE chunk SET raw_length = 1 << 40 WHERE id & 0xffffff = 1",
      "UPDATE chunk SET raw_length = -1 WHERE id & 0xffffff = 1",
      "DELETE FROM chunk WHERE id & 0xffffff = 1",
  };
  for (size_t i = 0; i < COUNT(damages); i++) {
    assert_true(put(cache, 1, 3, 140 * KIB));
    settle_sweeper(cache);
    ask(damages[i]);
    struct cache_hold *hold = find(cache, 1);
    assert_non_null(hold);
    assert_false(same_body(hold, 3, 140 * KIB, &fault) && same_body(hold, 3, 200 * KIB, &fault));
    cache_release(&hold);
    settle_sweeper(cache);
    assert_false(has(cache, 1));
    assert_int_equal(cache_totals(cache).entries, 0);
  }
  static const char *const wrong[] = {
      "UPDATE entry SET saved = -1",
      "UPDATE entry SET source = id", /* computed from itself */
      "UPDATE entry SET content_type = 'a' || char(13, 10) || 'X-Evil: 1'",
      "UPDATE entry SET body_length = 1 << 60", /* no body of that length takes so little */
      "UPDATE entry SET body_length = -1",
      "UPDATE entry SET stored_bytes = -1",
  };
  for (size_t i = 0; i < COUNT(wrong); i++) {
    assert_true(put(cache, 1, 3, 140 * KIB));
    ask(wrong[i]);
    assert_false(has(cache, 1));
    settle_sweeper(cache);
    assert_int_equal(cache_totals(cache).entries, 0);
  }
  cache_close(&cache);
}

static void test_damaged_in_use(void **state) {
  (void)state;
  struct cache *cache = open_cache(PLENTY);
  struct fault fault;
  assert_true(put(cache, 1, 3, MIB));
  cache_close(&cache);
  cache = open_cache(PLENTY);
  scope_free char *noise = make_body(7, (size_t)size_of("cache.db") - 4096);
  write_file("cache.db", noise, (size_t)size_of("cache.db") - 4096, 4096);
  assert_false(has(cache, 1));
  assert_true(atomic_load(&cache->unusable));
  assert_false(put(cache, 2, 3, MIB));
  assert_false(cache_list(cache, 10, ignore_row, NULL, &fault));
  assert_non_null(strstr(fault.text, "next start"));
  int64_t count;
  assert_false(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &count, &fault));
  cache_close(&cache);
  cache = open_cache(PLENTY);
  assert_int_equal(count_files("cache.db.damaged-"), 1);
  assert_true(put(cache, 1, 3, MIB));
  cache_close(&cache);
  cache = open_cache(PLENTY);
  assert_true(has_body(cache, 1, 3, MIB));
  cache_close(&cache);
  assert_int_equal(count_files("cache.db.damaged-"), 1);
}

static void refuse_to_open(const char *reason) {
  struct cache *cache;
  struct fault fault;
  assert_false(try_to_open(PLENTY, &cache, &fault));
  if (!strstr(fault.text, reason))
    fail_msg("%s", fault.text);
  assert_int_equal(count_files("cache.db.damaged-"), 0);
}

static void test_refused(void **state) {
  (void)state;
  assert_int_equal(mkdir(path_of("cache.db"), 0700), 0);
  refuse_to_open("cannot open");
  assert_int_equal(rmdir(path_of("cache.db")), 0);
  struct cache *cache = open_cache(PLENTY);
  cache_close(&cache);
  ask("PRAGMA user_version = 1000");
  refuse_to_open("newer");
  ask("PRAGMA user_version = 1");
  ask("PRAGMA application_id = 7");
  refuse_to_open("another program");
  ask("PRAGMA user_version = 0");
  refuse_to_open("another program");
  ask("PRAGMA application_id = 0x72636163");
  ask("PRAGMA user_version = -3");
  assert_true(try_to_open(PLENTY, &cache, &(struct fault){0}));
  assert_int_equal(count_files("cache.db.damaged-"), 1);
  cache_close(&cache);
}

/* Disk full, in effect: files may not grow beyond a limit. */
static bool write_beyond_limit(void) {
  struct cache *cache;
  struct fault fault;
  signal(SIGXFSZ, SIG_IGN);
  if (!try_to_open(PLENTY, &cache, &fault) || !put(cache, 1, 3, MIB))
    return false;
  struct rlimit limit = {(rlim_t)(12 * MIB), RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &limit);
  struct order order = {.key = 2, .seed = 5, .length = 40 * MIB};
  bool ok = !put_order(cache, &order, &fault) && fault.kind == FAULT_UNAVAILABLE && fault.text[0];
  ok = ok && !has(cache, 2) && has_body(cache, 1, 3, MIB) && !atomic_load(&cache->unusable);
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  ok = ok && put(cache, 2, 5, 2 * MIB) && has_body(cache, 2, 5, 2 * MIB);
  cache_close(&cache);
  return ok;
}

static void test_write_failure(void **state) {
  (void)state;
  in_child(write_beyond_limit, 0);
  struct cache *cache = open_cache(PLENTY);
  settle_sweeper(cache);
  assert_true(has_body(cache, 1, 3, MIB));
  assert_true(has_body(cache, 2, 5, 2 * MIB));
  assert_int_equal(ask("SELECT count(*) FROM entry"), 2);
  assert_int_equal(ask("SELECT count(*) FROM chunk"), 48);
  assert_int_equal(count_files("cache.db.damaged-"), 0);
  cache_close(&cache);
}

/* Writers replace, readers read, somebody purges, and it all has to fit. */

#define CROWD_KEYS 12

struct crowd {
  struct cache *cache;
  int number;
  atomic_int *wrong;
};

static size_t crowd_length(int key) {
  return (size_t)key * 40 * KIB + 1;
}

static void *write_crowd(void *argument) {
  struct crowd *crowd = argument;
  for (int i = 0; i < 40; i++) {
    int key = (i * 7 + crowd->number * 5) % CROWD_KEYS;
    struct order order = {.key = key,
                          .seed = (uint64_t)key,
                          .length = crowd_length(key),
                          .cost = ROWS(key),
                          .answered_at = i};
    struct fault fault;
    if (!put_order(crowd->cache, &order, &fault)) {
      fprintf(stderr, "storing: %s\n", fault.text);
      atomic_fetch_add(crowd->wrong, 1);
    }
  }
  return NULL;
}

static void *read_crowd(void *argument) {
  struct crowd *crowd = argument;
  for (int i = 0; i < 150; i++) {
    int number = (i * 5 + crowd->number) % CROWD_KEYS;
    struct fault fault;
    struct cache_hold *hold = find(crowd->cache, number);
    if (!hold)
      continue;
    if (!same_body(hold, (uint64_t)number, crowd_length(number), &fault)) {
      fprintf(stderr, "reading: %s\n", fault.text);
      atomic_fetch_add(crowd->wrong, 1);
    }
    cache_count_hit(hold, cache_hold_entry(hold)->cost);
    cache_release(&hold);
    int rows = 0;
    if (i % 50 == 49 && !cache_list(crowd->cache, 5, ignore_row, &rows, &fault))
      atomic_fetch_add(crowd->wrong, 1);
    if (i % 60 == 59)
      set_max_size(crowd->cache, (int64_t)((size_t)(crowd->number % 3 + 2) * MIB));
    if (i % 75 == 74)
      (void)purge(crowd->cache, CACHE_PURGE_ALL, "", 0);
  }
  return NULL;
}

static void test_concurrency(void **state) {
  (void)state;
  enum { WRITERS = 4, READERS = 20 };
  struct cache *cache = open_cache((int64_t)(3 * MIB));
  pthread_t threads[WRITERS + READERS];
  struct crowd crowd[WRITERS + READERS];
  atomic_int wrong = 0;
  struct fault fault;
  for (int i = 0; i < WRITERS + READERS; i++) {
    crowd[i] = (struct crowd){cache, i, &wrong};
    assert_true(thread_start(&threads[i], "crowd", i < WRITERS ? write_crowd : read_crowd,
                             &crowd[i], &fault));
  }
  for (int i = 0; i < WRITERS + READERS; i++)
    pthread_join(threads[i], NULL);
  settle_sweeper(cache);
  assert_int_equal(atomic_load(&wrong), 0);
  int64_t live = cache_totals(cache).entries;
  assert_in_range(cache->pool.open, 1, POOL_MOST);
  cache_close(&cache);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE state = 1"), live);
  assert_int_equal(ask("SELECT count(*) FROM entry WHERE state <> 1"), 0);
  assert_int_equal(ask("SELECT count(*) FROM chunk WHERE id >> 24 NOT IN (SELECT id FROM entry)"),
                   0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(statements),
      TEST(round_trip),
      TEST(entry),
      TEST(views),
      TEST(validators),
      TEST(a_file_without_validators),
      TEST(visibility),
      TEST(published_meanwhile),
      TEST(replace),
      TEST(abandon),
      TEST(incomplete),
      TEST(crash),
      TEST(eviction_order),
      TEST(eviction_of_kinds),
      TEST(eviction_after_a_restart),
      TEST(max_size),
      TEST(a_held_wal),
      TEST(spoiled),
      TEST(room_while_filling),
      TEST(too_large),
      TEST(crowded),
      TEST(pinned_bytes),
      TEST(hits),
      TEST(no_hit_of_many_threads_is_lost),
      TEST(hits_do_not_pile_up),
      TEST(units),
      TEST(hits_of_another_currency),
      TEST(sources),
      TEST(sources_are_looked_up),
      TEST(derived),
      TEST(a_new_answer_removes_copies),
      TEST(a_copy_replaces_no_own_answer),
      TEST(a_copy_comes_too_late),
      TEST(a_copy_of_a_copy),
      TEST(purge_of_a_source),
      TEST(hits_of_copies),
      TEST(a_file_without_subjects),
      TEST(list),
      TEST(purge),
      TEST(purge_of_the_future),
      TEST(ambiguous),
      TEST(not_a_database),
      TEST(truncated),
      TEST(flipped_bytes),
      TEST(damaged_chunk),
      TEST(damaged_in_use),
      TEST(refused),
      TEST(write_failure),
      TEST(concurrency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

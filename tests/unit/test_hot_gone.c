/* Hot results leave the memory with what they were read from, whoever still reads them: over a cache
 * on real files. */
#include "unit/fixture/unit.h"

#include "base/scope.h"
#include "base/thread.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/hot.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- becoming invisible --- */

/* The result that is hot, its source, and what happens to it. */
#define COPY 1
#define SOURCE 2
#define SUBJECT 70

static void put_own(int key) {
  struct fault fault;
  struct order order = {.key = key, .seed = 9, .subject = SUBJECT, .length = 700, .cost = ROWS(50)};
  assert_true(put_order(cache, &order, &fault));
}

static void put_copy(void) {
  struct fault fault;
  struct cache_hold *source = find(cache, SOURCE);
  struct order order = {.key = COPY, .subject = SUBJECT, .source = source};
  order.length = AT_ONCE + 1;
  order.cost = ROWS(20);
  assert_true(put_order(cache, &order, &fault));
  cache_release(&source);
}

static void purge_all(void) {
  purge(CACHE_PURGE_ALL, VIEW(""), 0);
}
static void purge_target(void) {
  purge(CACHE_PURGE_TARGET, VIEW("a.example"), 0);
}
static void purge_older(void) {
  purge(CACHE_PURGE_OLDER_THAN, VIEW(""), 1000);
}
static void purge_itself(void) {
  purge_key(COPY);
}
static void purge_its_source(void) {
  purge_key(SOURCE);
}
static void replace_by_its_like(void) {
  put_copy();
}
static void replace_by_an_own_answer(void) {
  put_own(COPY);
}
static void answer_its_subject(void) {
  put_own(3);
}
static void evict(void) {
  cache_set_bounds(cache, &(struct cache_bounds){.max_size = (int64_t)MIB / 100, .memory = MEMORY});
  settle_sweeper(cache);
}
static void kill(void) {
  cache_kill(cache, ask("SELECT id FROM entry WHERE source IS NOT NULL AND state = 1"));
  settle_sweeper(cache);
}

static void (*const events[])(void) = {
    purge_all,
    purge_target,
    purge_older,
    purge_itself,
    purge_its_source,
    replace_by_its_like,
    answer_its_subject,
    replace_by_an_own_answer,
    evict,
    kill,
};

static void begin_anew(void) {
  struct fault fault;
  int64_t count;
  set_memory(MEMORY);
  assert_true(cache_purge(cache, CACHE_PURGE_ALL, VIEW(""), 0, &count, &fault));
  put_own(SOURCE);
  put_copy();
}

static void test_what_becomes_invisible(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(events); i++) {
    begin_anew();
    serve_long(COPY);
    assert_true(is_hot(COPY));
    events[i]();
    assert_false(is_hot(COPY));
    assert_int_equal(bytes_used(), 0);
  }
}

/* While it is filled. Its reader still gets all bytes. */
static void test_what_becomes_invisible_meanwhile(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(events); i++) {
    begin_anew();
    struct body *body = body_of(COPY);
    assert_int_equal(read_some(body, 1000), 1000);
    events[i]();
    assert_int_equal(read_some(body, SIZE_MAX), AT_ONCE + 1 - 1000);
    body_release(&body);
    assert_false(is_hot(COPY));
    assert_int_equal(bytes_used(), 0);
  }
}

/* Between finding it and filling. */
static void test_what_became_invisible_before(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(events); i++) {
    begin_anew();
    struct body *body = body_of(COPY);
    events[i]();
    assert_int_equal(read_some(body, SIZE_MAX), AT_ONCE + 1);
    body_release(&body);
    assert_false(is_hot(COPY));
  }
}

/* What is not concerned stays. */
static void test_others_stay(void **state) {
  (void)state;
  put_of(7, 100, 10);
  put_own(SOURCE);
  assert_true(serve(7) && serve(SOURCE));
  put_of(8, 100, 10);
  put_own(4);
  struct digest key = key_of(99);
  int64_t count;
  struct fault fault;
  assert_true(cache_purge(cache, CACHE_PURGE_KEY, view_of(DIGEST_TEXT(&key)), 0, &count, &fault));
  assert_int_equal(count, 0);
  assert_true(is_hot(7) && is_hot(SOURCE));
}

/* A long filling, while others are stored and evicted. */
static void test_others_go_meanwhile(void **state) {
  (void)state;
  begin_anew();
  struct body *body = body_of(COPY);
  assert_int_equal(read_some(body, 1000), 1000);
  for (int key = 10; key < 80; key++)
    put_of(key, 10, 10);
  tier_drop_id(&cache->tier, ask("SELECT max(id) FROM entry"));
  assert_int_equal(read_some(body, SIZE_MAX), AT_ONCE + 1 - 1000);
  body_release(&body);
  assert_true(is_hot(COPY));
}

static void test_a_damaged_chunk(void **state) {
  (void)state;
  const char *damages[] = {
      "UPDATE chunk SET data = zeroblob(100) WHERE id & 0xffffff = 1",
      "DELETE FROM chunk WHERE id & 0xffffff = 1",
      "UPDATE entry SET body_length = body_length - 70000", /* the last chunks are too many */
  };
  for (size_t i = 0; i < COUNT(damages); i++) {
    put_of(1, 140 * KIB, 10);
    put_of(2, 2 * AT_ONCE, 10);
    struct cache_hold *hold = find(cache, 1);
    struct body *body = body_of(2);
    ask(damages[i]);
    assert_null(cache_hold_heat(hold));
    assert_in_range(read_some(body, SIZE_MAX), 64 * KIB, 2 * AT_ONCE - 1);
    cache_release(&hold);
    body_release(&body);
    settle_sweeper(cache);
    assert_false(is_hot(1) || is_hot(2));
    assert_int_equal(bytes_used(), 0);
  }
}

static void test_a_damaged_file(void **state) {
  (void)state;
  put_of(1, 100, 10);
  put_of(2, MIB, 10);
  reopen_hot_cache();
  assert_true(serve(1));
  static const char noise[MIB] = {[0 ... MIB - 1] = 'n'};
  int file = open(path_of("cache.db"), O_WRONLY);
  assert_int_equal(pwrite(file, noise, sizeof noise, 4096), sizeof noise);
  close(file);
  assert_true(is_hot(1));
  assert_false(has_body(cache, 2, 2, MIB)); /* here it shows */
  assert_false(is_hot(1) || has(cache, 1));
  assert_int_equal(bytes_used(), 0);
}

/* --- holds --- */

static void test_holds_outlive_the_drop(void **state) {
  (void)state;
  struct fault fault;
  assert_true(put(cache, 1, 3, 200 * KIB));
  assert_true(serve(1));
  struct cache_hold *hold = find(cache, 1), *again = cache_hold_again(hold);
  assert_int_equal(cache_hold_entry(again)->body_length, 200 * KIB);
  assert_true(put(cache, 1, 4, 100 * KIB));
  settle_sweeper(cache);
  assert_true(same_body(hold, 3, 200 * KIB, &fault));
  cache_release(&hold);
  assert_true(same_body(again, 3, 200 * KIB, &fault));
  assert_in_range(bytes_used(), 200 * KIB, 204 * KIB); /* they count */
  assert_int_equal(cache_hot_totals(cache).entries, 0);
  assert_true(serve(1));
  assert_true(has_hot_body(1, 4, 100 * KIB));
  assert_in_range(bytes_used(), 300 * KIB, 308 * KIB);
  cache_release(&again);
  assert_in_range(bytes_used(), 100 * KIB, 104 * KIB);
}

/* A copy is computed from a source that is hot. */
static void test_a_hot_source(void **state) {
  (void)state;
  put_own(SOURCE);
  assert_true(serve(SOURCE));
  put_copy();
  assert_true(has(cache, COPY));
  purge_its_source();
  assert_false(has(cache, COPY));
}

static void test_hits_are_counted(void **state) {
  (void)state;
  put_own(SOURCE); /* of 50 rows */
  put_copy();      /* would have cost 20 */
  serve_long(COPY);
  assert_true(is_hot(COPY));
  hit(cache, COPY, 3);
  struct digest key = key_of(COPY);
  struct cache_hot *hot = cache_hot_find(cache, &key);
  cache_hot_count_hit(cache, hot);
  cache_hot_release(&hot);
  for (int i = 0; i < 300; i++)
    assert_true(serve(SOURCE));
  assert_true(hits_write(cache, NULL));
  assert_int_equal(ask("SELECT hits FROM entry WHERE source IS NULL"), 304);
  assert_int_equal(ask("SELECT saved FROM entry WHERE source IS NULL"), (300 * 50 + 4 * 20) * 10);
  assert_int_equal(ask("SELECT hits FROM entry WHERE source IS NOT NULL"), 4);
  assert_int_equal(ask("SELECT saved FROM entry WHERE source IS NOT NULL"), 4 * 20 * 10);
}

/* --- a crowd --- */

#define KEYS 6
#define FINDERS 4

struct crowd {
  pthread_mutex_t locks[KEYS]; /* who publishes or purges a key */
  atomic_int begun[KEYS];      /* the version that is published last */
  atomic_int least[KEYS];      /* what is found is no older than this version */
  atomic_int wrong;
  atomic_bool over; /* for those that have no work of their own */
};

struct member {
  struct crowd *crowd;
  uint64_t random;
};

/* Some are longer than what is filled at once. */
static size_t length_of(int key, int version) {
  return 16 + (size_t)key * 67 * KIB + (size_t)version % 7;
}

/* The version, then bytes that only this version has. */
static void write_version(char *body, int key, int version) {
  size_t length = length_of(key, version);
  memset(body, (char)(version * KEYS + key), length);
  memcpy(body, &version, sizeof version);
}

/* -1: it is no version of this key. */
static int version_of(struct view body, int key) {
  int version;
  if (body.length < 16)
    return -1;
  memcpy(&version, body.at, sizeof version);
  if (version < 0 || body.length != length_of(key, version))
    return -1;
  scope_free char *expected = malloc(body.length);
  write_version(expected, key, version);
  return memcmp(expected, body.at, body.length) == 0 ? version : -1;
}

static int version_in_memory(int key) {
  struct digest digest = key_of(key);
  struct cache_hot *hot = cache_hot_find(cache, &digest);
  if (!hot)
    return 0;
  int version = version_of(cache_hot_body(hot), key);
  cache_hot_count_hit(cache, hot);
  cache_hot_release(&hot);
  return version;
}

/* Reads a body by `size` bytes; one time in four not to its end. 0: it was not. */
static int version_of_body(struct body *body, int key, uint64_t chance) {
  size_t room = length_of(key, 6), got = 0, count = 0;
  size_t most = chance % 4 ? room : room / 2;
  scope_free char *bytes = malloc(room);
  enum body_read read = BODY_BYTES;
  while (got < most && (read = body_read(body, bytes + got, most - got, &count)) == BODY_BYTES)
    got += count;
  if (read == BODY_BYTES && most < room)
    return 0;
  return version_of((struct view){bytes, got}, key);
}

static int version_from_a_hold(int key, uint64_t chance) {
  struct cache_hold *hold = find(cache, key);
  if (!hold)
    return 0;
  cache_count_hit(hold, cache_hold_entry(hold)->cost);
  struct cache_hot *hot = cache_hold_heat(hold);
  if (hot) {
    int version = version_of(cache_hot_body(hot), key);
    cache_release(&hold);
    return version;
  }
  struct body *body = body_stored(&hold, "1");
  int version = version_of_body(body, key, chance);
  body_release(&body);
  return version;
}

static void *find_versions(void *argument) {
  struct member *member = argument;
  struct crowd *crowd = member->crowd;
  for (int i = 0; i < 3000 || !atomic_load(&crowd->over); i++) {
    uint64_t chance = next_random(&member->random) >> 8;
    int key = (int)(chance % KEYS);
    int least = atomic_load(&crowd->least[key]);
    int version =
        chance >> 32 & 1 ? version_in_memory(key) : version_from_a_hold(key, chance >> 40);
    if (version < 0 || (version && version < least) || version > atomic_load(&crowd->begun[key])) {
      fprintf(stderr, "key %d: %d is not from %d on\n", key, version, least);
      atomic_fetch_add(&crowd->wrong, 1);
    }
  }
  return NULL;
}

static bool publish_version(int key, int version) {
  struct waiter waiter = WAITER;
  struct order order = {.key = key, .length = length_of(key, version), .cost = ROWS(key + 1)};
  scope_free char *body = malloc(order.length);
  write_version(body, key, version);
  struct cache_writer *writer = begin(cache, &order);
  append(writer, body, order.length, &waiter);
  publish(writer, &order, &waiter);
  await(&waiter, 0);
  return waiter.failures == 0;
}

/* Under the lock of the key. */
static bool change_version(struct crowd *crowd, int key, bool purges) {
  int version = atomic_load(&crowd->begun[key]) + 1;
  struct digest digest = key_of(key);
  int64_t count;
  atomic_store(&crowd->begun[key], version);
  bool ok =
      purges ? cache_purge(cache, CACHE_PURGE_KEY, view_of(DIGEST_TEXT(&digest)), 0, &count, NULL)
             : publish_version(key, version);
  atomic_store(&crowd->least[key], version);
  return ok;
}

static void *change_versions(void *argument) {
  struct member *member = argument;
  struct crowd *crowd = member->crowd;
  for (int i = 0; i < 150; i++) {
    uint64_t chance = next_random(&member->random) >> 8;
    int key = (int)(chance % KEYS);
    pthread_mutex_lock(&crowd->locks[key]);
    bool ok = change_version(crowd, key, (chance >> 20) % 4 == 0);
    pthread_mutex_unlock(&crowd->locks[key]);
    if (!ok)
      atomic_fetch_add(&crowd->wrong, 1);
  }
  return NULL;
}

/* The memory, and now and then the room on the disk, are too small. */
static void *change_bounds(void *argument) {
  struct member *member = argument;
  while (!atomic_load(&member->crowd->over)) {
    uint64_t chance = next_random(&member->random) >> 8;
    const int64_t memories[] = {0, (int64_t)MIB, (int64_t)(3 * MIB), MEMORY, MEMORY, MEMORY};
    cache_set_bounds(
        cache, &(struct cache_bounds){.max_size = chance >> 16 & 7 ? PLENTY : (int64_t)(100 * KIB),
                                      .memory = memories[chance % COUNT(memories)],
                                      .ttl = INT64_MAX});
    (void)!hits_write(cache, NULL);
    usleep((useconds_t)(chance >> 24) % 5000);
  }
  return NULL;
}

/* The bytes of all that are hot. */
static int64_t sum_of_bytes(void) {
  int64_t sum = 0;
  for (size_t i = 0; i < cache->tier.heap.count; i++) {
    struct heap_item *item = cache->tier.heap.items[i];
    sum += ((struct cache_hot *)((char *)item - offsetof(struct cache_hot, item)))->bytes;
  }
  return sum;
}

static void test_a_crowd(void **state) {
  (void)state;
  void *(*const work[])(void *) = {change_bounds, change_versions, change_versions, change_versions,
                                   find_versions, find_versions,   find_versions,   find_versions};
  enum { MEMBERS = COUNT(work) };
  pthread_t threads[MEMBERS];
  struct member members[MEMBERS];
  struct fault fault;
  struct crowd crowd = {0};
  for (int key = 0; key < KEYS; key++)
    pthread_mutex_init(&crowd.locks[key], NULL);
  for (int i = 0; i < MEMBERS; i++) {
    members[i] = (struct member){&crowd, (uint64_t)i * 7919 + 1};
    assert_true(thread_start(&threads[i], "crowd", work[i], &members[i], &fault));
  }
  for (int i = 1; i < 4; i++)
    pthread_join(threads[i], NULL);
  atomic_store(&crowd.over, true);
  for (int i = 0; i < MEMBERS; i++)
    if (i < 1 || i >= 4)
      pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&crowd.wrong), 0);
  set_memory(MEMORY);
  settle_sweeper(cache);
  assert_int_equal(bytes_used(), sum_of_bytes());
  assert_int_equal(cache->tier.filling, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_hot_cache, close_hot_cache)
  const struct CMUnitTest tests[] = {
      TEST(what_becomes_invisible),
      TEST(what_becomes_invisible_meanwhile),
      TEST(what_became_invisible_before),
      TEST(others_stay),
      TEST(others_go_meanwhile),
      TEST(a_damaged_chunk),
      TEST(a_damaged_file),
      TEST(holds_outlive_the_drop),
      TEST(a_hot_source),
      TEST(hits_are_counted),
      TEST(a_crowd),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

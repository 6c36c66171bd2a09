/* The hot tier, over a cache on real files. */
#include "unit/fixture/unit.h"

#include "base/scope.h"
#include "base/thread.h"
#include "body/stored.h"
#include "cache/room.h"
#include "cache/rowid.h"
#include "db/directory.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/results.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLENTY ((int64_t)1 << 40)
#define MEMORY ((int64_t)(16 * MIB))
#define AT_ONCE ((size_t)CACHE_HOT_AT_ONCE)
/* What a hot result takes beside its body, the rest of its last page included, and a little more. */
#define BESIDE (8 * KIB)

/* --- allocations that fail --- */

static _Thread_local int allocations_left = -1; /* of this thread; negative: all succeed */

/* The linker puts these in the place of malloc() and so on (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

static bool fails(void) {
  if (allocations_left < 0)
    return false;
  return allocations_left == 0 || --allocations_left == 0;
}

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size) {
  return fails() ? NULL : __real_reallocarray(old, count, size);
}

/* --- the cache --- */

static int lock; /* on the directory, as a daemon holds it */
static struct cache *cache;

static void set_memory(int64_t memory) {
  cache_set_bounds(cache,
                   &(struct cache_bounds){.max_size = PLENTY, .memory = memory, .ttl = INT64_MAX});
}

static void open_cache(void) {
  struct fault fault;
  const struct cache_bounds bounds = {.max_size = PLENTY, .memory = MEMORY, .ttl = INT64_MAX};
  assert_true(cache_open(directory, &bounds, &cache, &fault));
}

static int set_up(void **state) {
  struct fault fault;
  if (make_directory(state) != 0 || !directory_lock(directory, &lock, &fault))
    return -1;
  open_cache();
  return 0;
}

/* Whatever a test did, nothing is counted any more when all is purged and released. */
static int tear_down(void **state) {
  tier_drop_all(&cache->tier);
  bool even = cache->tier.used == 0 && cache->tier.filling == 0 && cache->tier.heap.count == 0;
  cache_close(&cache);
  close(lock);
  return remove_directory(state) == 0 && even ? 0 : -1;
}

static int64_t bytes_used(void) {
  return cache_hot_totals(cache).bytes;
}

static int64_t ask(const char *sql) {
  return database_ask("cache.db", sql);
}

/* --- hits --- */

static bool is_hot(int key) {
  struct digest digest = key_of(key);
  struct cache_hot *hot = cache_hot_find(cache, &digest);
  bool found = hot;
  cache_hot_release(&hot);
  return found;
}

static bool is_body(struct view bytes, uint64_t seed, size_t length) {
  scope_free char *body = make_body(seed, length);
  return bytes.length == length && memcmp(bytes.at, body, length) == 0;
}

static bool has_hot_body(int key, uint64_t seed, size_t length) {
  struct digest digest = key_of(key);
  struct cache_hot *hot = cache_hot_find(cache, &digest);
  bool same = hot && is_body(cache_hot_body(hot), seed, length);
  cache_hot_release(&hot);
  return same;
}

/* A request that is answered from the cache. True: from memory. */
static bool serve(int key) {
  struct cache_hold *hold = find(cache, key);
  assert_non_null(hold);
  cache_count_hit(hold, cache_hold_entry(hold)->cost);
  bool hot = cache_hold_heat(hold);
  cache_release(&hold);
  return hot;
}

/* The body of a reply that is sent while it is read from the disk. */
static struct body *body_of(int key) {
  struct cache_hold *hold = find(cache, key);
  assert_non_null(hold);
  assert_null(cache_hold_heat(hold));
  struct body *body = body_stored(&hold, "1");
  assert_non_null(body);
  return body;
}

/* Reads so many bytes of a body, or less at its end; returns how many. */
static size_t read_some(struct body *body, size_t most) {
  char buffer[10000];
  size_t got = 0, count;
  while (got < most &&
         body_read(body, buffer, most - got < sizeof buffer ? most - got : sizeof buffer, &count) ==
             BODY_BYTES)
    got += count;
  return got;
}

static void serve_long(int key) {
  struct body *body = body_of(key);
  assert_true(read_some(body, SIZE_MAX) > AT_ONCE);
  body_release(&body);
}

static void put_of(int key, size_t length, int64_t rows) {
  struct fault fault;
  struct order order = {
      .key = key, .seed = (uint64_t)key, .length = length, .cost = ROWS(rows), .answered_at = 100};
  assert_true(put_order(cache, &order, &fault));
}

/* --- becoming hot --- */

static void test_hot_after_a_hit(void **state) {
  (void)state;
  const size_t lengths[] = {0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, AT_ONCE};
  for (int i = 0; i < (int)COUNT(lengths); i++) {
    assert_true(put(cache, i, (uint64_t)i, lengths[i]));
    assert_false(is_hot(i));
    assert_true(has_body(cache, i, (uint64_t)i, lengths[i])); /* it is read, but not answered */
    assert_false(is_hot(i));
    assert_true(serve(i));
    assert_true(has_hot_body(i, (uint64_t)i, lengths[i]));
    assert_int_equal(cache_hot_totals(cache).entries, i + 1);
  }
  ask("DELETE FROM chunk"); /* nobody reads them any more */
  for (int i = 0; i < (int)COUNT(lengths); i++)
    assert_true(has_body(cache, i, (uint64_t)i, lengths[i]));
}

static void test_entry(void **state) {
  (void)state;
  put_of(1, 5000, 10);
  struct cache_hold *cold = find(cache, 1);
  struct cache_entry entry = *cache_hold_entry(cold);
  assert_non_null(cache_hold_heat(cold));
  struct cache_hold *warm = find(cache, 1);
  const struct cache_entry *same = cache_hold_entry(warm);
  assert_true(digest_equal(&same->key, &entry.key));
  assert_memory_equal(&same->validator, &entry.validator, sizeof entry.validator);
  assert_int_equal(same->results, entry.results);
  assert_int_equal(same->body_length, 5000);
  assert_int_equal(same->answered_at, 100);
  assert_int_equal(amount_rows(same->cost).tenths, 100);
  assert_string_equal(same->content_type, entry.content_type);
  cache_release(&cold);
  cache_release(&warm);
}

/* As from the disk: by chunks, and none after the end. */
static void test_chunks(void **state) {
  (void)state;
  struct fault fault;
  struct view bytes;
  put_of(1, 2 * 64 * KIB + 5, 10);
  put_of(2, 0, 10);
  assert_true(serve(1) && serve(2));
  struct cache_hold *hold = find(cache, 1), *empty = find(cache, 2);
  assert_true(cache_read(hold, 0, &bytes, &fault) && bytes.length == CACHE_CHUNK_SIZE);
  assert_true(cache_read(hold, 2, &bytes, &fault) && bytes.length == 5);
  assert_false(cache_read(hold, 3, &bytes, &fault));
  assert_false(cache_read(hold, -1, &bytes, &fault));
  assert_false(cache_read(hold, ROWID_CHUNKS_MOST - 1, &bytes, &fault));
  assert_false(cache_read(empty, 0, &bytes, &fault));
  assert_true(has(cache, 1) && has(cache, 2)); /* none of that is damage */
  cache_release(&hold);
  cache_release(&empty);
}

/* A long body becomes hot when a client has read all of it. */
static void test_a_long_body(void **state) {
  (void)state;
  put_of(1, AT_ONCE + 1, 10);
  struct body *body = body_of(1);
  assert_int_equal(bytes_used(), 0); /* it may be that of a 304 */
  assert_int_equal(read_some(body, AT_ONCE), AT_ONCE);
  assert_false(is_hot(1));
  assert_in_range(bytes_used(), AT_ONCE, AT_ONCE + BESIDE);
  struct body *other = body_of(1); /* is answered from the disk meanwhile */
  assert_int_equal(read_some(other, SIZE_MAX), AT_ONCE + 1);
  assert_false(is_hot(1));
  body_release(&other);
  assert_int_equal(read_some(body, SIZE_MAX), 1);
  assert_true(has_hot_body(1, 1, AT_ONCE + 1));
  body_release(&body);
  assert_true(has_hot_body(1, 1, AT_ONCE + 1));
}

static void test_a_client_that_leaves(void **state) {
  (void)state;
  put_of(1, AT_ONCE + 1, 10);
  struct body *body = body_of(1);
  assert_int_equal(read_some(body, 100 * KIB), 100 * KIB);
  body_release(&body);
  assert_int_equal(bytes_used(), 0);
  assert_false(is_hot(1));
  serve_long(1);
  assert_true(is_hot(1));
}

/* Of a file that was damaged between two chunks. */
static void test_another_length_than_expected(void **state) {
  (void)state;
  put_of(1, 100, 10);
  const size_t lengths[] = {99, 101};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    scope_free char *bytes = make_body(1, lengths[i]);
    struct cache_hold *hold = find(cache, 1);
    struct cache_fill *fill = cache_fill_begin(hold);
    assert_non_null(fill);
    cache_fill_add(fill, (struct view){bytes, 99});
    cache_fill_add(fill, (struct view){bytes + 99, lengths[i] - 99});
    assert_null(cache_fill_end(&fill));
    assert_null(fill);
    cache_release(&hold);
    assert_false(is_hot(1));
  }
}

static void test_too_large(void **state) {
  (void)state;
  put_of(1, MEMORY / 8 - BESIDE, 10);
  put_of(2, MEMORY / 8, 1000);
  put_of(3, 200 * KIB, 1000);
  serve_long(1);
  serve_long(2);
  assert_true(is_hot(1) && !is_hot(2));
  set_memory((int64_t)(8 * 200 * KIB));
  assert_false(serve(3));
  assert_false(is_hot(3));
}

static void test_no_memory_configured(void **state) {
  (void)state;
  set_memory(0);
  put_of(1, 0, 10);
  put_of(2, AT_ONCE + 1, 10);
  assert_false(serve(1));
  serve_long(2);
  assert_false(is_hot(1) || is_hot(2));
  assert_true(has_body(cache, 1, 1, 0) && has_body(cache, 2, 2, AT_ONCE + 1));
}

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

static void purge(enum cache_purge what, struct view text, int64_t before) {
  struct fault fault;
  int64_t count;
  assert_true(cache_purge(cache, what, text, before, &count, &fault));
  assert_in_range(count, 1, 2);
}

static void purge_key(int key) {
  struct digest digest = key_of(key);
  purge(CACHE_PURGE_KEY, view_of(DIGEST_TEXT(&digest)), 0);
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
  cache_close(&cache);
  open_cache();
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

/* --- what is kept with a hot result --- */

struct note {
  struct cache_extra extra;
  int released;
};

static void release_note(struct cache_extra *extra) {
  ((struct note *)extra)->released++;
}

static void test_extra(void **state) {
  (void)state;
  struct note first = {.extra.release = release_note}, second = first;
  put_of(1, 100, 10);
  assert_true(serve(1));
  struct digest key = key_of(1);
  struct cache_hot *hot = cache_hot_find(cache, &key);
  assert_null(cache_hot_extra(hot));
  assert_ptr_equal(cache_hot_set_extra(hot, &first.extra), &first.extra);
  assert_ptr_equal(cache_hot_set_extra(hot, &second.extra), &first.extra);
  assert_ptr_equal(cache_hot_extra(hot), &first.extra);
  int64_t before = bytes_used();
  assert_true(cache_hot_grow(cache, hot, 1000));
  assert_int_equal(bytes_used(), before + 1000);
  assert_false(cache_hot_grow(cache, hot, (size_t)MEMORY / 8));
  put_of(1, 100, 10);
  assert_false(cache_hot_grow(cache, hot, 1000)); /* nobody finds it any more */
  assert_int_equal(bytes_used(), before + 1000);
  assert_int_equal(first.released, 0);
  cache_hot_release(&hot);
  assert_int_equal(bytes_used(), 0);
  assert_true(first.released == 1 && second.released == 0);
}

/* --- cache.memory --- */

#define SMALL (100 * KIB)
#define SMALL_TAKES ((int64_t)(SMALL + BESIDE)) /* a little less */

/* Those of the keys from `first` on that are hot. */
static int count_hot(int first, int count) {
  int hot = 0;
  for (int key = first; key < first + count; key++)
    hot += is_hot(key);
  return hot;
}

static void serve_all(int first, int count, int times) {
  for (int i = 0; i < times; i++)
    for (int key = first; key < first + count; key++)
      (void)serve(key);
}

/* True if it becomes hot, asked for again and again. */
static bool insist(int key) {
  for (int i = 0; i < 100; i++)
    if (serve(key))
      return true;
  return false;
}

static void test_the_bound(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 30; key++) {
    put_of(key, SMALL, key);
    assert_true(insist(key));
    assert_in_range(bytes_used(), SMALL, 10 * SMALL_TAKES);
  }
  assert_int_equal(count_hot(1, 30), 10);
}

/* Half as many again as there is memory for: what has a place is there when it is asked for again. */
static void test_more_in_turn_than_there_is_memory(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 15; key++)
    put_of(key, SMALL, 10);
  serve_all(1, 15, 1);
  for (int i = 0; i < 20; i++) {
    serve_all(1, 15, 1);
    assert_int_equal(count_hot(1, 10), 10);
  }
}

static void test_the_memory_becomes_smaller(void **state) {
  (void)state;
  for (int key = 1; key <= 12; key++)
    put_of(key, SMALL, key);
  serve_all(1, 12, 1);
  set_memory(9 * SMALL_TAKES);
  assert_int_equal(count_hot(1, 12), 9);
  assert_int_equal(count_hot(4, 9), 9); /* the others were worth less */
  set_memory(0);
  assert_int_equal(count_hot(1, 12), 0);
  assert_int_equal(bytes_used(), 0);
  set_memory(MEMORY);
  serve_all(1, 12, 1);
  assert_int_equal(count_hot(1, 12), 12);
}

/* What is filled cannot go at once, but all others do, and in the end this, too. */
static void test_the_memory_becomes_smaller_meanwhile(void **state) {
  (void)state;
  put_of(1, AT_ONCE + 1, 10);
  put_of(2, SMALL, 10);
  struct body *body = body_of(1);
  assert_int_equal(read_some(body, 1000), 1000);
  assert_true(serve(2));
  set_memory(0);
  assert_false(is_hot(2));
  assert_int_equal(read_some(body, SIZE_MAX), AT_ONCE + 1 - 1000);
  assert_false(is_hot(1));
  body_release(&body);
  assert_int_equal(bytes_used(), 0);
}

/* Who reads slowly keeps the bytes, and these count. So others are answered from the disk. */
static void test_slow_readers(void **state) {
  (void)state;
  struct fault fault;
  struct cache_hold *holds[10];
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 20; key++)
    put_of(key, SMALL, key <= 10 ? 1 : 1000);
  serve_all(1, 10, 1);
  for (int i = 0; i < 10; i++)
    holds[i] = find(cache, i + 1);
  serve_all(11, 10, 3);
  assert_int_equal(count_hot(1, 20), 10);
  purge(CACHE_PURGE_KEY, view_of(DIGEST_TEXT(&cache_hold_entry(holds[0])->key)), 0);
  assert_int_equal(count_hot(1, 20), 0);
  serve_all(11, 10, 3);
  assert_int_equal(count_hot(1, 20), 0);
  assert_in_range(bytes_used(), 10 * SMALL, 10 * SMALL_TAKES);
  for (int i = 0; i < 10; i++) {
    assert_true(same_body(holds[i], (uint64_t)i + 1, SMALL, &fault));
    cache_release(&holds[i]);
  }
  serve_all(11, 10, 1);
  assert_int_equal(count_hot(11, 10), 10);
}

/* Many short ones that are hit, and a large export. */
static void test_an_export_displaces_nothing(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  for (int key = 1; key <= 80; key++)
    put_of(key, SMALL, 5);
  put_of(100, MIB - BESIDE, 40); /* its hit saves more than theirs, but not by the byte */
  serve_all(1, 80, 3);
  int hot = count_hot(1, 80);
  assert_in_range(hot, 70, 80);
  for (int i = 0; i < 5; i++) {
    serve_long(100);
    serve_all(1, 80, 1);
  }
  assert_false(is_hot(100));
  assert_int_equal(count_hot(1, 80), hot);
}

static void test_a_dear_export_displaces(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  for (int key = 1; key <= 80; key++)
    put_of(key, SMALL, 5);
  put_of(100, MIB - BESIDE, 40000);
  serve_all(1, 80, 3);
  serve_long(100);
  assert_true(is_hot(100));
  assert_in_range(count_hot(1, 80), 60, 75);
}

/* All save the same by the byte, but a hit that is not in memory is the same work for each. */
static void test_short_ones_displace_long_ones(void **state) {
  (void)state;
  set_memory(2 * (int64_t)MIB);
  for (int key = 1; key <= 10; key++)
    put_of(key, 200 * KIB, 20);
  for (int key = 11; key <= 50; key++)
    put_of(key, 10 * KIB, 1);
  serve_all(1, 10, 5);
  assert_in_range(count_hot(1, 10), 9, 10);
  serve_all(11, 40, 2);
  assert_int_equal(count_hot(11, 40), 40);
  assert_in_range(count_hot(1, 10), 6, 8);
}

/* What was asked for very often once, and is not any more. */
static void test_what_was_hot_goes_in_the_end(void **state) {
  (void)state;
  set_memory(10 * SMALL_TAKES);
  for (int key = 1; key <= 50; key++)
    put_of(key, SMALL, 10);
  serve_all(1, 10, 1000);
  assert_int_equal(count_hot(1, 10), 10);
  serve_all(11, 20, 1);
  assert_int_equal(count_hot(1, 10), 10); /* not at once */
  for (int i = 0; i < 100 && count_hot(1, 10) > 0; i++)
    serve_all(11, 40, 1);
  assert_int_equal(count_hot(1, 10), 0);
}

/* A client that reads slowly does not keep short results out. */
static void test_a_slow_filling(void **state) {
  (void)state;
  set_memory(8 * (int64_t)MIB);
  put_of(1, MIB - BESIDE, 10);
  put_of(2, MIB - BESIDE, 10);
  put_of(3, SMALL, 10);
  struct body *body = body_of(1);
  assert_int_equal(read_some(body, 1000), 1000);
  assert_true(serve(3));
  serve_long(2);
  assert_false(is_hot(2)); /* two such are too much */
  body_release(&body);
  serve_long(2);
  assert_true(is_hot(2) && is_hot(3));
}

/* --- lack of memory --- */

/* Whichever allocation fails: the result is answered from the disk, or from what nobody else finds,
 * and nothing is left. */
static void test_lack_of_memory(void **state) {
  (void)state;
  put_of(1, SMALL, 10);
  int allocations = 1;
  for (; allocations < 100 && !is_hot(1); allocations++) {
    struct cache_hold *hold = find(cache, 1);
    assert_non_null(hold);
    allocations_left = allocations;
    (void)cache_hold_heat(hold);
    allocations_left = -1;
    cache_release(&hold);
    assert_true(is_hot(1) || bytes_used() == 0);
  }
  assert_in_range(allocations, 5, 99);
  assert_true(has_hot_body(1, 1, SMALL));
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
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(hot_after_a_hit),
      TEST(entry),
      TEST(chunks),
      TEST(a_long_body),
      TEST(a_client_that_leaves),
      TEST(another_length_than_expected),
      TEST(too_large),
      TEST(no_memory_configured),
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
      TEST(extra),
      TEST(the_bound),
      TEST(more_in_turn_than_there_is_memory),
      TEST(the_memory_becomes_smaller),
      TEST(the_memory_becomes_smaller_meanwhile),
      TEST(slow_readers),
      TEST(an_export_displaces_nothing),
      TEST(a_dear_export_displaces),
      TEST(short_ones_displace_long_ones),
      TEST(what_was_hot_goes_in_the_end),
      TEST(a_slow_filling),
      TEST(lack_of_memory),
      TEST(a_crowd),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

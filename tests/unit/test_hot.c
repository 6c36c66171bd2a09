/* Results become hot, and are read from memory: over a cache on real files. */
#include "unit/fixture/unit.h"

#include "base/scope.h"
#include "cache/rowid.h"
#include "unit/fixture/hot.h"

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

/* --- lack of memory --- */

/* Whichever allocation fails: the result is answered from the disk, or from what nobody else finds,
 * and nothing is left. */
static void test_lack_of_memory(void **state) {
  const size_t length = 100 * KIB;
  (void)state;
  put_of(1, length, 10);
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
  assert_true(has_hot_body(1, 1, length));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_hot_cache, close_hot_cache)
  const struct CMUnitTest tests[] = {
      TEST(hot_after_a_hit),
      TEST(entry),
      TEST(chunks),
      TEST(a_long_body),
      TEST(a_client_that_leaves),
      TEST(another_length_than_expected),
      TEST(too_large),
      TEST(no_memory_configured),
      TEST(extra),
      TEST(lack_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

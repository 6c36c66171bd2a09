/* Bodies: each kind gives its bytes whatever the size of each read, waits and goes on, ends or
 * breaks, and can be released at any moment. */
#include "unit/fixture/unit.h"

#include "base/text.h"
#include "body/flight.h"
#include "body/masked.h"
#include "body/rows.h"
#include "body/stored.h"
#include "render/php.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/wait.h"

#include <sched.h>
#include <stdatomic.h>

#define CHUNK ((int64_t)CACHE_CHUNK_SIZE)
#define PLENTY ((int64_t)1 << 30)

/* The byte at an offset of every body that is long. */
static char byte_at(int64_t offset) {
  return (char)(offset * 31 + (offset >> 8) * 7 + (offset >> 16) * 3);
}

static void fill(char *bytes, int64_t from, size_t count) {
  for (size_t i = 0; i < count; i++)
    bytes[i] = byte_at(from + (int64_t)i);
}

/* Reads by `size` bytes until the body gives none, checks the bytes from `from` on, and returns
 * where it stopped. */
static int64_t drain(struct body *body, int64_t from, size_t size, enum body_read *last) {
  char *buffer = malloc(size), *expected = malloc(size);
  assert_true(buffer && expected);
  size_t count = 0;
  while ((*last = body_read(body, buffer, size, &count)) == BODY_BYTES) {
    assert_in_range(count, 1, size);
    fill(expected, from, count);
    assert_memory_equal(buffer, expected, count);
    from += (int64_t)count;
  }
  free(buffer);
  free(expected);
  return from;
}

/* --- an inner body that a test writes --- */

/* Gives `stream` by `piece` bytes, asks to wait before each piece, and ends as `last` says. */
struct script {
  struct body body;
  struct view stream;
  size_t piece;
  enum body_read last;
  bool has_waited;
  int *released;
};

static enum body_read read_script(struct body *body, char *buffer, size_t size, size_t *count) {
  struct script *script = (struct script *)body;
  script->has_waited = !script->has_waited;
  if (script->has_waited)
    return BODY_WAIT;
  struct view bytes = view_first(view_first(script->stream, script->piece), size);
  if (!bytes.length)
    return script->last;
  memcpy(buffer, bytes.at, bytes.length);
  script->stream = view_from(script->stream, bytes.length);
  *count = bytes.length;
  return BODY_BYTES;
}

static void release_script(struct body *body) {
  ++*((struct script *)body)->released;
  free(body);
}

static const struct body_kind script_kind = {read_script, release_script};

static struct body *scripted(struct view stream, size_t piece, enum body_read last, int *released) {
  struct script *script = malloc(sizeof *script);
  assert_non_null(script);
  *script = (struct script){
      .body = {&script_kind}, .stream = stream, .piece = piece, .last = last, .released = released};
  return &script->body;
}

/* Reads by `size` bytes until the end, across all waits. */
static enum body_read collect(struct body *body, size_t size, struct text *out) {
  char buffer[64];
  enum body_read read;
  size_t count = 0;
  while ((read = body_read(body, buffer, size, &count)) == BODY_BYTES || read == BODY_WAIT)
    if (read == BODY_BYTES)
      text_add(out, (struct view){buffer, count});
  return read;
}

/* --- masked --- */

static const struct {
  const char *secret, *stream, *shown;
} cases[] = {
    {"abc", "", ""},
    {"abc", "nothing of it", "nothing of it"},
    {"abc", "-abc-abcabc-", "-xxx-xxxxxx-"},
    {"abc", "abcab", "xxxab"},
    {"aab", "aaab", "axxx"},
    {"aabaac", "aabaabaac", "aabxxxxxx"},
    {"longer than a read", "longer than a read", "xxxxxxxxxxxxxxxxxx"},
};

static void a_secret_is_masked_across_reads(void **state) {
  (void)state;
  int released = 0, made = 0;
  for (size_t i = 0; i < COUNT(cases); i++)
    for (size_t piece = 1; piece < 20; piece++)
      for (size_t size = 1; size < 20; size++) {
        scope_text struct text out = {0};
        struct body *inner = scripted(view_of(cases[i].stream), piece, BODY_END, &released);
        struct body *body = body_masked(&inner, view_of(cases[i].secret));
        assert_null(inner);
        assert_int_equal(collect(body, size, &out), BODY_END);
        if (!view_is(text_view(&out), cases[i].shown))
          fail_msg("'%s' without '%s' by %zu and %zu came out as '%s'", cases[i].stream,
                   cases[i].secret, piece, size, text_string(&out));
        body_release(&body);
        assert_null(body);
        assert_int_equal(released, ++made);
      }
}

/* What is held back may be the beginning of the secret: it is not shown. */
static void a_break_is_passed_on(void **state) {
  (void)state;
  int released = 0;
  scope_text struct text out = {0};
  struct body *inner = scripted(VIEW("an abc, then ab"), 4, BODY_BROKEN, &released);
  struct body *body = body_masked(&inner, VIEW("abc"));
  assert_int_equal(collect(body, 3, &out), BODY_BROKEN);
  assert_string_equal(text_string(&out), "an xxx, then ");
  body_release(&body);
  assert_int_equal(released, 1);
}

static void without_a_secret_nothing_is_between(void **state) {
  (void)state;
  int released = 0;
  struct body *inner = scripted(VIEW("all of it"), 4, BODY_END, &released), *same = inner;
  struct body *body = body_masked(&inner, VIEW(""));
  assert_null(inner);
  assert_ptr_equal(body, same);
  body_release(&body);
  assert_int_equal(released, 1);
  assert_null(body_masked(&inner, VIEW("abc"))); /* no memory for the inner one */
  body_release(&inner);
}

/* Before a read, while it waits, with bytes held back, with bytes left, after the end. */
static void a_chain_is_released_in_every_state(void **state) {
  (void)state;
  char buffer[2];
  size_t count;
  for (int reads = 0; reads < 16; reads++) {
    int released = 0;
    struct body *inner = scripted(VIEW("abcabab"), 3, BODY_END, &released);
    struct body *body = body_masked(&inner, VIEW("abc"));
    body = body_masked(&body, VIEW("xx"));
    for (int i = 0; i < reads; i++)
      if (body_read(body, buffer, sizeof buffer, &count) == BODY_END)
        break;
    body_release(&body);
    assert_int_equal(released, 1);
    body_release(&body);
    assert_int_equal(released, 1);
  }
}

/* --- rows --- */

static const struct reader_shape shape = {.rows = VIEW("refpages")};
#define TWO_ROWS \
  "{\"refpages\":[{\"type\":\"new\",\"alt\":\"x\"},{\"type\":\"lost\",\"alt\":\"y\"}]}"

static struct body *types_of(struct view stream, size_t piece, enum body_read last, int64_t count,
                             const struct writer_form *form, int *released) {
  struct body *inner = scripted(stream, piece, last, released);
  const struct body_rows_order order = {
      .shape = &shape,
      .max_depth = 9,
      .recipe = {.columns = UINT32_C(1) << SCHEMA_type, .limit = -1},
      .form = form,
      .count = count,
      .request = "x"};
  struct body *body = body_rows(&inner, &order);
  assert_null(inner);
  return body;
}

static const struct {
  const char *stream;
  enum body_read last;
  int64_t count;
  const struct writer_form *form;
  enum body_read end;
  const char *shown;
} rewritten[] = {
    {TWO_ROWS, BODY_END, -1, &writer_json, BODY_END,
     "{\"refpages\":[{\"type\":\"new\"},{\"type\":\"lost\"}]}"},
    {"{\"refpages\":[]}", BODY_END, 0, &writer_json, BODY_END, "{\"refpages\":[]}"},
    {TWO_ROWS, BODY_END, 2, &php_form, BODY_END,
     "a:1:{s:8:\"refpages\";a:2:{i:0;a:1:{s:4:\"type\";s:3:\"new\";}i:1;a:1:{s:4:\"type\";s:4:"
     "\"lost\";}}}"},
    /* what breaks off stays broken off */
    {TWO_ROWS, BODY_BROKEN, -1, &writer_json, BODY_BROKEN, NULL},
    {"{\"refpages\":[{\"type\":\"new\"}", BODY_END, -1, &writer_json, BODY_BROKEN, NULL},
    /* what cannot be made is not passed on as whole */
    {"{\"refpages\":[{\"alt\":\"x\"}]}", BODY_END, -1, &writer_json, BODY_BROKEN, NULL},
    {TWO_ROWS, BODY_END, 3, &php_form, BODY_BROKEN, NULL},
    {"{\"error\":\"no\"}", BODY_END, -1, &writer_json, BODY_BROKEN, NULL},
};

static void an_answer_is_made_of_another(void **state) {
  (void)state;
  int released = 0, made = 0;
  for (size_t i = 0; i < COUNT(rewritten); i++)
    for (size_t piece = 1; piece < 40; piece += 3) {
      scope_text struct text out = {0};
      struct body *body = types_of(view_of(rewritten[i].stream), piece, rewritten[i].last,
                                   rewritten[i].count, rewritten[i].form, &released);
      assert_int_equal(collect(body, piece, &out), rewritten[i].end);
      if (rewritten[i].shown)
        assert_string_equal(text_string(&out), rewritten[i].shown);
      body_release(&body);
      assert_int_equal(released, ++made);
    }
}

static void an_answer_that_is_made_is_released_in_every_state(void **state) {
  (void)state;
  char buffer[3];
  size_t count;
  for (int reads = 0; reads < 60; reads++) {
    int released = 0;
    struct body *body = types_of(VIEW(TWO_ROWS), 4, BODY_END, -1, &writer_json, &released);
    for (int i = 0; i < reads; i++)
      if (body_read(body, buffer, sizeof buffer, &count) == BODY_END)
        break;
    body_release(&body);
    assert_int_equal(released, 1);
  }
  struct body *none = NULL;
  assert_null(body_rows(&none, &(struct body_rows_order){0})); /* no memory for the inner one */
}

/* --- stored --- */

static struct cache *cache;

static int open_cache(void **state) {
  struct fault fault;
  const struct cache_bounds bounds = {.max_size = PLENTY};
  return make_directory(state) == 0 && cache_open(directory, &bounds, &cache, &fault) ? 0 : -1;
}

/* cache_close() checks that nothing is held. */
static int close_cache(void **state) {
  cache_close(&cache);
  return remove_directory(state);
}

static struct digest key_of(int64_t number) {
  return digest_sha256((struct view){(const char *)&number, sizeof number});
}

static struct cache_writer *begin_storing(int64_t number) {
  const struct cache_subject subject = {
      .key = key_of(number), .normal = VIEW("from=backlinks"), .target = VIEW("a.example")};
  struct cache_writer *writer;
  struct fault fault;
  assert_true(cache_begin(cache, &subject, &writer, &fault));
  return writer;
}

/* A result of `length` bytes, under its length. */
static void store(int64_t length) {
  struct cache_writer *writer = begin_storing(length);
  struct cache_result result = {.results = 1, .body_length = length};
  char bytes[CACHE_CHUNK_SIZE];
  struct wait wait;
  for (int64_t at = 0; at < length; at += CHUNK) {
    size_t count = (size_t)(length - at < CHUNK ? length - at : CHUNK);
    fill(bytes, at, count);
    wait_begin(&wait);
    cache_append(writer, (struct view){bytes, count}, wake, &wait);
    assert_true(wait_for(&wait));
  }
  wait_begin(&wait);
  cache_publish(&writer, &result, wake, &wait);
  assert_true(wait_for(&wait));
}

static struct body *stored(int64_t length) {
  struct digest key = key_of(length);
  struct cache_hold *hold = cache_find(cache, &key);
  assert_non_null(hold);
  struct body *body = body_stored(&hold, "request");
  assert_null(hold);
  assert_non_null(body);
  return body;
}

static const size_t sizes[] = {1000, CACHE_CHUNK_SIZE - 1, CACHE_CHUNK_SIZE, CACHE_CHUNK_SIZE + 1,
                               4 * CACHE_CHUNK_SIZE};

static void a_stored_result_is_read_by_any_size(void **state) {
  (void)state;
  const int64_t lengths[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    store(lengths[i]);
    for (size_t j = 0; j < COUNT(sizes); j++) {
      enum body_read last;
      struct body *body = stored(lengths[i]);
      assert_int_equal(drain(body, 0, sizes[j], &last), lengths[i]);
      assert_int_equal(last, BODY_END);
      body_release(&body);
    }
  }
}

static void a_stored_result_is_released_in_every_state(void **state) {
  (void)state;
  store(2 * CHUNK + 9);
  for (int reads = 0; reads <= 4; reads++) {
    char bytes[CACHE_CHUNK_SIZE];
    size_t count;
    struct body *body = stored(2 * CHUNK + 9);
    for (int i = 0; i < reads; i++)
      assert_int_equal(body_read(body, bytes, sizeof bytes, &count), i < 3 ? BODY_BYTES : BODY_END);
    body_release(&body);
    assert_null(body);
  }
}

/* Half of it is not taken for all. */
static void a_damaged_result_breaks(void **state) {
  (void)state;
  enum body_read last;
  store(3 * CHUNK);
  struct body *body = stored(3 * CHUNK);
  database_change("cache.db", "DELETE FROM chunk WHERE (id & 0xffffff) = 1");
  assert_int_equal(drain(body, 0, CACHE_CHUNK_SIZE, &last), CHUNK);
  assert_int_equal(last, BODY_BROKEN);
  body_release(&body);
}

/* --- flight --- */

/* The owner of a flight, which stores what comes if it has a writer. */
struct owner {
  struct flight *flight;
  struct cache_writer *writer;
  struct cache_hold *hold;
  atomic_llong saved;
  struct wait released;
};

static void on_saved(void *context, bool ok, const struct fault *fault) {
  (void)fault;
  struct owner *owner = context;
  struct flight *flight = owner->flight;
  CHECK(ok);
  flight_chunk_saved(flight, atomic_fetch_add(&owner->saved, 1));
  flight_release(&flight);
}

static void on_chunk(void *context, struct view bytes) {
  struct owner *owner = context;
  flight_hold(owner->flight);
  cache_append(owner->writer, bytes, on_saved, owner);
}

static void on_ended(void *context) {
  (void)context;
}

static void on_released(void *context) {
  struct owner *owner = context;
  cache_abandon(&owner->writer);
  cache_release(&owner->hold);
  wake(&owner->released, true, &(struct fault){0});
}

static const struct flight_owner flight_owner = {on_chunk, on_ended, on_released};

static void on_room(void *context, struct flight *flight) {
  (void)context, (void)flight;
}

static const struct flight_writer flight_writer = {on_room, on_room};

/* Begins a flight that is stored as result `number`, or that is not: 0. */
static void begin(struct owner *owner, int64_t number) {
  *owner = (struct owner){.writer = number ? begin_storing(number) : NULL};
  if (number)
    owner->hold = cache_writer_hold(owner->writer);
  wait_begin(&owner->released);
  owner->flight = flight_create(&flight_owner, owner, number != 0);
  assert_non_null(owner->flight);
  flight_set_writer(owner->flight, &flight_writer, owner);
}

static void feed(struct owner *owner, int64_t count) {
  char bytes[FLIGHT_CHUNK_SIZE];
  struct flight_state state;
  flight_peek(owner->flight, &state);
  fill(bytes, state.length, (size_t)count);
  assert_true(flight_feed(owner->flight, (struct view){bytes, (size_t)count}));
}

static void conclude(struct owner *owner, enum answer_outcome outcome) {
  flight_end(owner->flight, &(struct answer_verdict){.outcome = outcome});
  flight_conclude(owner->flight);
}

/* After the body's release, which has left the flight. The keeper may hold it a little longer, for
 * the last chunk that it has saved. */
static void finish(struct owner *owner) {
  flight_release(&owner->flight);
  assert_true(wait_for(&owner->released));
}

static void count_wake(void *context) {
  atomic_fetch_add((atomic_int *)context, 1);
}

static struct body *reading(struct owner *owner, atomic_int *wakes) {
  struct flight_reader *reader = flight_join(owner->flight, count_wake, wakes);
  assert_non_null(reader);
  struct body *body = body_flight(&reader, owner->hold, "request");
  assert_null(reader);
  assert_non_null(body);
  return body;
}

/* What is there, a wait for each time that there is no more, and the rest at the end. */
static void a_flight_is_read_as_it_comes(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct owner owner;
    atomic_int wakes = 0;
    enum body_read last;
    begin(&owner, 0);
    struct body *body = reading(&owner, &wakes);
    assert_int_equal(drain(body, 0, sizes[i], &last), 0);
    assert_int_equal(last, BODY_WAIT);
    feed(&owner, CHUNK);
    feed(&owner, 5);
    assert_int_equal(wakes, 1);
    assert_int_equal(drain(body, 0, sizes[i], &last), CHUNK);
    assert_int_equal(last, BODY_WAIT);
    conclude(&owner, ANSWER_COMPLETE);
    assert_int_equal(wakes, 2);
    assert_int_equal(drain(body, CHUNK, sizes[i], &last), CHUNK + 5);
    assert_int_equal(last, BODY_END);
    body_release(&body);
    finish(&owner);
  }
}

static void a_broken_flight_breaks(void **state) {
  (void)state;
  struct owner owner;
  atomic_int wakes = 0;
  enum body_read last;
  begin(&owner, 0);
  struct body *body = reading(&owner, &wakes);
  feed(&owner, CHUNK);
  feed(&owner, 5);
  assert_int_equal(drain(body, 0, 100, &last), CHUNK);
  conclude(&owner, ANSWER_BROKEN);
  assert_int_equal(drain(body, CHUNK, 100, &last), CHUNK);
  assert_int_equal(last, BODY_BROKEN);
  body_release(&body);
  finish(&owner);
}

/* Nothing wakes after the release. */
static void a_flight_is_released_in_every_state(void **state) {
  (void)state;
  enum { UNREAD, WAITING, READ_IN_PART, WOKEN, STATES };
  for (int released = UNREAD; released < STATES; released++) {
    struct owner owner;
    atomic_int wakes = 0;
    enum body_read last;
    begin(&owner, 0);
    struct body *body = reading(&owner, &wakes);
    if (released >= READ_IN_PART) {
      feed(&owner, CHUNK);
      feed(&owner, 5);
    }
    if (released >= WAITING)
      drain(body, 0, 100, &last);
    if (released == WOKEN)
      conclude(&owner, ANSWER_COMPLETE);
    int before = wakes;
    body_release(&body);
    if (released != WOKEN)
      conclude(&owner, ANSWER_COMPLETE);
    assert_int_equal(wakes, before);
    finish(&owner);
  }
}

/* Its first chunks have left memory. */
static void a_slow_reader_reads_from_the_store(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct owner owner;
    atomic_int wakes = 0;
    enum body_read last;
    const int64_t chunks = 3 * FLIGHT_WINDOW, length = chunks * CHUNK + 5;
    begin(&owner, length);
    struct body *body = reading(&owner, &wakes), *unread = reading(&owner, &wakes);
    for (int64_t number = 0; number < chunks; number++) {
      feed(&owner, CHUNK);
      while (atomic_load(&owner.saved) < number)
        sched_yield();
    }
    feed(&owner, 5);
    int64_t position = drain(body, 0, sizes[i], &last);
    assert_int_equal(position, chunks * CHUNK);
    assert_int_equal(last, BODY_WAIT);
    conclude(&owner, ANSWER_COMPLETE);
    assert_int_equal(drain(body, position, sizes[i], &last), length);
    assert_int_equal(last, BODY_END);
    body_release(&body);
    assert_int_equal(drain(unread, 0, sizes[i], &last), length);
    body_release(&unread);
    while (atomic_load(&owner.saved) <= chunks)
      sched_yield();
    finish(&owner);
  }
}

/* A chain from end to end, as an answer to somebody else's token. */
static void a_flight_is_masked(void **state) {
  (void)state;
  struct owner owner;
  atomic_int wakes = 0;
  scope_text struct text out = {0};
  begin(&owner, 0);
  struct body *body = reading(&owner, &wakes);
  body = body_masked(&body, VIEW("token-of-upstream"));
  struct view said = VIEW("{\"error\":\"no such token: token-of-upstream\"}");
  assert_true(flight_feed(owner.flight, view_first(said, 35)));
  assert_true(flight_feed(owner.flight, view_from(said, 35)));
  conclude(&owner, ANSWER_REFUSED);
  assert_int_equal(collect(body, 7, &out), BODY_END);
  assert_string_equal(text_string(&out), "{\"error\":\"no such token: xxxxxxxxxxxxxxxxx\"}");
  body_release(&body);
  finish(&owner);
}

int main(void) {
  const struct CMUnitTest changed[] = {
      cmocka_unit_test(a_secret_is_masked_across_reads),
      cmocka_unit_test(a_break_is_passed_on),
      cmocka_unit_test(without_a_secret_nothing_is_between),
      cmocka_unit_test(a_chain_is_released_in_every_state),
      cmocka_unit_test(an_answer_is_made_of_another),
      cmocka_unit_test(an_answer_that_is_made_is_released_in_every_state),
  };
  const struct CMUnitTest others[] = {
      cmocka_unit_test(a_stored_result_is_read_by_any_size),
      cmocka_unit_test(a_stored_result_is_released_in_every_state),
      cmocka_unit_test(a_damaged_result_breaks),
      cmocka_unit_test(a_flight_is_read_as_it_comes),
      cmocka_unit_test(a_broken_flight_breaks),
      cmocka_unit_test(a_flight_is_released_in_every_state),
      cmocka_unit_test(a_slow_reader_reads_from_the_store),
      cmocka_unit_test(a_flight_is_masked),
  };
  return cmocka_run_group_tests_name("changed", changed, NULL, NULL) +
         cmocka_run_group_tests_name("bodies", others, open_cache, close_cache);
}

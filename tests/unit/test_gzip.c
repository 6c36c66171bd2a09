/* Gzip of a text, and of bodies that wait, break, are empty or huge. */
#include "unit/fixture/unit.h"

#include "http/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define HUGE_LENGTH ((size_t)8 * 1024 * 1024)

/* --- an inner body that a test writes --- */

/* Gives `stream` by `piece` bytes and ends as `last` says; may ask to wait before each piece. */
struct script {
  struct body body;
  struct view stream; /* what it has not given */
  size_t length, piece;
  enum body_read last;
  bool waits, has_waited;
  bool stops;     /* waits, once it has given a piece */
  bool has_ended; /* is not read again */
};

static int released;

static enum body_read read_script(struct body *body, char *buffer, size_t size, size_t *count) {
  struct script *script = (struct script *)body;
  assert_false(script->has_ended);
  script->has_waited = !script->has_waited;
  bool is_stopped = script->stops && script->stream.length < script->length;
  if ((script->waits && script->has_waited) || is_stopped)
    return BODY_WAIT;
  struct view bytes = view_first(view_first(script->stream, script->piece), size);
  if (!bytes.length) {
    script->has_ended = true;
    return script->last;
  }
  memcpy(buffer, bytes.at, bytes.length);
  script->stream = view_from(script->stream, bytes.length);
  *count = bytes.length;
  return BODY_BYTES;
}

static void release_script(struct body *body) {
  released++;
  free(body);
}

static const struct body_kind script_kind = {read_script, release_script};

static struct body *scripted(struct view stream, size_t piece, bool waits, enum body_read last) {
  struct script *script = calloc(1, sizeof *script);
  assert_non_null(script);
  *script = (struct script){.body = {&script_kind},
                            .stream = stream,
                            .length = stream.length,
                            .piece = piece,
                            .last = last,
                            .waits = waits};
  released = 0;
  return &script->body;
}

/* --- the client's side --- */

struct unpacked {
  z_stream stream;
  struct text bytes;
  bool has_ended;
};

static void unpack_begin(struct unpacked *unpacked) {
  *unpacked = (struct unpacked){0};
  assert_int_equal(inflateInit2(&unpacked->stream, 15 + 16), Z_OK);
}

static void unpack(struct unpacked *unpacked, struct view packed) {
  z_stream *stream = &unpacked->stream;
  Bytef piece[4096];
  stream->next_in = (Bytef *)packed.at;
  stream->avail_in = (uInt)packed.length;
  int result;
  do {
    stream->next_out = piece;
    stream->avail_out = sizeof piece;
    result = inflate(stream, Z_SYNC_FLUSH);
    assert_true(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    text_add(&unpacked->bytes, (struct view){(char *)piece, sizeof piece - stream->avail_out});
  } while (!stream->avail_out && result != Z_STREAM_END);
  unpacked->has_ended |= result == Z_STREAM_END;
  assert_int_equal(stream->avail_in, 0); /* nothing follows the end */
}

static void unpack_end(struct unpacked *unpacked) {
  inflateEnd(&unpacked->stream);
  text_free(&unpacked->bytes);
}

static void assert_unpacked(const struct unpacked *unpacked, struct view expected) {
  assert_true(text_ok(&unpacked->bytes));
  assert_int_equal(unpacked->bytes.length, expected.length);
  assert_memory_equal(text_view(&unpacked->bytes).at, expected.at, expected.length);
}

/* Something that can be compressed, but not to nothing. */
static struct view sample(char *bytes, size_t length) {
  unsigned state = 1;
  for (size_t i = 0; i < length; i++) {
    state = state * 1103515245 + 12345;
    bytes[i] = (char)('a' + (state >> 16) % 11);
  }
  return (struct view){bytes, length};
}

/* Reads to the end by `size` bytes. At each wait the client must be able to unpack all that the
 * inner body gave. */
static enum body_read drain(struct body *body, struct body *inner, struct view stream, size_t size,
                            struct unpacked *unpacked) {
  char *buffer = malloc(size);
  assert_non_null(buffer);
  for (;;) {
    size_t count = 0;
    enum body_read read = body_read(body, buffer, size, &count);
    if (read == BODY_BYTES) {
      assert_in_range(count, 1, size);
      unpack(unpacked, (struct view){buffer, count});
    } else if (read == BODY_WAIT) {
      size_t given = stream.length - ((struct script *)inner)->stream.length;
      assert_unpacked(unpacked, view_first(stream, given));
    } else {
      free(buffer);
      assert_int_equal(body_read(body, (char[64]){0}, 64, &count), read);
      return read;
    }
  }
}

static void check(struct view stream, size_t piece, bool waits, enum body_read last, size_t size) {
  struct unpacked unpacked;
  struct body *inner = scripted(stream, piece, waits, last), *seen = inner;
  struct body *body = gzip_body(&inner, -1);
  assert_true(body && !inner);
  unpack_begin(&unpacked);
  assert_int_equal(drain(body, seen, stream, size, &unpacked), last);
  assert_unpacked(&unpacked, stream);
  assert_int_equal(unpacked.has_ended, last == BODY_END);
  unpack_end(&unpacked);
  body_release(&body);
  assert_int_equal(released, 1);
}

/* --- the tests --- */

static char bytes[HUGE_LENGTH];

static void a_body_comes_out_as_it_went_in(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 15, 16, 17, 63, 1000, 65536};
  static const size_t pieces[] = {1, 7, 4096, 1 << 20};
  static const size_t lengths[] = {0, 1, 100, 16 * 1024, 16 * 1024 + 1, 100000};
  for (size_t i = 0; i < COUNT(lengths); i++)
    for (size_t j = 0; j < COUNT(pieces); j++)
      for (size_t k = 0; k < COUNT(sizes); k++)
        for (int waits = 0; waits < 2; waits++) {
          size_t length = pieces[j] < 7 && lengths[i] > 100 ? 100 : lengths[i];
          check(sample(bytes, length), pieces[j], waits, BODY_END, sizes[k]);
        }
}

static void a_huge_body_comes_out_whole(void **state) {
  (void)state;
  check(sample(bytes, HUGE_LENGTH), 1 << 16, false, BODY_END, 1 << 16);
  check(sample(bytes, HUGE_LENGTH), 1 << 16, true, BODY_END, 1 << 16);
  memset(bytes, 'x', HUGE_LENGTH); /* much goes in before anything comes out */
  check((struct view){bytes, HUGE_LENGTH}, 1 << 16, false, BODY_END, 100);
}

static void a_broken_body_gives_what_came_and_has_no_end(void **state) {
  (void)state;
  for (size_t size = 1; size < 100; size++)
    for (int waits = 0; waits < 2; waits++) {
      check(sample(bytes, 1000), 300, waits, BODY_BROKEN, size);
      check(sample(bytes, 0), 300, waits, BODY_BROKEN, size);
    }
}

static void a_body_can_be_released_at_any_moment(void **state) {
  (void)state;
  char buffer[1];
  for (int reads = 0; reads < 40; reads++) {
    struct body *inner = scripted(sample(bytes, 100), 30, true, BODY_END);
    struct body *body = gzip_body(&inner, -1);
    for (int i = 0; i < reads; i++) {
      size_t count;
      assert_int_not_equal(body_read(body, buffer, 1, &count), BODY_BROKEN);
    }
    body_release(&body);
    assert_int_equal(released, 1);
  }
  struct body *none = NULL;
  assert_null(gzip_body(&none, -1));
}

static void assert_gzip(const struct text *gzip, struct view expected) {
  struct unpacked unpacked;
  unpack_begin(&unpacked);
  unpack(&unpacked, text_view(gzip));
  assert_true(unpacked.has_ended);
  assert_unpacked(&unpacked, expected);
  unpack_end(&unpacked);
}

static void a_short_body_can_be_taken_at_once(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 511, 513, 5000, (size_t)GZIP_SHORT};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    scope_text struct text out = {0};
    struct view stream = sample(bytes, lengths[i]);
    struct body *inner = scripted(stream, 1000, false, BODY_END);
    struct body *body = gzip_body(&inner, (int64_t)stream.length);
    assert_true(gzip_take_all(body, &out));
    assert_gzip(&out, stream);
    body_release(&body);
  }
}

/* What was compressed until then is not lost. */
static void one_that_waits_or_breaks_is_read_as_ever(void **state) {
  (void)state;
  struct view stream = sample(bytes, 50000);
  for (int stops = 0; stops < 2; stops++)
    for (size_t size = 10; size < 100000; size *= 10) {
      enum body_read last = stops ? BODY_END : BODY_BROKEN;
      scope_text struct text out = {0};
      struct unpacked unpacked;
      struct body *inner = scripted(stream, 30000, false, last);
      struct body *seen = inner, *body = gzip_body(&inner, (int64_t)stream.length);
      ((struct script *)seen)->stops = stops;
      assert_false(gzip_take_all(body, &out));
      assert_int_equal(out.length, 0);
      ((struct script *)seen)->stops = false;
      unpack_begin(&unpacked);
      assert_int_equal(drain(body, seen, stream, size, &unpacked), last);
      assert_unpacked(&unpacked, stream);
      unpack_end(&unpacked);
      body_release(&body);
    }
}

static void a_text_comes_out_as_it_went_in(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 80, 512, 513, 70000, 3000000};
  for (size_t i = 0; i < COUNT(lengths); i++) {
    scope_text struct text out = {0};
    gzip_text(sample(bytes, lengths[i]), &out);
    assert_true(text_ok(&out));
    assert_gzip(&out, (struct view){bytes, lengths[i]});
  }
  scope_text struct text narrow = {.limit = 1000};
  gzip_text(sample(bytes, 100000), &narrow);
  assert_false(text_ok(&narrow));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_body_comes_out_as_it_went_in),
      cmocka_unit_test(a_huge_body_comes_out_whole),
      cmocka_unit_test(a_broken_body_gives_what_came_and_has_no_end),
      cmocka_unit_test(a_body_can_be_released_at_any_moment),
      cmocka_unit_test(a_short_body_can_be_taken_at_once),
      cmocka_unit_test(one_that_waits_or_breaks_is_read_as_ever),
      cmocka_unit_test(a_text_comes_out_as_it_went_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

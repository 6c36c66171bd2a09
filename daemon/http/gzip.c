#include "http/gzip.h"

#include <stdlib.h>
#include <zlib.h>

/* Measured with zlib 1.2.13 on 330 KB of v2's JSON (about 500 links), one core of the machine that
 * tests/bench/README.md describes; milliseconds of CPU, and how many times smaller:
 *
 *   level 1  1.3 ms  5.9       level 4  2.2 ms  7.2
 *   level 2  1.4 ms  6.4       level 6  3.8 ms  8.4
 *   level 3  1.8 ms  6.9       level 9  8.8 ms  9.0
 *
 * A local network carries the difference in less time than a higher level takes. */
#define LEVEL 1

/* For a body that a slow client may keep open, with thousands of others. At level 1: a window of
 * 2^15 and memory 8 take 261 KiB (1.3 ms, 5.9); 2^14 and 6 take 101 KiB (1.6 ms, 5.5); 2^13 and 6
 * take 69 KiB (1.9 ms, 4.8). */
#define LONG_WINDOW 14
#define LONG_MEMORY 6
/* For what is compressed at once, and its memory freed. */
#define ONCE_MEMORY 8

#define LEAST_WINDOW 9
#define MOST_WINDOW 15
#define GZIP_WRAPPER 16 /* added to the window: gzip's head and trailer, not zlib's */

#define INPUT_SIZE ((size_t)16 * 1024)
#define MOST_INPUT ((uLong)1024 * 1024) /* bytes for one read */
/* zlib repeats the mark of a flush where it has less room than six bytes. */
#define LEAST_OUTPUT 16

/* No larger than `length` needs: zlib fills its memory with zeros first. */
static int window_for(uint64_t length) {
  int window = LEAST_WINDOW;
  while (window < MOST_WINDOW && (UINT64_C(1) << window) < length)
    window++;
  return window;
}

static bool begin(z_stream *stream, int window, int memory) {
  *stream = (z_stream){0};
  return deflateInit2(stream, LEVEL, Z_DEFLATED, window + GZIP_WRAPPER, memory,
                      Z_DEFAULT_STRATEGY) == Z_OK;
}

/* --- a text --- */

#define PIECE_SIZE ((size_t)16 * 1024)

void gzip_text(struct view bytes, struct text *out) {
  z_stream stream;
  Bytef piece[PIECE_SIZE];
  CHECK(bytes.length <= UINT32_MAX); /* zlib's counts */
  if (!begin(&stream, window_for(bytes.length), ONCE_MEMORY)) {
    out->failed = true;
    return;
  }
  stream.next_in = (Bytef *)bytes.at;
  stream.avail_in = (uInt)bytes.length;
  int result;
  do {
    stream.next_out = piece;
    stream.avail_out = sizeof piece;
    result = deflate(&stream, Z_FINISH);
    text_add(out, (struct view){(char *)piece, sizeof piece - stream.avail_out});
  } while (result == Z_OK && text_ok(out));
  CHECK(result == Z_STREAM_END || !text_ok(out));
  deflateEnd(&stream);
}

/* --- a body --- */

struct coder {
  z_stream stream;
  char input[INPUT_SIZE];
};

struct gzip {
  struct body body;
  struct body *inner;
  int64_t length;      /* of the inner body; negative: not known */
  struct coder *coder; /* NULL: not yet, or no longer */
  enum body_read last; /* of the inner body; BODY_BYTES before the first */
  bool is_idle;        /* all that came has left the coder */
  struct text ready;   /* compressed beforehand, and from `given` on not given yet */
  size_t given;
};

static void drop_coder(struct gzip *gzip) {
  struct coder *coder = steal(gzip->coder);
  if (coder)
    deflateEnd(&coder->stream);
  free(coder);
}

static bool make_coder(struct gzip *gzip) {
  bool is_short = gzip->length >= 0 && gzip->length <= GZIP_SHORT;
  int window = is_short ? window_for((uint64_t)gzip->length) : LONG_WINDOW;
  struct coder *coder = malloc(sizeof *coder);
  if (coder && begin(&coder->stream, window, is_short ? ONCE_MEMORY : LONG_MEMORY)) {
    gzip->coder = coder;
    return true;
  }
  free(coder);
  return false;
}

static bool has_ended(const struct gzip *gzip) {
  return gzip->last == BODY_END || gzip->last == BODY_BROKEN;
}

/* Reads the inner body, unless something is to be compressed first. */
static void take_in(struct gzip *gzip) {
  z_stream *stream = &gzip->coder->stream;
  size_t count = 0;
  if (has_ended(gzip) || (!gzip->is_idle && (stream->avail_in || gzip->last != BODY_BYTES)))
    return;
  gzip->last = body_read(gzip->inner, gzip->coder->input, INPUT_SIZE, &count);
  if (gzip->last == BODY_BYTES) {
    stream->next_in = (Bytef *)gzip->coder->input;
    stream->avail_in = (uInt)count;
  }
  if (gzip->last == BODY_BYTES || gzip->last == BODY_END) /* the end has bytes of its own */
    gzip->is_idle = false;
}

/* All of what came must leave the coder where nothing follows it at once. */
static int flush_of(enum body_read last) {
  switch (last) {
  case BODY_BYTES:
    return Z_NO_FLUSH;
  case BODY_END:
    return Z_FINISH;
  case BODY_WAIT:
  case BODY_BROKEN:
    break;
  }
  return Z_SYNC_FLUSH;
}

static void compress_on(struct gzip *gzip) {
  z_stream *stream = &gzip->coder->stream;
  int flush = flush_of(gzip->last);
  int result = deflate(stream, flush);
  CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
  gzip->is_idle = result == Z_STREAM_END || (flush == Z_SYNC_FLUSH && stream->avail_out > 0);
}

/* A read must not take long, however little comes out of much. */
static bool has_more_to_do(const z_stream *stream, uLong before, size_t size) {
  return stream->avail_out == size ||
         (stream->avail_out >= LEAST_OUTPUT && stream->total_in - before < MOST_INPUT);
}

/* Fills `buffer`, of at least LEAST_OUTPUT bytes, with what can be compressed now. */
static enum body_read fill(struct gzip *gzip, char *buffer, size_t size, size_t *count) {
  if (gzip->is_idle && has_ended(gzip))
    return gzip->last;
  if (!gzip->coder && !make_coder(gzip)) {
    gzip->is_idle = true;
    return gzip->last = BODY_BROKEN;
  }
  z_stream *stream = &gzip->coder->stream;
  stream->next_out = (Bytef *)buffer;
  stream->avail_out = (uInt)size;
  uLong before = stream->total_in;
  while (take_in(gzip), !gzip->is_idle && has_more_to_do(stream, before, size))
    compress_on(gzip);
  *count = size - stream->avail_out;
  if (gzip->is_idle && has_ended(gzip))
    drop_coder(gzip);
  return *count ? BODY_BYTES : gzip->last;
}

/* Compresses more into `ready`. */
static enum body_read prepare(struct gzip *gzip, size_t size) {
  char piece[PIECE_SIZE];
  size_t count = 0;
  enum body_read read = fill(gzip, piece, size, &count);
  text_add(&gzip->ready, (struct view){piece, count});
  if (text_ok(&gzip->ready))
    return read;
  gzip->is_idle = true;
  return gzip->last = BODY_BROKEN;
}

static size_t give(struct gzip *gzip, char *buffer, size_t size) {
  struct view bytes = view_first(view_from(text_view(&gzip->ready), gzip->given), size);
  memcpy(buffer, bytes.at, bytes.length);
  gzip->given += bytes.length;
  if (gzip->given == gzip->ready.length) {
    text_free(&gzip->ready);
    gzip->given = 0;
  }
  return bytes.length;
}

static enum body_read read_gzip(struct body *body, char *buffer, size_t size, size_t *count) {
  struct gzip *gzip = (struct gzip *)body;
  if (!gzip->ready.length && size >= LEAST_OUTPUT)
    return fill(gzip, buffer, size, count);
  enum body_read read = gzip->ready.length ? BODY_BYTES : prepare(gzip, LEAST_OUTPUT);
  if (read == BODY_BYTES)
    *count = give(gzip, buffer, size);
  return read;
}

static void release_gzip(struct body *body) {
  struct gzip *gzip = (struct gzip *)body;
  drop_coder(gzip);
  body_release(&gzip->inner);
  text_free(&gzip->ready);
  free(gzip);
}

static const struct body_kind kind = {read_gzip, release_gzip};

struct body *gzip_body(struct body **inner, int64_t length) {
  struct gzip *gzip = *inner ? calloc(1, sizeof *gzip) : NULL;
  if (!gzip) {
    body_release(inner);
    return NULL;
  }
  gzip->body.kind = &kind;
  gzip->inner = steal(*inner);
  gzip->length = length;
  gzip->last = BODY_BYTES;
  gzip->is_idle = true;
  return &gzip->body;
}

bool gzip_take_all(struct body *body, struct text *out) {
  CHECK(body->kind == &kind && !out->length);
  struct gzip *gzip = (struct gzip *)body;
  enum body_read read;
  do
    read = prepare(gzip, PIECE_SIZE);
  while (read == BODY_BYTES);
  if (read != BODY_END)
    return false;
  text_free(out);
  *out = gzip->ready;
  gzip->ready = (struct text){0};
  return true;
}

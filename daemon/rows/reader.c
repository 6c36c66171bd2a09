#include "rows/reader.h"

#include "base/scope.h"
#include "base/utf8.h"

#include <stdio.h>
#include <yajl/yajl_parse.h>

static const struct view byte_order_mark = VIEW("\xef\xbb\xbf");

/* Depth 0 is outside, 1 in the top-level object, 2 in one of its members. */
struct reader {
  yajl_handle yajl;
  struct view rows; /* the name of the array; empty: any */
  int64_t max_depth, depth;
  int64_t results;
  size_t since_event; /* bytes since yajl last reported a value: a bound on its buffer */
  size_t mark;        /* bytes of a byte order mark so far */
  bool counting;      /* in an array whose elements are rows */
  bool wants_array;   /* the member just named may be an array of rows */
  bool in_error;      /* the member just named, and its value, is `error` */
  bool seen_rows, seen_other, seen_error, error_says_something;
  bool past_mark, began, ended;
  struct utf8 utf8;
  bool broken;
  struct fault fault; /* the first one */
};

static bool has_name(const struct reader *reader) {
  return reader->rows.length > 0;
}

static int refuse(struct reader *reader, const char *why) {
  if (!reader->broken)
    fault_set(&reader->fault, FAULT_UPSTREAM, "upstream's answer is broken: %s", why);
  reader->broken = true;
  return 0;
}

/* The reason names the array of rows. */
static int refuse_rows(struct reader *reader, const char *before, const char *after) {
  char why[128];
  snprintf(why, sizeof why, "%s'%.*s'%s", before, (int)reader->rows.length, reader->rows.at, after);
  return refuse(reader, why);
}

/* An ARRAY or a MAP has only begun. EMPTY: false, or "". */
enum weight { WEIGHT_NULL, WEIGHT_EMPTY, WEIGHT_FULL, WEIGHT_ARRAY, WEIGHT_MAP };

/* The value of a member of the top-level object. */
static int begin_member(struct reader *reader, enum weight weight) {
  bool wanted = reader->wants_array;
  reader->wants_array = false;
  if (reader->in_error && weight == WEIGHT_FULL)
    reader->error_says_something = true;
  if (wanted && weight != WEIGHT_NULL && weight != WEIGHT_ARRAY && has_name(reader))
    return refuse_rows(reader, "", " is no array");
  reader->counting = wanted && weight == WEIGHT_ARRAY;
  return 1;
}

/* Every value passes here before anything else is done with it. */
static int begin_value(struct reader *reader, enum weight weight) {
  reader->since_event = 0;
  if (reader->depth == 0)
    return refuse(reader, "it is no JSON object");
  if (reader->depth == 1)
    return begin_member(reader, weight);
  if (reader->in_error)
    reader->error_says_something = true;
  if (reader->depth == 2 && reader->counting)
    reader->results++;
  return 1;
}

static int deeper(struct reader *reader) {
  if (++reader->depth > reader->max_depth)
    return refuse(reader, "it is nested too deep (upstream.max_depth)");
  return 1;
}

static int on_null(void *context) {
  return begin_value(context, WEIGHT_NULL);
}

static int on_boolean(void *context, int value) {
  return begin_value(context, value ? WEIGHT_FULL : WEIGHT_EMPTY);
}

static int on_text(void *context, const unsigned char *text, size_t length) {
  (void)text;
  return begin_value(context, length ? WEIGHT_FULL : WEIGHT_EMPTY);
}

static int on_number(void *context, const char *text, size_t length) {
  (void)text, (void)length;
  return begin_value(context, WEIGHT_FULL);
}

static int on_start_map(void *context) {
  struct reader *reader = context;
  if (reader->depth == 0 && !reader->began) {
    reader->since_event = 0;
    reader->began = true;
    return deeper(reader);
  }
  return begin_value(reader, WEIGHT_MAP) && deeper(reader);
}

static int on_start_array(void *context) {
  return begin_value(context, WEIGHT_ARRAY) && deeper(context);
}

static int on_end(void *context) {
  struct reader *reader = context;
  reader->since_event = 0;
  if (--reader->depth == 1)
    reader->counting = false;
  /* Stops yajl at the end of the document: it would accept the beginning of another value. */
  reader->ended = reader->depth == 0;
  return !reader->ended;
}

static int on_key(void *context, const unsigned char *text, size_t length) {
  struct reader *reader = context;
  reader->since_event = 0;
  if (reader->depth != 1)
    return 1;
  struct view name = {(const char *)text, length};
  bool is_rows = has_name(reader) && view_equal(name, reader->rows);
  reader->wants_array = is_rows || !has_name(reader);
  if (is_rows) {
    if (reader->seen_rows)
      return refuse_rows(reader, "", " stands twice");
    reader->seen_rows = true;
  }
  reader->in_error = view_is(name, "error");
  reader->seen_error = reader->seen_error || reader->in_error;
  reader->seen_other = reader->seen_other || !reader->in_error;
  return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number, /* as text: no conversion, no overflow */
    .yajl_string = on_text,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

struct reader *reader_create(const struct reader_shape *shape, int64_t max_depth) {
  struct reader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return NULL;
  reader->rows = shape->rows;
  reader->max_depth = max_depth;
  reader->yajl = yajl_alloc(&callbacks, NULL, reader);
  if (!reader->yajl)
    reader_release(&reader);
  return reader;
}

void reader_release(struct reader **address) {
  struct reader *reader = steal(*address);
  if (!reader)
    return;
  if (reader->yajl)
    yajl_free(reader->yajl);
  free(reader);
}

/* --- checks that yajl does not make: RFC 3629, and the white space of RFC 8259 --- */

static bool is_white(unsigned char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The number of bytes, from the first, that are valid in JSON text. */
static size_t text_length(struct reader *reader, struct view bytes) {
  for (size_t i = 0; i < bytes.length; i++) {
    unsigned char c = (unsigned char)bytes.at[i];
    bool is_plain = reader->utf8.wanted == 0 && c < 0x80;
    if (is_plain ? c < 0x20 && !is_white(c) : !utf8_takes(&reader->utf8, c))
      return i;
  }
  return bytes.length;
}

static bool is_all_white(struct view bytes) {
  for (size_t i = 0; i < bytes.length; i++)
    if (!is_white((unsigned char)bytes.at[i]))
      return false;
  return true;
}

static bool judged(struct reader *reader, yajl_status status, struct fault *fault) {
  if (status == yajl_status_error)
    refuse(reader, "it is no valid JSON");
  if (reader->broken && fault)
    *fault = reader->fault;
  return !reader->broken;
}

/* Removes a byte order mark from the beginning, even if it comes in pieces. A part of a mark is
 * removed, too, and refused as no JSON. */
static struct view skip_mark(struct reader *reader, struct view bytes) {
  while (bytes.length && !reader->past_mark) {
    if (reader->mark == byte_order_mark.length || bytes.at[0] != byte_order_mark.at[reader->mark])
      reader->past_mark = true;
    else
      reader->mark++, bytes = view_from(bytes, 1);
  }
  if (reader->past_mark && reader->mark % byte_order_mark.length)
    refuse(reader, "it is no valid JSON");
  return bytes;
}

/* Feeds yajl up to the end of the document; returns the bytes behind it. */
static struct view parse(struct reader *reader, struct view bytes, yajl_status *status) {
  reader->since_event += bytes.length;
  *status = yajl_parse(reader->yajl, (const unsigned char *)bytes.at, bytes.length);
  if (reader->since_event > READER_MAX_VALUE)
    refuse(reader, "one value in it is too long");
  return reader->ended ? view_from(bytes, yajl_get_bytes_consumed(reader->yajl)) : VIEW("");
}

bool reader_feed(struct reader *reader, struct view bytes, struct fault *fault) {
  yajl_status status = yajl_status_ok;
  size_t length = reader->broken ? bytes.length : text_length(reader, bytes);
  bool is_text = length == bytes.length;
  bytes = skip_mark(reader, view_first(bytes, length));
  if (!reader->broken && !reader->ended)
    bytes = parse(reader, bytes, &status);
  if (!is_text)
    refuse(reader, "it is no valid JSON");
  if (!reader->broken && reader->ended && !is_all_white(bytes))
    refuse(reader, "it is no valid JSON");
  return judged(reader, status, fault);
}

bool reader_finish(struct reader *reader, struct fault *fault) {
  if (!reader->ended && !judged(reader, yajl_complete_parse(reader->yajl), fault))
    return false;
  if (!reader->ended)
    refuse(reader, "it ends too early");
  else if (has_name(reader) && !reader->seen_rows && !reader->seen_error)
    refuse_rows(reader, "it has neither ", " nor 'error'");
  return judged(reader, yajl_status_ok, fault);
}

int64_t reader_results(const struct reader *reader) {
  return reader->results;
}

bool reader_is_error(const struct reader *reader) {
  bool is_beside = has_name(reader) ? reader->seen_rows : reader->seen_other;
  return reader->error_says_something || (reader->seen_error && !is_beside);
}

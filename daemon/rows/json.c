/* Answers in JSON: yajl parses, the judge decides, and an element (rows/element.h) collects rows. */
#include "base/scope.h"
#include "base/utf8.h"
#include "rows/element.h"
#include "rows/flat.h"
#include "rows/format.h"

#include <yajl/yajl_parse.h>

static const struct view byte_order_mark = VIEW("\xef\xbb\xbf");
static const char invalid[] = "it is no valid JSON";

/* Where the next byte stands, for whoever wants the rows. */
enum place {
  IN_FRAME,
  IN_ROWS,   /* in the array of rows, between its elements, or in one that is not collected */
  IN_ELEMENT /* in one that is being collected */
};

struct json {
  struct reader reader;
  yajl_handle yajl;
  size_t since_event; /* bytes since yajl last reported a value: a bound on its buffer */
  size_t mark;        /* bytes of a byte order mark so far */
  bool past_mark;
  struct utf8 utf8;
  /* Where rows are not asked for: what encloses the next byte. */
  int64_t level;
  bool in_string, escaped;
  /* For rows. */
  struct reader_sink sink;
  struct element *element; /* NULL: rows are not asked for */
  struct view piece;       /* what yajl is reading */
  size_t before;           /* bytes of earlier pieces, without the byte order mark */
  int64_t begin, end;      /* of the array of rows: see reader_rows_place(); 0: not yet */
  size_t from;             /* where the part of it begins that belongs to `place` */
  enum place place;
  bool unwanted; /* the sink wants no more rows */
};

/* --- what yajl reports, where rows are not asked for --- */

static int value(void *context, enum judge_weight weight) {
  struct json *json = context;
  json->since_event = 0;
  return judge_value(&json->reader.judge, weight);
}

static int on_null(void *context) {
  return value(context, WEIGHT_NULL);
}

static int on_boolean(void *context, int is_true) {
  return value(context, is_true ? WEIGHT_FULL : WEIGHT_EMPTY);
}

static int on_text(void *context, const unsigned char *text, size_t length) {
  (void)text;
  return value(context, length ? WEIGHT_FULL : WEIGHT_EMPTY);
}

static int on_number(void *context, const char *text, size_t length) {
  (void)text, (void)length;
  return value(context, WEIGHT_FULL);
}

static int on_start_map(void *context) {
  return value(context, WEIGHT_MAP);
}

static int on_start_array(void *context) {
  return value(context, WEIGHT_ARRAY);
}

static int on_end(void *context) {
  struct json *json = context;
  json->since_event = 0;
  judge_end_value(&json->reader.judge);
  /* Stops yajl at the end of the document: it would accept the beginning of another value. */
  return !json->reader.judge.ended;
}

static int on_key(void *context, const unsigned char *text, size_t length) {
  struct json *json = context;
  json->since_event = 0;
  return judge_key(&json->reader.judge, (struct view){(const char *)text, length});
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

/* --- the same where rows are asked for ---
 *
 * While yajl calls, yajl_get_bytes_consumed() is the end of the token just read, counted from the
 * beginning of the piece, also of a token that began in an earlier one. */

static size_t end_of_token(const struct json *json) {
  return yajl_get_bytes_consumed(json->yajl);
}

/* An element is at depth 2, its members are at depth 3. */
static bool at_member(const struct json *json) {
  return json->place == IN_ELEMENT && json->reader.judge.depth == 3;
}

/* Of what begins at `from`, in the answer. */
static int64_t position(const struct json *json) {
  return (int64_t)(json->mark + json->before + json->from);
}

/* Reports the frame up to `end`. */
static void report_frame(struct json *json, size_t end) {
  struct view part = view_from(view_first(json->piece, end), json->from);
  json->from = end;
  if (part.length && !element_fault(json->element))
    json->sink.frame(json->sink.context, part);
}

/* The value that comes next is an element, and somebody wants it as a row. */
static bool is_wanted_element(const struct json *json) {
  const struct judge *judge = &json->reader.judge;
  return judge->depth == 2 && judge->counting && !json->unwanted;
}

static void refuse_element(struct json *json) {
  if (is_wanted_element(json))
    element_refuse(json->element, "an element is no object");
}

/* A value that is neither array nor map, at any depth; called before the judge hears of it. */
static void note_value(struct json *json, enum value_kind kind, struct view text) {
  if (at_member(json))
    element_value(json->element, kind, text, end_of_token(json) - json->from);
  else
    refuse_element(json);
}

static int on_row_null(void *context) {
  note_value(context, VALUE_NULL, VIEW(""));
  return on_null(context);
}

static int on_row_boolean(void *context, int is_true) {
  note_value(context, is_true ? VALUE_TRUE : VALUE_FALSE, VIEW(""));
  return on_boolean(context, is_true);
}

static int on_row_text(void *context, const unsigned char *text, size_t length) {
  note_value(context, VALUE_STRING, (struct view){(const char *)text, length});
  return on_text(context, text, length);
}

static int on_row_number(void *context, const char *text, size_t length) {
  note_value(context, VALUE_NUMBER, (struct view){text, length});
  return on_number(context, text, length);
}

static int on_row_start_map(void *context) {
  struct json *json = context;
  if (is_wanted_element(json) && !element_fault(json->element)) {
    json->place = IN_ELEMENT;
    json->from = end_of_token(json) - 1;
    element_begin(json->element, json->piece, position(json));
  }
  return on_start_map(context);
}

static int on_row_start_array(void *context) {
  struct json *json = context;
  const struct judge *judge = &json->reader.judge;
  refuse_element(json);
  if (!on_start_array(context))
    return 0;
  if (judge->depth == 2 && judge->counting) {
    report_frame(json, end_of_token(json));
    json->begin = position(json);
    json->place = IN_ROWS;
  }
  return 1;
}

static void end_element(struct json *json) {
  struct view last = view_from(view_first(json->piece, end_of_token(json)), json->from);
  const struct row *row = element_end(json->element, last);
  json->place = IN_ROWS;
  if (row)
    json->unwanted = !json->sink.row(json->sink.context, row);
}

static int on_row_end(void *context) {
  struct json *json = context;
  const struct judge *judge = &json->reader.judge;
  bool was_counting = judge->counting;
  int go_on = on_end(context);
  if (at_member(json))
    element_value(json->element, VALUE_NESTED, VIEW(""), end_of_token(json) - json->from);
  else if (judge->depth == 2 && json->place == IN_ELEMENT)
    end_element(json);
  if (judge->depth == 1 && was_counting) {
    json->from = end_of_token(json) - 1;
    json->end = position(json);
    json->place = IN_FRAME;
  }
  return go_on;
}

static int on_row_key(void *context, const unsigned char *text, size_t length) {
  struct json *json = context;
  struct view name = {(const char *)text, length};
  if (at_member(json))
    element_name(json->element, name, end_of_token(json) - json->from);
  return on_key(context, text, length);
}

static const yajl_callbacks row_callbacks = {
    .yajl_null = on_row_null,
    .yajl_boolean = on_row_boolean,
    .yajl_number = on_row_number,
    .yajl_string = on_row_text,
    .yajl_start_map = on_row_start_map,
    .yajl_map_key = on_row_key,
    .yajl_end_map = on_row_end,
    .yajl_start_array = on_row_start_array,
    .yajl_end_array = on_row_end,
};

/* Before and after yajl reads a piece. */
static void begin_piece(struct json *json, struct view bytes) {
  json->piece = bytes;
  json->from = 0;
  if (json->place == IN_ELEMENT)
    element_resume(json->element, bytes);
}

static void end_piece(struct json *json) {
  if (json->place == IN_FRAME)
    report_frame(json, json->piece.length);
  else if (json->place == IN_ELEMENT)
    element_pause(json->element, view_from(json->piece, json->from));
  json->before += json->piece.length;
  json->piece = VIEW("");
}

/* --- the reader --- */

static void release(struct reader *reader) {
  struct json *json = (struct json *)reader;
  if (json->yajl)
    yajl_free(json->yajl);
  element_release(&json->element);
  free(json);
}

static struct reader *create(const struct reader_shape *shape, int64_t max_depth,
                             const struct reader_sink *sink) {
  struct json *json = calloc(1, sizeof *json);
  if (!json)
    return NULL;
  judge_begin(&json->reader.judge, shape, max_depth, "it is no JSON object");
  json->yajl = yajl_alloc(sink ? &row_callbacks : &callbacks, NULL, json);
  json->element = sink ? element_create() : NULL;
  if (!json->yajl || (sink && !json->element)) {
    release(&json->reader);
    return NULL;
  }
  if (sink)
    json->sink = *sink;
  /* text_length() is stricter. */
  yajl_config(json->yajl, yajl_dont_validate_strings, 1);
  return &json->reader;
}

/* --- checks that yajl does not make: RFC 3629, and the white space of RFC 8259 --- */

static bool is_white(unsigned char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The length of what is valid at the front, between two characters: plain ASCII, white space, or a
 * whole character. 0: it is not, or the character goes on in the next piece. */
static size_t step_length(struct view rest) {
  if (!rest.length)
    return 0;
  unsigned char c = (unsigned char)*rest.at;
  if (c >= 0x80)
    return utf8_character(rest);
  return c < 0x20 ? is_white(c) : utf8_plain(rest);
}

/* The number of bytes, from the first, that are valid in JSON text. */
static size_t text_length(struct json *json, struct view bytes) {
  size_t i = 0;
  while (i < bytes.length) {
    size_t length = json->utf8.wanted ? 0 : step_length(view_from(bytes, i));
    unsigned char c = (unsigned char)bytes.at[i];
    /* Byte by byte where a character is cut by the piece's edge. */
    if (!length && (c < 0x80 || !utf8_takes(&json->utf8, c)))
      return i;
    i += length ? length : 1;
  }
  return i;
}

static bool is_all_white(struct view bytes) {
  for (size_t i = 0; i < bytes.length; i++)
    if (!is_white((unsigned char)bytes.at[i]))
      return false;
  return true;
}

/* The mark belongs to the frame, of which it is the first part. */
static void pass_mark(struct json *json) {
  json->past_mark = true;
  if (json->mark % byte_order_mark.length)
    judge_refuse(&json->reader.judge, invalid);
  else if (json->mark && json->element)
    json->sink.frame(json->sink.context, byte_order_mark);
}

/* Removes a byte order mark from the beginning, even if it comes in pieces. A part of a mark is
 * removed, too, and refused as no JSON. */
static struct view skip_mark(struct json *json, struct view bytes) {
  while (bytes.length && !json->past_mark) {
    if (json->mark == byte_order_mark.length || bytes.at[0] != byte_order_mark.at[json->mark])
      pass_mark(json);
    else
      json->mark++, bytes = view_from(bytes, 1);
  }
  return bytes;
}

/* Feeds yajl up to the end of the document; returns the bytes behind it. */
static struct view parse(struct json *json, struct view bytes) {
  struct judge *judge = &json->reader.judge;
  json->since_event += bytes.length;
  yajl_status status = yajl_parse(json->yajl, (const unsigned char *)bytes.at, bytes.length);
  if (json->since_event > READER_MAX_VALUE)
    judge_refuse(judge, "one value in it is too long");
  if (status == yajl_status_error)
    judge_refuse(judge, invalid);
  return judge->ended ? view_from(bytes, yajl_get_bytes_consumed(json->yajl)) : VIEW("");
}

/* --- where rows are not asked for: what yajl need not see ---
 *
 * Only whole objects are left out, at level 2 or deeper, and only those that flat_object() has
 * recognized as valid: for each, yajl reads "{}". An object is valid in the place of another, so
 * yajl accepts the answer as it would have done; and the judge does not ask what is in such an
 * object. Where brackets and strings stand is told by their bytes alone, as long as yajl has found
 * no fault before them. */

/* Passes a byte that yajl reads. */
static void pass_byte(struct json *json, char c) {
  bool in_escape = json->escaped;
  json->escaped = json->in_string && c == '\\' && !in_escape;
  if (json->in_string) {
    json->in_string = c != '"' || in_escape;
    return;
  }
  json->in_string = c == '"';
  json->level += (c == '{' || c == '[') - (c == '}' || c == ']');
}

/* The number of bytes that yajl reads before the next object that is left out; `*left_out`: its
 * length, 0 if the piece ends before it. */
static size_t bytes_to_read(struct json *json, struct view bytes, size_t *left_out) {
  size_t i = 0;
  for (; i < bytes.length; i++) {
    bool is_object = bytes.at[i] == '{' && !json->in_string && json->level >= 2;
    *left_out = is_object ? flat_object(view_from(bytes, i)) : 0;
    if (*left_out)
      return i;
    pass_byte(json, bytes.at[i]);
  }
  return i;
}

/* As parse(). */
static struct view parse_outline(struct json *json, struct view bytes) {
  const struct judge *judge = &json->reader.judge;
  while (bytes.length && !judge->ended && !judge->broken) {
    size_t left_out = 0, length = bytes_to_read(json, bytes, &left_out);
    struct view behind = parse(json, view_first(bytes, length));
    if (left_out && !judge->ended && !judge->broken)
      behind = parse(json, VIEW("{}"));
    bytes = view_from(bytes, judge->ended ? length - behind.length : length + left_out);
  }
  return bytes;
}

static void feed(struct reader *reader, struct view all) {
  struct json *json = (struct json *)reader;
  struct judge *judge = &reader->judge;
  size_t length = text_length(json, all);
  struct view bytes = skip_mark(json, view_first(all, length));
  begin_piece(json, bytes);
  if (!judge->broken && !judge->ended)
    bytes = json->element ? parse(json, bytes) : parse_outline(json, bytes);
  if (length < all.length || (judge->ended && !is_all_white(bytes)))
    judge_refuse(judge, invalid);
  if (json->element && !judge->broken)
    end_piece(json);
}

static void finish(struct reader *reader) {
  struct json *json = (struct json *)reader;
  struct judge *judge = &reader->judge;
  if (!judge->ended && yajl_complete_parse(json->yajl) == yajl_status_error)
    judge_refuse(judge, invalid);
  judge_finish(judge);
}

static const char *no_rows(const struct reader *reader) {
  const struct json *json = (const struct json *)reader;
  return json->element ? element_fault(json->element) : "rows were not asked for";
}

static bool rows_place(const struct reader *reader, int64_t *begin, int64_t *end) {
  const struct json *json = (const struct json *)reader;
  *begin = json->begin;
  *end = json->end;
  return json->end > 0;
}

const struct reader_format reader_json = {.create = create,
                                          .feed = feed,
                                          .finish = finish,
                                          .release = release,
                                          .no_rows = no_rows,
                                          .rows_place = rows_place};

/* Answers in PHP's serialize format:
 *
 *     value  = "N;" / "b:" ("0" / "1") ";" / "i:" integer ";" / "d:" float ";" / string
 *            / "a:" count ":{" count * (key value) "}"
 *            / "O:" length ":" DQUOTE class DQUOTE ":" count ":{" count * (key value) "}"
 *     string = "s:" length ":" DQUOTE length bytes DQUOTE ";"
 *     key    = string / "i:" integer ";"
 *
 * The reference says that v2 sends arrays. An object is read like one, as an answer that was paid
 * for is not to be lost over it. References and objects with a format of their own are refused. */
#include "base/num.h"
#include "base/scope.h"
#include "base/text.h"
#include "rows/format.h"

#define SCALAR_MOST 128 /* bytes of a number; PHP writes a float with 17 digits or fewer */
#define NAME_MOST 256   /* a longer name is none that is looked for */
#define DIGITS_MOST 18  /* of a length or a count, so that it fits */

static const char invalid[] = "it is not in PHP's serialize format";

/* An array or an object that is open. */
struct level {
  int64_t left;  /* keys and values to come; even: a key is next */
  bool is_begun; /* the judge has been told of it */
};

struct serialized;

/* Takes bytes from the front (1 or more); returns how many. 0: what comes is not the format. */
typedef size_t step(struct serialized *serialized, struct view bytes);

struct serialized {
  struct reader reader;
  step *next;
  char type;
  struct text collected; /* a scalar, a length, a name */
  size_t left;           /* bytes of the string that are to come */
  bool is_empty;         /* the string is */
  int64_t max_depth, depth;
  struct level levels[]; /* `max_depth` */
};

static step read_type;

static struct level *top(struct serialized *serialized) {
  return serialized->depth ? &serialized->levels[serialized->depth - 1] : NULL;
}

static bool wants_key(struct serialized *serialized) {
  struct level *level = top(serialized);
  return level && level->left % 2 == 0;
}

static struct judge *judge_of(struct serialized *serialized) {
  return &serialized->reader.judge;
}

/* --- keys and values that are whole --- */

/* A list has numbers for keys; the first key tells. */
static void begin_level(struct serialized *serialized, bool is_list) {
  struct level *level = top(serialized);
  if (!level->is_begun)
    judge_value(judge_of(serialized), is_list ? WEIGHT_ARRAY : WEIGHT_MAP);
  level->is_begun = true;
}

/* A key or a value has been taken: the number of them that are left sinks, also in what it ends. */
static void count_down(struct serialized *serialized) {
  struct level *level = top(serialized);
  if (level)
    level->left--;
  serialized->next = read_type;
  text_clear(&serialized->collected);
}

static void end_level(struct serialized *serialized) {
  begin_level(serialized, true); /* an empty one is a list */
  judge_end_value(judge_of(serialized));
  serialized->depth--;
  count_down(serialized);
}

/* A key or value that is no array; `collected` holds its name, if it is a key. */
static void end_scalar(struct serialized *serialized, enum judge_weight weight) {
  if (wants_key(serialized)) {
    begin_level(serialized, serialized->type == 'i');
    judge_key(judge_of(serialized), text_view(&serialized->collected));
  } else {
    judge_value(judge_of(serialized), weight);
  }
  count_down(serialized);
}

/* --- N b i d --- */

static bool is_integer(struct view text) {
  struct view digits = view_from(text, view_starts(text, VIEW("-")));
  for (size_t i = 0; i < digits.length; i++)
    if (!num_is_digit(digits.at[i]))
      return false;
  return digits.length > 0;
}

static bool is_float(struct view text) {
  struct view part = {0}, mantissa;
  if (view_is(text, "INF") || view_is(text, "-INF") || view_is(text, "NAN"))
    return true;
  view_split(&text, 'E', &mantissa);
  if (text.at && !is_integer(view_from(text, view_starts(text, VIEW("+")))))
    return false;
  view_split(&mantissa, '.', &part);
  return is_integer(part) &&
         (!mantissa.at || (is_integer(mantissa) && !view_starts(mantissa, VIEW("-"))));
}

static bool is_scalar(char type, struct view text) {
  switch (type) {
  case 'b':
    return view_is(text, "0") || view_is(text, "1");
  case 'i':
    return is_integer(text);
  default:
    return is_float(text);
  }
}

static size_t read_scalar(struct serialized *serialized, struct view bytes) {
  struct text *collected = &serialized->collected;
  if (bytes.at[0] != ';') {
    text_add_char(collected, bytes.at[0]);
    return collected->length <= SCALAR_MOST;
  }
  if (!is_scalar(serialized->type, text_view(collected)))
    return 0;
  bool is_false = serialized->type == 'b' && *text_string(collected) == '0';
  end_scalar(serialized, is_false ? WEIGHT_EMPTY : WEIGHT_FULL);
  return 1;
}

static size_t read_null(struct serialized *serialized, struct view bytes) {
  if (bytes.at[0] != ';')
    return 0;
  end_scalar(serialized, WEIGHT_NULL);
  return 1;
}

/* --- s --- */

/* Takes `byte` and goes on with `next`. */
static size_t expect(struct serialized *serialized, struct view bytes, char byte, step *next) {
  serialized->next = next;
  return bytes.at[0] == byte;
}

/* Digits up to a colon. False: more are to come, or (`*taken` is 0) they are no number. */
static bool read_number(struct serialized *serialized, struct view bytes, size_t *taken,
                        int64_t *number) {
  struct text *digits = &serialized->collected;
  *taken = 1;
  if (bytes.at[0] != ':') {
    text_add_char(digits, bytes.at[0]);
    *taken = num_is_digit(bytes.at[0]) && digits->length <= DIGITS_MOST;
    return false;
  }
  bool ok = num_integer(text_view(digits), number);
  *taken = ok;
  text_clear(digits);
  return ok;
}

static size_t read_string_end(struct serialized *serialized, struct view bytes) {
  if (bytes.at[0] != ';')
    return 0;
  end_scalar(serialized, serialized->is_empty ? WEIGHT_EMPTY : WEIGHT_FULL);
  return 1;
}

static step read_count, read_class_end;

static size_t read_closing_quote(struct serialized *serialized, struct view bytes) {
  return expect(serialized, bytes, '"', serialized->type == 's' ? read_string_end : read_class_end);
}

static size_t read_bytes(struct serialized *serialized, struct view bytes) {
  struct view part = view_first(bytes, serialized->left);
  if (wants_key(serialized) && serialized->collected.length <= NAME_MOST)
    text_add(&serialized->collected, view_first(part, NAME_MOST + 1));
  serialized->left -= part.length;
  if (!serialized->left)
    serialized->next = read_closing_quote;
  return part.length;
}

static size_t read_opening_quote(struct serialized *serialized, struct view bytes) {
  return expect(serialized, bytes, '"', serialized->is_empty ? read_closing_quote : read_bytes);
}

static size_t read_length(struct serialized *serialized, struct view bytes) {
  int64_t length;
  size_t taken;
  if (!read_number(serialized, bytes, &taken, &length))
    return taken;
  if ((uint64_t)length > READER_MAX_VALUE)
    judge_refuse(judge_of(serialized), "one value in it is too long");
  serialized->left = (size_t)length;
  serialized->is_empty = length == 0;
  serialized->next = read_opening_quote;
  return taken;
}

/* --- a O --- */

static size_t read_opening_brace(struct serialized *serialized, struct view bytes) {
  return expect(serialized, bytes, '{', read_type);
}

static size_t read_count(struct serialized *serialized, struct view bytes) {
  int64_t count;
  size_t taken;
  if (!read_number(serialized, bytes, &taken, &count))
    return taken;
  if (serialized->depth == serialized->max_depth) {
    judge_refuse(judge_of(serialized), "it is nested too deep (upstream.max_depth)");
    return 0;
  }
  serialized->levels[serialized->depth++] = (struct level){.left = count * 2};
  if (serialized->depth == 1 || serialized->type == 'O')
    begin_level(serialized, false);
  serialized->next = read_opening_brace;
  return taken;
}

static size_t read_class_end(struct serialized *serialized, struct view bytes) {
  return expect(serialized, bytes, ':', read_count);
}

/* --- what comes next --- */

static const struct type {
  char type;
  bool is_key;
  step *next; /* behind the colon */
} types[] = {
    {'b', false, read_scalar}, {'i', true, read_scalar}, {'d', false, read_scalar},
    {'s', true, read_length},  {'a', false, read_count}, {'O', false, read_length},
};

static const struct type *type_named(char name) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].type == name)
      return &types[i];
  return NULL;
}

static size_t read_colon(struct serialized *serialized, struct view bytes) {
  return expect(serialized, bytes, ':', type_named(serialized->type)->next);
}

static size_t read_type(struct serialized *serialized, struct view bytes) {
  struct level *level = top(serialized);
  char name = bytes.at[0];
  const struct type *type = type_named(name);
  if (level && level->left == 0) {
    if (name == '}')
      end_level(serialized);
    return name == '}';
  }
  serialized->type = name;
  serialized->next = type ? read_colon : read_null;
  bool fits = wants_key(serialized) ? type && type->is_key : type || name == 'N';
  return fits;
}

/* --- the reader --- */

static struct reader *create(const struct reader_shape *shape, int64_t max_depth,
                             const struct reader_sink *sink) {
  CHECK(!sink && max_depth > 0);
  struct serialized *serialized =
      calloc(1, sizeof *serialized + (size_t)max_depth * sizeof *serialized->levels);
  if (!serialized)
    return NULL;
  judge_begin(&serialized->reader.judge, shape, max_depth,
              "it is no array in PHP's serialize format");
  serialized->max_depth = max_depth;
  serialized->next = read_type;
  return &serialized->reader;
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void feed(struct reader *reader, struct view bytes) {
  struct serialized *serialized = (struct serialized *)reader;
  struct judge *judge = &reader->judge;
  size_t taken = 1;
  for (; bytes.length && taken && !judge->broken && !judge->ended; bytes = view_from(bytes, taken))
    taken = serialized->next(serialized, bytes);
  while (judge->ended && bytes.length && is_white(bytes.at[0]))
    bytes = view_from(bytes, 1);
  if (!taken || (judge->ended && bytes.length))
    judge_refuse(judge, invalid);
  if (!text_ok(&serialized->collected))
    judge_refuse(judge, "there is no memory for a name in it");
}

static void finish(struct reader *reader) {
  judge_finish(&reader->judge);
}

static void release(struct reader *reader) {
  struct serialized *serialized = (struct serialized *)reader;
  text_free(&serialized->collected);
  free(serialized);
}

const struct reader_format reader_serialized = {
    .create = create, .feed = feed, .finish = finish, .release = release};

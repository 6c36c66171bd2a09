#include "rows/element.h"

#include "base/num.h"
#include "base/scope.h"
#include "base/text.h"
#include "rows/reader.h"

/* What a string decodes to: `length` bytes, which lie in `decoded` from `at` on unless they are the
 * string's own. */
struct decoded {
  size_t at, length;
};

/* A member, by its places in the element. */
struct places {
  size_t name_end, value_end;
  struct decoded name, text;
  enum value_kind kind;
};

struct element {
  const char *fault;
  struct view piece;
  size_t before; /* bytes of the element in earlier pieces */
  struct places places[ROW_MEMBERS_MOST];
  size_t count;
  /* Elements are alike: the column that the last one had in this place is looked at first. */
  const struct column *expected[ROW_MEMBERS_MOST];
  struct text carried; /* the bytes from earlier pieces */
  struct text decoded;
  struct row row;
};

struct element *element_create(void) {
  struct element *element = calloc(1, sizeof *element);
  if (!element)
    return NULL;
  element->carried.limit = element->decoded.limit = READER_MAX_ROW;
  return element;
}

void element_release(struct element **address) {
  struct element *element = steal(*address);
  if (!element)
    return;
  text_free(&element->carried);
  text_free(&element->decoded);
  free(element);
}

void element_refuse(struct element *element, const char *why) {
  if (!element->fault)
    element->fault = why;
}

const char *element_fault(const struct element *element) {
  return element->fault;
}

static void add(struct element *element, struct text *text, struct view bytes) {
  if (text->length + bytes.length > READER_MAX_ROW)
    element_refuse(element, "an element is too long");
  else
    text_add(text, bytes);
  if (!text_ok(text))
    element_refuse(element, "there is no memory for an element");
}

void element_begin(struct element *element, struct view piece, int64_t position) {
  element->piece = piece;
  element->row.position = position;
  element->before = element->count = 0;
  text_clear(&element->carried);
  text_clear(&element->decoded);
}

void element_pause(struct element *element, struct view part) {
  if (!element->fault)
    add(element, &element->carried, part);
}

void element_resume(struct element *element, struct view piece) {
  element->piece = piece;
  element->before = element->carried.length;
}

/* A text outside the piece was decoded, or cut: yajl needs its memory for the next one. */
static struct decoded keep(struct element *element, struct view text) {
  uintptr_t at = (uintptr_t)text.at, piece = (uintptr_t)element->piece.at;
  struct decoded decoded = {element->decoded.length, text.length};
  if (at < piece || at >= piece + element->piece.length)
    add(element, &element->decoded, text);
  return decoded;
}

void element_name(struct element *element, struct view name, size_t position) {
  if (element->count == ROW_MEMBERS_MOST)
    element_refuse(element, "an element has too many members");
  if (element->fault)
    return;
  struct places *places = &element->places[element->count++];
  *places = (struct places){.name_end = element->before + position, .name = keep(element, name)};
}

void element_value(struct element *element, enum value_kind kind, struct view text,
                   size_t position) {
  if (element->fault)
    return;
  struct places *places = &element->places[element->count - 1];
  places->value_end = element->before + position;
  places->kind = kind;
  if (kind == VALUE_STRING)
    places->text = keep(element, text);
}

/* --- from places to a row, when all bytes are there --- */

/* The part from `*at` to `end`, without white space and `separator` in front; `*at` moves on. */
static struct view take(struct view whole, size_t *at, size_t end, char separator) {
  size_t begin = *at;
  *at = end;
  while (whole.at[begin] == separator || (unsigned char)whole.at[begin] <= ' ')
    begin++;
  return (struct view){whole.at + begin, end - begin};
}

/* The code unit of an escape \uXXXX at the beginning of `text`; -1: there is none. */
static int code_unit(struct view text) {
  int unit = 0;
  if (!view_starts(text, VIEW("\\u")) || text.length < 6)
    return -1;
  for (size_t i = 2; i < 6; i++)
    unit = unit * 16 + num_hex_digit(text.at[i]);
  return unit;
}

static bool has_half_a_pair(struct view raw) {
  const char *escape;
  while ((escape = memchr(raw.at, '\\', raw.length))) {
    raw = view_from(raw, (size_t)(escape - raw.at));
    int first = code_unit(raw), second = first < 0 ? -1 : code_unit(view_from(raw, 6));
    bool is_pair = first >> 10 == 0xd800 >> 10 && second >> 10 == 0xdc00 >> 10;
    if (first >> 11 == 0xd800 >> 11 && !is_pair)
      return true;
    raw = view_from(raw, is_pair ? 12 : first < 0 ? 2 : 6);
  }
  return false;
}

/* An escape is longer than what it stands for, so a string of the same length has none. */
static struct view text_of(struct element *element, struct view raw, struct decoded decoded) {
  if (decoded.length + 2 == raw.length)
    return view_first(view_from(raw, 1), decoded.length);
  if (has_half_a_pair(raw))
    element_refuse(element, "a string holds half of a surrogate pair");
  return view_first(view_from(text_view(&element->decoded), decoded.at), decoded.length);
}

static struct view value_text(struct element *element, struct view raw,
                              const struct places *places) {
  if (places->kind == VALUE_STRING)
    return text_of(element, raw, places->text);
  return places->kind == VALUE_NUMBER ? raw : (struct view){0};
}

/* Member by member: whole values that are copied after their members were written make the processor
 * wait, in each member of each row. */
static void put_value(struct value *value, enum value_kind kind, struct view raw,
                      struct view text) {
  value->kind = kind;
  value->raw.at = raw.at;
  value->raw.length = raw.length;
  value->text.at = text.at;
  value->text.length = text.length;
}

static const struct column *column_of(struct element *element, size_t index, struct view name) {
  const struct column **expected = &element->expected[index];
  if (!*expected || !view_equal((*expected)->name, name))
    *expected = schema_find(name);
  return *expected;
}

/* No other member before this one has its name. */
static bool is_new(const struct row *row, const struct row_member *member) {
  if (member->column)
    return row->values[member->column->index].kind == VALUE_ABSENT;
  for (size_t i = 0; i < row->count; i++)
    if (!row->members[i].column && view_equal(row->members[i].name, member->name))
      return false;
  return true;
}

static void add_member(struct element *element, struct view whole, size_t *at, size_t index) {
  const struct places *places = &element->places[index];
  struct row *row = &element->row;
  struct row_member *member = &row->members[index];
  member->raw_name = take(whole, at, places->name_end, ',');
  member->name = text_of(element, member->raw_name, places->name);
  member->column = column_of(element, index, member->name);
  struct view raw = take(whole, at, places->value_end, ':');
  struct view text = value_text(element, raw, places);
  put_value(&member->value, places->kind, raw, text);
  if (!is_new(row, member))
    element_refuse(element, "a name stands twice in an element");
  if (member->column)
    put_value(&row->values[member->column->index], places->kind, raw, text);
  row->count = index + 1;
}

/* All bytes of the element; where they lie in one piece, there. */
static struct view whole_of(struct element *element, struct view part) {
  if (!element->before) {
    if (part.length > READER_MAX_ROW)
      element_refuse(element, "an element is too long");
    return part;
  }
  add(element, &element->carried, part);
  return text_view(&element->carried);
}

const struct row *element_end(struct element *element, struct view part) {
  if (element->fault)
    return NULL;
  struct row *row = &element->row;
  size_t at = 1; /* behind the brace */
  row->raw = whole_of(element, part);
  row->count = 0;
  memset(row->values, 0, sizeof row->values);
  for (size_t i = 0; i < element->count && !element->fault; i++)
    add_member(element, row->raw, &at, i);
  return element->fault ? NULL : row;
}

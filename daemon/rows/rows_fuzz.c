/* Fuzz target: the rows of an answer in JSON. */
#include "base/check.h"
#include "base/text.h"
#include "rows/reader.h"

#include <stdlib.h>
#include <yajl/yajl_tree.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 8

/* All that a sink is told, in one text. */
struct seen {
  struct text all;
  size_t bytes; /* of the frame and the elements */
  int64_t rows;
};

static void on_frame(void *context, struct view bytes) {
  struct seen *seen = context;
  text_add(&seen->all, bytes);
  seen->bytes += bytes.length;
}

/* Without the white space between tokens. */
static void add_packed(struct text *out, struct view json) {
  bool in_string = false;
  for (size_t i = 0; i < json.length; i++) {
    if (in_string && json.at[i] == '\\')
      text_add_char(out, json.at[i++]);
    else if (json.at[i] == '"')
      in_string = !in_string;
    if (in_string || (unsigned char)json.at[i] > ' ')
      text_add_char(out, json.at[i]);
  }
}

/* The members, written one after the other, are the element. */
static void check_spelling(const struct row *row) {
  scope_text struct text whole = {0}, members = {0};
  add_packed(&whole, row->raw);
  text_add_char(&members, '{');
  for (size_t i = 0; i < row->count; i++) {
    text_add(&members, i ? VIEW(",") : VIEW(""));
    add_packed(&members, row->members[i].raw_name);
    text_add_char(&members, ':');
    add_packed(&members, row->members[i].value.raw);
  }
  text_add_char(&members, '}');
  CHECK(view_equal(text_view(&whole), text_view(&members)));
}

/* A tree ends a text at its first NUL. */
static bool is_c_text(struct view text, const char *other) {
  struct view end = text.length ? text : VIEW("");
  const char *nul = end.length ? memchr(end.at, 0, end.length) : NULL;
  return view_is(nul ? view_first(end, (size_t)(nul - end.at)) : end, other);
}

static void check_value(const struct value *value, yajl_val found) {
  switch (value->kind) {
  case VALUE_ABSENT:
    CHECK(false);
    break;
  case VALUE_NULL:
    CHECK(YAJL_IS_NULL(found));
    break;
  case VALUE_FALSE:
    CHECK(YAJL_IS_FALSE(found));
    break;
  case VALUE_TRUE:
    CHECK(YAJL_IS_TRUE(found));
    break;
  case VALUE_NUMBER:
    CHECK(YAJL_IS_NUMBER(found) && is_c_text(value->text, YAJL_GET_NUMBER(found)));
    break;
  case VALUE_STRING:
    CHECK(YAJL_IS_STRING(found) && is_c_text(value->text, YAJL_GET_STRING(found)));
    break;
  case VALUE_NESTED:
    CHECK(YAJL_IS_OBJECT(found) || YAJL_IS_ARRAY(found));
    break;
  }
}

/* Another reader finds the same in the element. */
static void check_meaning(const struct row *row) {
  scope_text struct text element = {0};
  char problem[128];
  text_add(&element, row->raw);
  yajl_val tree = yajl_tree_parse(text_string(&element), problem, sizeof problem);
  CHECK(YAJL_IS_OBJECT(tree) && YAJL_GET_OBJECT(tree)->len == row->count);
  for (size_t i = 0; i < row->count; i++) {
    CHECK(is_c_text(row->members[i].name, YAJL_GET_OBJECT(tree)->keys[i]));
    check_value(&row->members[i].value, YAJL_GET_OBJECT(tree)->values[i]);
  }
  yajl_tree_free(tree);
}

static bool on_row(void *context, const struct row *row) {
  struct seen *seen = context;
  check_spelling(row);
  check_meaning(row);
  text_add(&seen->all, row->raw);
  for (size_t i = 0; i < row->count; i++) {
    text_printf(&seen->all, "[%d ", (int)row->members[i].value.kind);
    text_add(&seen->all, row->members[i].name);
    text_add(&seen->all, row->members[i].value.text);
  }
  seen->bytes += row->raw.length;
  seen->rows++;
  return true;
}

struct outcome {
  bool ok;
  int64_t results;
  const char *no_rows;
};

/* In pieces of `step` bytes, each of just that size. */
static struct outcome read_in(struct reader *reader, struct view rest, size_t step) {
  struct outcome outcome = {.ok = true};
  CHECK(reader);
  while (outcome.ok && rest.length) {
    struct view piece = view_first(rest, step);
    char *copy = malloc(piece.length);
    CHECK(copy);
    memcpy(copy, piece.at, piece.length);
    outcome.ok = reader_feed(reader, (struct view){copy, piece.length}, NULL);
    free(copy);
    rest = view_from(rest, piece.length);
  }
  outcome.ok = outcome.ok && reader_finish(reader, NULL);
  outcome.results = reader_results(reader);
  outcome.no_rows = reader_no_rows(reader);
  reader_release(&reader);
  return outcome;
}

static struct outcome rows_in(const struct reader_shape *shape, struct view document, size_t step,
                              struct seen *seen) {
  struct reader_sink sink = {.context = seen, .frame = on_frame, .row = on_row};
  return read_in(reader_create_rows(shape, DEPTH, &sink), document, step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct reader_shape shape = {.rows = VIEW("refpages")};
  struct view document = {size ? (const char *)data : "", size};
  struct outcome plain = read_in(reader_create(&shape, DEPTH), document, size + 1);
  struct seen whole = {0};
  struct outcome rows = rows_in(&shape, document, size + 1, &whole);
  CHECK(rows.ok == plain.ok && rows.results == plain.results && whole.bytes <= size);
  CHECK(!rows.ok || rows.no_rows || whole.rows == rows.results);
  static const size_t steps[] = {1, 2, 7, 64};
  for (size_t i = 0; rows.ok && i < sizeof steps / sizeof *steps; i++) {
    struct seen seen = {0};
    struct outcome split = rows_in(&shape, document, steps[i], &seen);
    CHECK(split.ok && split.no_rows == rows.no_rows && seen.rows == whole.rows);
    CHECK(view_equal(text_view(&seen.all), text_view(&whole.all)));
    text_free(&seen.all);
  }
  text_free(&whole.all);
  return 0;
}

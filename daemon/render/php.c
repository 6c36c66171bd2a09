#include "render/php.h"

#include "base/num.h"

/* Many times in each row, so not by text_printf(). */
static void add_count(struct text *out, uint64_t count) {
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + count % 10);
  while (count /= 10);
  text_add(out, (struct view){digits + at, sizeof digits - at});
}

static void add_string(struct text *out, struct view bytes) {
  text_add(out, VIEW("s:"));
  add_count(out, bytes.length);
  text_add(out, VIEW(":\""));
  text_add(out, bytes);
  text_add(out, VIEW("\";"));
}

/* JSON allows no zeros in front, so the text is as PHP writes it. */
static bool is_integer(struct view number) {
  int64_t value;
  bool is_negative = number.at[0] == '-';
  struct view digits = view_from(number, is_negative);
  return view_is(number, "-9223372036854775808") ||
         (num_integer(digits, &value) && (value || !is_negative));
}

static const char *add_value(struct text *out, const struct value *value) {
  switch (value->kind) {
  case VALUE_NULL:
    text_add(out, VIEW("N;"));
    return NULL;
  case VALUE_FALSE:
    text_add(out, VIEW("b:0;"));
    return NULL;
  case VALUE_TRUE:
    text_add(out, VIEW("b:1;"));
    return NULL;
  case VALUE_NUMBER:
    text_add(out, VIEW("i:"));
    text_add(out, value->text);
    text_add_char(out, ';');
    return is_integer(value->text) ? NULL : "PHP's text of a number is not determined";
  case VALUE_STRING:
    add_string(out, value->text);
    return NULL;
  case VALUE_ABSENT:
  case VALUE_NESTED:
    break;
  }
  return "PHP's form of a nested value is not documented";
}

static const char *add_member(struct text *out, const struct row_member *member) {
  char first = member->name.length ? *member->name.at : ' ';
  if (num_is_digit(first) || first == '-')
    return "PHP may take a name for a number";
  add_string(out, member->name);
  return add_value(out, &member->value);
}

static size_t count_members(const struct row *row, const struct rows_recipe *recipe) {
  size_t count = 0;
  for (size_t i = 0; i < row->count; i++)
    count += rows_recipe_takes(recipe, &row->members[i]);
  return count;
}

static const char *add_row(struct text *out, const struct row *row,
                           const struct rows_recipe *recipe, int64_t index) {
  const char *why = NULL;
  text_add(out, VIEW("i:"));
  add_count(out, (uint64_t)index);
  text_add(out, VIEW(";a:"));
  add_count(out, count_members(row, recipe));
  text_add(out, VIEW(":{"));
  for (size_t i = 0; i < row->count && !why; i++)
    if (rows_recipe_takes(recipe, &row->members[i]))
      why = add_member(out, &row->members[i]);
  text_add_char(out, '}');
  return why;
}

static void begin(struct text *out, struct view rows, int64_t count) {
  text_add(out, VIEW("a:1:{"));
  add_string(out, rows);
  text_add(out, VIEW("a:"));
  add_count(out, (uint64_t)count);
  text_add(out, VIEW(":{"));
}

static void end(struct text *out) {
  text_add(out, VIEW("}}"));
}

const struct writer_form php_form = {
    .needs_count = true, .needs_plain = true, .begin = begin, .end = end, .row = add_row};

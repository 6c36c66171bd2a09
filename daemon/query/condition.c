#include "query/condition.h"

#include "base/num.h"
#include "query/limits.h"

#include <stdlib.h>

struct operator_row {
  struct view token;
  enum condition_op op;
};

/* Of two tokens that begin alike the longer stands first. Of two with one meaning the one that is
 * printed stands first. */
static const struct operator_row comparisons[] = {
    {VIEW("<>"), CONDITION_NE}, {VIEW("<="), CONDITION_LE}, {VIEW(">="), CONDITION_GE},
    {VIEW("<"), CONDITION_LT},  {VIEW(">"), CONDITION_GT},  {VIEW("="), CONDITION_EQ},
    {VIEW(":"), CONDITION_EQ},
};
static const struct operator_row functions[] = {
    {VIEW("substring"), CONDITION_SUBSTRING},
    {VIEW("word"), CONDITION_WORD},
    {VIEW("subdomain"), CONDITION_SUBDOMAIN},
};
#define ROWS_OF(table) (sizeof(table) / sizeof *(table))

/* A condition as the grammar alone sees it; the views are parts of the text. */
struct draft {
  struct view column;
  enum condition_op op;
  bool quoted;
  struct view value; /* without its quotes, with its escapes */
  struct view text;  /* the whole condition */
};

static bool is_name_char(char c) {
  return num_is_alpha(c) || num_is_digit(c) || c == '_';
}

static bool is_bare_char(char c) {
  return is_name_char(c) || c == '.' || c == '+' || c == '-';
}

static void skip_blanks(struct view *rest) {
  while (rest->length && (rest->at[0] == ' ' || rest->at[0] == '\t'))
    *rest = view_from(*rest, 1);
}

static bool take(struct view *rest, struct view token) {
  skip_blanks(rest);
  if (!view_starts(*rest, token))
    return false;
  *rest = view_from(*rest, token.length);
  return true;
}

static bool take_run(struct view *rest, bool (*belongs)(char), struct view *run) {
  skip_blanks(rest);
  size_t length = 0;
  while (length < rest->length && belongs(rest->at[length]))
    length++;
  *run = view_first(*rest, length);
  *rest = view_from(*rest, length);
  return length > 0;
}

static bool take_name(struct view *rest, struct view *name) {
  return take_run(rest, is_name_char, name) && !num_is_digit(name->at[0]);
}

/* The quote that `rest` begins with, or NUL. */
static char quote_of(struct view rest) {
  return rest.length && (rest.at[0] == '"' || rest.at[0] == '\'') ? rest.at[0] : '\0';
}

static bool take_quoted(struct view *rest, struct view *value) {
  skip_blanks(rest);
  char quote = quote_of(*rest);
  for (size_t i = 1; quote && i < rest->length; i++) {
    if (rest->at[i] == quote) {
      *value = (struct view){rest->at + 1, i - 1};
      *rest = view_from(*rest, i + 1);
      return true;
    }
    if (rest->at[i] == '\\' && (++i == rest->length || !memchr("\"'\\", rest->at[i], 3)))
      return false;
  }
  return false;
}

static bool take_value(struct view *rest, struct draft *draft) {
  skip_blanks(rest);
  draft->quoted = quote_of(*rest) != '\0';
  return draft->quoted ? take_quoted(rest, &draft->value)
                       : take_run(rest, is_bare_char, &draft->value);
}

static bool take_comparison(struct view *rest, struct draft *draft) {
  for (size_t i = 0; i < ROWS_OF(comparisons); i++)
    if (take(rest, comparisons[i].token)) {
      draft->op = comparisons[i].op;
      return take_value(rest, draft);
    }
  return false;
}

static bool take_function(struct view *rest, struct view name, struct draft *draft) {
  size_t i = 0;
  while (i < ROWS_OF(functions) && !view_equal(functions[i].token, name))
    i++;
  if (i == ROWS_OF(functions))
    return false;
  draft->op = functions[i].op;
  draft->quoted = true;
  return take_name(rest, &draft->column) && take(rest, VIEW(",")) &&
         take_quoted(rest, &draft->value) && take(rest, VIEW(")"));
}

/* False: `rest` does not begin with a condition. */
static bool take_condition(struct view *rest, struct draft *draft) {
  skip_blanks(rest);
  struct view begin = *rest;
  if (!take_name(rest, &draft->column))
    return false;
  bool ok = take(rest, VIEW("(")) ? take_function(rest, draft->column, draft)
                                  : take_comparison(rest, draft);
  draft->text = view_first(begin, begin.length - rest->length);
  return ok;
}

static bool is_integer(struct view text) {
  if (view_starts(text, VIEW("-")))
    text = view_from(text, 1);
  for (size_t i = 0; i < text.length; i++)
    if (!num_is_digit(text.at[i]))
      return false;
  return text.length > 0;
}

/* The kind of a value (decoded) whose column is known. */
static enum condition_kind judge(const struct column *column, const struct draft *draft,
                                 struct view value) {
  if (draft->op < CONDITION_SUBSTRING) {
    if (column->type == COLUMN_INT && is_integer(value))
      return CONDITION_NUMBER;
    if (column->type == COLUMN_BOOLEAN && (view_is(value, "true") || view_is(value, "false")))
      return CONDITION_BOOLEAN;
  }
  return draft->quoted ? CONDITION_STRING : CONDITION_BARE;
}

static void add_decoded(struct text *out, const struct draft *draft) {
  for (size_t i = 0; i < draft->value.length; i++) {
    i += draft->quoted && draft->value.at[i] == '\\';
    text_add_char(out, draft->value.at[i]);
  }
}

static void add_integer(struct text *out, struct view value) {
  bool negative = value.at[0] == '-';
  struct view digits = view_from(value, negative);
  while (digits.length > 1 && digits.at[0] == '0')
    digits = view_from(digits, 1);
  if (negative && !view_is(digits, "0"))
    text_add_char(out, '-');
  text_add(out, digits);
}

static void add_quoted(struct text *out, struct view value) {
  text_add_char(out, '"');
  for (size_t i = 0; i < value.length; i++) {
    if (value.at[i] == '"' || value.at[i] == '\\')
      text_add_char(out, '\\');
    text_add_char(out, value.at[i]);
  }
  text_add_char(out, '"');
}

static struct view token_of(enum condition_op op) {
  const struct operator_row *row = op < CONDITION_SUBSTRING ? comparisons : functions;
  while (row->op != op)
    row++;
  return row->token;
}

/* `value` is already in its one spelling. */
static void print(struct text *out, const struct condition *condition, struct view value) {
  bool function = condition->op >= CONDITION_SUBSTRING;
  struct view column = condition->column->name, token = token_of(condition->op);
  text_add(out, function ? token : column);
  text_add(out, function ? VIEW("(") : token);
  if (function) {
    text_add(out, column);
    text_add_char(out, ',');
  }
  if (condition->kind == CONDITION_STRING)
    add_quoted(out, value);
  else
    text_add(out, value);
  if (function)
    text_add_char(out, ')');
}

static void settle_known(const struct draft *draft, struct condition *out, struct text *value,
                         struct text *bytes) {
  scope_text struct text decoded = {0};
  add_decoded(&decoded, draft);
  out->kind = judge(out->column, draft, text_view(&decoded));
  if (out->kind == CONDITION_NUMBER)
    add_integer(value, text_view(&decoded));
  else
    text_add(value, text_view(&decoded));
  text_add(bytes, text_view(value));
  print(bytes, out, text_view(value));
  bytes->failed = bytes->failed || !text_ok(&decoded) || !text_ok(value);
}

/* False: no memory. */
static bool settle(const struct draft *draft, struct condition *out, struct fault *fault) {
  scope_text struct text value = {0}, bytes = {0};
  *out = (struct condition){.column = schema_find(draft->column), .op = draft->op};
  if (out->column)
    settle_known(draft, out, &value, &bytes);
  else
    text_add(&bytes, draft->text);
  size_t length = bytes.length;
  out->bytes = text_steal(&bytes);
  if (!out->bytes)
    return fault_no_memory(fault);
  out->value = (struct view){out->bytes, value.length};
  out->text = (struct view){out->bytes + value.length, length - value.length};
  return true;
}

/* Takes the conditions of set->raw; sets `parsed` if they are all of it. False: no memory. */
static bool take_items(struct conditions *set, struct fault *fault) {
  struct view rest = set->raw;
  do {
    struct draft draft = {0};
    if (set->count == QUERY_CONDITIONS_MAX || !take_condition(&rest, &draft))
      return true;
    if (!settle(&draft, &set->items[set->count], fault))
      return false;
    set->count++;
  } while (take(&rest, VIEW(",")));
  skip_blanks(&rest);
  set->parsed = rest.length == 0;
  return true;
}

static int order(const void *a, const void *b) {
  const struct condition *left = a, *right = b;
  return view_order(left->text, right->text);
}

static void sort_and_unite(struct conditions *set) {
  qsort(set->items, set->count, sizeof *set->items, order);
  size_t kept = 0;
  for (size_t i = 0; i < set->count; i++) {
    if (kept && view_equal(set->items[kept - 1].text, set->items[i].text))
      free(set->items[i].bytes);
    else
      set->items[kept++] = set->items[i];
  }
  set->count = kept;
}

static void drop_items(struct conditions *set) {
  for (size_t i = 0; i < set->count; i++)
    free(set->items[i].bytes);
  free(set->items);
  set->items = NULL;
  set->count = 0;
}

/* An upper bound: commas also stand in functions and strings. */
static size_t count_at_most(struct view raw) {
  size_t count = 1;
  for (size_t i = 0; i < raw.length && count < QUERY_CONDITIONS_MAX; i++)
    count += raw.at[i] == ',';
  return count;
}

bool condition_parse(struct view raw, struct conditions *set, struct fault *fault) {
  *set = (struct conditions){.present = true, .raw = raw};
  set->items = calloc(count_at_most(raw), sizeof *set->items);
  bool ok = set->items ? take_items(set, fault) : fault_no_memory(fault);
  if (!ok)
    condition_release(set);
  else if (set->parsed)
    sort_and_unite(set);
  else
    drop_items(set);
  return ok;
}

void condition_release(struct conditions *set) {
  drop_items(set);
  *set = (struct conditions){0};
}

#include "query/condition.h"

#include "base/num.h"
#include "query/limits.h"

#include <stdlib.h>

struct operator_row {
  struct view token;
  enum condition_op op;
};

/* Of two that begin alike the longer stands first; of two that mean the same the printed one. */
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

/* A condition as the grammar alone sees it. */
struct draft {
  struct view column;
  enum condition_op op;
  bool quoted;
  struct text value; /* decoded; keeps lack of memory for later */
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

static bool take_quoted(struct view *rest, struct text *value) {
  skip_blanks(rest);
  char quote = rest->length ? rest->at[0] : '\0';
  if (quote != '"' && quote != '\'')
    return false;
  for (size_t i = 1; i < rest->length; i++) {
    char c = rest->at[i];
    if (c == quote) {
      *rest = view_from(*rest, i + 1);
      return true;
    }
    if (c == '\\') {
      i++;
      if (i == rest->length || !memchr("\"'\\", rest->at[i], 3))
        return false;
      c = rest->at[i];
    }
    text_add_char(value, c);
  }
  return false;
}

static bool take_value(struct view *rest, struct draft *draft) {
  skip_blanks(rest);
  draft->quoted = rest->length && (rest->at[0] == '"' || rest->at[0] == '\'');
  if (draft->quoted)
    return take_quoted(rest, &draft->value);
  struct view bare;
  if (!take_run(rest, is_bare_char, &bare))
    return false;
  text_add(&draft->value, bare);
  return true;
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

static bool take_condition(struct view *rest, struct draft *draft) {
  if (!take_name(rest, &draft->column))
    return false;
  if (take(rest, VIEW("(")))
    return take_function(rest, draft->column, draft);
  return take_comparison(rest, draft);
}

static bool is_integer(struct view text) {
  if (view_starts(text, VIEW("-")))
    text = view_from(text, 1);
  for (size_t i = 0; i < text.length; i++)
    if (!num_is_digit(text.at[i]))
      return false;
  return text.length > 0;
}

/* What a value is once its column is known. */
static enum condition_kind judge(const struct column *column, const struct draft *draft) {
  struct view value = text_view(&draft->value);
  if (draft->op < CONDITION_SUBSTRING) {
    if (column->type == COLUMN_INT && is_integer(value))
      return CONDITION_NUMBER;
    if (column->type == COLUMN_BOOLEAN && (view_is(value, "true") || view_is(value, "false")))
      return CONDITION_BOOLEAN;
  }
  return draft->quoted ? CONDITION_STRING : CONDITION_BARE;
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

/* False: no memory. */
static bool settle(const struct draft *draft, struct view as_it_came, struct condition *out) {
  const struct column *column = schema_find(draft->column);
  *out = (struct condition){.column = column, .op = draft->op};
  scope_text struct text value = {0}, bytes = {0};
  if (column) {
    out->kind = judge(column, draft);
    if (out->kind == CONDITION_NUMBER)
      add_integer(&value, text_view(&draft->value));
    else
      text_add(&value, text_view(&draft->value));
    text_add(&bytes, text_view(&value));
    print(&bytes, out, text_view(&value));
  } else {
    text_add(&bytes, as_it_came);
  }
  size_t length = bytes.length;
  if (!text_ok(&draft->value) || !text_ok(&value) || !(out->bytes = text_steal(&bytes)))
    return false;
  out->value = (struct view){out->bytes, value.length};
  out->text = (struct view){out->bytes + value.length, length - value.length};
  return true;
}

/* Takes the next condition into the set. *grammar tells whether it was one; false: no memory. */
static bool take_item(struct view *rest, struct conditions *set, bool *grammar) {
  skip_blanks(rest);
  struct view begin = *rest;
  struct draft draft = {0};
  bool memory = true;
  *grammar = set->count < QUERY_CONDITIONS_MAX && take_condition(rest, &draft);
  if (*grammar) {
    struct view as_it_came = view_first(begin, begin.length - rest->length);
    memory = settle(&draft, as_it_came, &set->items[set->count]);
    set->count += memory;
  }
  text_free(&draft.value);
  return memory;
}

/* Whether the whole of set->raw was by the grammar; *memory false: that could not be found out. */
static bool take_set(struct conditions *set, bool *memory) {
  struct view rest = set->raw;
  bool grammar;
  do {
    *memory = take_item(&rest, set, &grammar);
    if (!*memory || !grammar)
      return false;
  } while (take(&rest, VIEW(",")));
  skip_blanks(&rest);
  return rest.length == 0;
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
  bool memory = true;
  set->items = calloc(count_at_most(raw), sizeof *set->items);
  if (!set->items)
    memory = false;
  else
    set->parsed = take_set(set, &memory);
  if (set->parsed) {
    sort_and_unite(set);
    return true;
  }
  drop_items(set);
  if (memory)
    return true;
  *set = (struct conditions){0};
  return fault_no_memory(fault);
}

void condition_release(struct conditions *set) {
  drop_items(set);
  *set = (struct conditions){0};
}

#include "query/filter.h"

#include "query/json_tree.h"

#include <stdlib.h>

/* ---- `and` and `or` as sets, on the JSON tree. */

/* Lists of parts that are longer than those of the text. Each value is in one of them at most. */
struct pool {
  struct json_value **free;
};

static const char *const set_words[] = {"and", "or"};

/* The list of `value` if it is {"WORD": [...]} with at least one part; else NULL. */
static struct json_value *list_of(const struct json_value *value, const char *word) {
  bool is_set = value->kind == JSON_OBJECT && value->count == 1 &&
                view_is(value->parts[0]->name, word) && value->parts[0]->kind == JSON_ARRAY &&
                value->parts[0]->count > 0;
  return is_set ? value->parts[0] : NULL;
}

/* Adds the parts of `list`; in place of a part of the same word, its parts. */
static void gather(const struct json_value *list, const char *word, struct pool *pool) {
  for (size_t i = 0; i < list->count; i++) {
    const struct json_value *nested = list_of(list->parts[i], word);
    if (nested)
      gather(nested, word, pool);
    else
      *pool->free++ = list->parts[i];
  }
}

static int order_parts(const void *a, const void *b) {
  return json_tree_order(*(struct json_value *const *)a, *(struct json_value *const *)b);
}

static void make_set(struct json_value *list) {
  size_t kept = 0;
  qsort(list->parts, list->count, sizeof *list->parts, order_parts);
  for (size_t i = 0; i < list->count; i++)
    if (!kept || json_tree_order(list->parts[kept - 1], list->parts[i]) != 0)
      list->parts[kept++] = list->parts[i];
  list->count = kept;
}

static void normalize(struct json_value *value, struct pool *pool);

static void normalize_list(struct json_value *list, const char *word, struct pool *pool) {
  struct json_value **parts = pool->free;
  gather(list, word, pool);
  list->parts = parts;
  list->count = (size_t)(pool->free - parts);
  for (size_t i = 0; i < list->count; i++)
    normalize(list->parts[i], pool);
  make_set(list);
}

/* `value` stands where a filter may. */
static void normalize(struct json_value *value, struct pool *pool) {
  for (size_t i = 0; i < sizeof set_words / sizeof *set_words; i++) {
    struct json_value *list = list_of(value, set_words[i]);
    if (list)
      normalize_list(list, set_words[i], pool);
  }
  bool is_not =
      value->kind == JSON_OBJECT && value->count == 1 && view_is(value->parts[0]->name, "not");
  if (is_not)
    normalize(value->parts[0], pool);
}

/* ---- What a filter is made of. */

struct made {
  struct filter root; /* first, so that whoever owns the root owns all of it */
  struct json_tree tree;
  struct json_value **lists;
  struct text text;
  struct filter *filters, *free_filter; /* all but the root */
  struct filter **parts, **free_part;
};

static void free_made(struct made *made) {
  json_tree_free(&made->tree);
  free(made->lists);
  text_free(&made->text);
  free(made->filters);
  free(made->parts);
  free(made);
}

/* Reads `text` as JSON into its one spelling, made->text, which stays empty if it is none. */
static bool read_text(struct made *made, struct view text, struct fault *fault) {
  if (!json_tree_parse(text, &made->tree, fault))
    return false;
  if (!made->tree.root)
    return true;
  made->lists = calloc(made->tree.count, sizeof *made->lists);
  if (!made->lists)
    return fault_no_memory(fault);
  struct pool pool = {made->lists};
  normalize(made->tree.root, &pool);
  json_tree_write(made->tree.root, &made->text);
  return text_ok(&made->text) || fault_no_memory(fault);
}

bool filter_normalize(struct view text, struct text *out, struct fault *fault) {
  struct made *made = calloc(1, sizeof *made);
  if (!made)
    return fault_no_memory(fault);
  bool ok = read_text(made, text, fault);
  if (ok)
    text_add(out, text_view(&made->text));
  free_made(made);
  return ok && (text_ok(out) || fault_no_memory(fault));
}

/* ---- The grammar. Each function returns false for what is outside it. */

static bool read_op(const struct json_value *value, enum filter_op *op) {
  static const char *const words[] = {
      [FILTER_EQ] = "eq",
      [FILTER_NEQ] = "neq",
      [FILTER_GT] = "gt",
      [FILTER_GTE] = "gte",
      [FILTER_LT] = "lt",
      [FILTER_LTE] = "lte",
      [FILTER_SUBSTRING] = "substring",
      [FILTER_ISUBSTRING] = "isubstring",
      [FILTER_PHRASE_MATCH] = "phrase_match",
      [FILTER_IPHRASE_MATCH] = "iphrase_match",
      [FILTER_PREFIX] = "prefix",
      [FILTER_SUFFIX] = "suffix",
      [FILTER_REGEX] = "regex",
  };
  for (size_t i = 0; value->kind == JSON_STRING && i < sizeof words / sizeof *words; i++)
    if (view_is(value->text, words[i])) {
      *op = (enum filter_op)i;
      return true;
    }
  return false;
}

static bool read_value(const struct json_value *value, struct filter_value *out) {
  static const enum filter_value_kind kinds[] = {
      [JSON_NULL] = FILTER_NULL,     [JSON_FALSE] = FILTER_FALSE,   [JSON_TRUE] = FILTER_TRUE,
      [JSON_NUMBER] = FILTER_NUMBER, [JSON_STRING] = FILTER_STRING,
  };
  if (value->kind > JSON_STRING)
    return false;
  *out = (struct filter_value){kinds[value->kind], value->text};
  return true;
}

/* [op, value] */
static bool read_comparison(const struct json_value *test, struct filter *filter) {
  return test->kind == JSON_ARRAY && test->count == 2 && read_op(test->parts[0], &filter->op) &&
         read_value(test->parts[1], &filter->value);
}

static bool read_test(const struct json_value *test, struct filter *filter) {
  filter->kind = FILTER_IS;
  if (test->kind != JSON_STRING)
    return read_comparison(test, filter);
  filter->kind = view_is(test->text, "is_null") ? FILTER_IS_NULL : FILTER_IS_EMPTY;
  return filter->kind == FILTER_IS_NULL || view_is(test->text, "empty");
}

static bool read_list_test(const struct json_value *test, struct filter *filter) {
  const struct json_value *any = json_tree_member(test, "any"),
                          *all = json_tree_member(test, "all");
  filter->kind = any ? FILTER_ANY : FILTER_ALL;
  return test->count == 1 && (any || all) && read_comparison(any ? any : all, filter);
}

static bool read_leaf(const struct json_value *value, struct filter *filter) {
  const struct json_value *field = json_tree_member(value, "field");
  const struct json_value *is = json_tree_member(value, "is");
  const struct json_value *list_is = json_tree_member(value, "list_is");
  if (value->count != 2 || !field || field->kind != JSON_STRING || !field->text.length)
    return false;
  filter->field = field->text;
  return is ? read_test(is, filter) : list_is && read_list_test(list_is, filter);
}

static bool read_filter(struct made *made, const struct json_value *value, struct filter *filter);

static bool read_parts(struct made *made, struct json_value *const *values, size_t count,
                       struct filter *filter) {
  filter->parts = made->free_part;
  filter->count = count;
  made->free_part += count;
  for (size_t i = 0; i < count; i++) {
    filter->parts[i] = made->free_filter++;
    if (!read_filter(made, values[i], filter->parts[i]))
      return false;
  }
  return true;
}

static bool read_filter(struct made *made, const struct json_value *value, struct filter *filter) {
  static const enum filter_kind set_kinds[] = {FILTER_AND, FILTER_OR};
  filter->text = (struct view){made->text.at + value->from, value->length};
  for (size_t i = 0; i < sizeof set_words / sizeof *set_words; i++) {
    const struct json_value *list = list_of(value, set_words[i]);
    filter->kind = set_kinds[i];
    if (list)
      return read_parts(made, list->parts, list->count, filter);
  }
  const struct json_value *not = json_tree_member(value, "not");
  filter->kind = FILTER_NOT;
  if (not &&value->count == 1)
    return read_parts(made, value->parts, 1, filter);
  return read_leaf(value, filter);
}

/* ---- Public functions. */

static bool has_room(struct made *made) {
  size_t most = made->tree.count;
  made->filters = made->free_filter = calloc(most, sizeof *made->filters);
  made->parts = made->free_part = calloc(most, sizeof *made->parts);
  return made->filters && made->parts;
}

bool filter_parse(struct view text, struct filter **out, struct fault *fault) {
  struct made *made = calloc(1, sizeof *made);
  *out = NULL;
  if (!made)
    return fault_no_memory(fault);
  bool ok = read_text(made, text, fault);
  if (ok && made->tree.root) {
    ok = has_room(made) || fault_no_memory(fault);
    if (ok && read_filter(made, made->tree.root, &made->root))
      *out = &made->root;
  }
  if (!*out)
    free_made(made);
  return ok;
}

void filter_release(struct filter **filter) {
  if (*filter)
    free_made((struct made *)*filter);
  *filter = NULL;
}

void filter_each_field(const struct filter *filter, void (*each)(void *context, struct view field),
                       void *context) {
  if (filter->kind >= FILTER_IS)
    each(context, filter->field);
  for (size_t i = 0; i < filter->count; i++)
    filter_each_field(filter->parts[i], each, context);
}

size_t filter_count(const struct filter *filter) {
  size_t count = filter->kind >= FILTER_IS;
  for (size_t i = 0; i < filter->count; i++)
    count += filter_count(filter->parts[i]);
  return count;
}

#include "query/json_tree.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

/* ---- What yajl does not look at: bounds, and what its versions read differently. */

/* The code unit of the escape at the front of `text`, or -1. */
static int escaped_unit(struct view text) {
  int unit = 0;
  if (text.length < 6 || text.at[0] != '\\' || text.at[1] != 'u')
    return -1;
  for (int i = 2; i < 6; i++) {
    int digit = num_hex_digit(text.at[i]);
    if (digit < 0)
      return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* The length of the escape at the front of `text`; 0: it is half of a surrogate pair. */
static size_t escape_length(struct view text) {
  int first = escaped_unit(text);
  if (first < 0xd800 || first > 0xdfff)
    return first < 0 ? 2 : 6;
  int second = escaped_unit(view_from(text, 6));
  return first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* The length of the string at the front of `text`, with its quotes; 0: it is none. */
static size_t string_length(struct view text) {
  for (size_t i = 1, step; i < text.length; i += step) {
    char c = text.at[i];
    step = c == '\\' ? escape_length(view_from(text, i)) : 1;
    if (c == '"')
      return i + 1;
    if (!step || (unsigned char)c < ' ')
      return 0;
  }
  return 0;
}

/* Neither comments, which yajl can be built to accept, nor other white space than JSON's. */
static bool is_outside_strings(char c) {
  return c != '/' && ((unsigned char)c >= ' ' || c == '\t' || c == '\n' || c == '\r');
}

static int depth_change(char c) {
  return (c == '[' || c == '{') - (c == ']' || c == '}');
}

/* Counts the values at most: each but the first has one of these before it. False: the text is
 * certainly no JSON that is read here. */
static bool count_values(struct view text, size_t *count) {
  int depth = 0;
  *count = 1;
  for (size_t i = 0, step; i < text.length; i += step) {
    char c = text.at[i];
    step = c == '"' ? string_length(view_from(text, i)) : 1;
    depth += depth_change(c);
    *count += c == '[' || c == ',' || c == ':';
    if (!step || depth > JSON_TREE_DEPTH_MAX || !is_outside_strings(c))
      return false;
  }
  return true;
}

/* ---- Building. yajl reports values in the order of the text. */

struct builder {
  struct json_tree *tree;
  struct json_value *inside; /* the container that is open; NULL: none */
  struct view name;          /* of the next member */
  size_t bytes;              /* of tree->bytes that are taken */
  size_t most;               /* values */
};

/* Decoding makes no string longer, so that there is room. */
static struct view keep(struct builder *builder, const unsigned char *at, size_t length) {
  char *copy = builder->tree->bytes + builder->bytes;
  if (length)
    memcpy(copy, at, length);
  builder->bytes += length;
  return (struct view){copy, length};
}

static struct json_value *add(struct builder *builder, enum json_kind kind, struct view text) {
  struct json_tree *tree = builder->tree;
  CHECK(tree->count < builder->most);
  struct json_value *value = &tree->values[tree->count++];
  *value = (struct json_value){
      .kind = kind, .name = builder->name, .text = text, .parent = builder->inside};
  builder->name = VIEW("");
  if (builder->inside)
    builder->inside->count++;
  return value;
}

static int on_null(void *context) {
  add(context, JSON_NULL, VIEW(""));
  return 1;
}

static int on_boolean(void *context, int is_true) {
  add(context, is_true ? JSON_TRUE : JSON_FALSE, VIEW(""));
  return 1;
}

static int on_number(void *context, const char *at, size_t length) {
  struct view text = keep(context, (const unsigned char *)at, length);
  add(context, JSON_NUMBER, text);
  return 1;
}

static int on_string(void *context, const unsigned char *at, size_t length) {
  struct view text = keep(context, at, length);
  add(context, JSON_STRING, text);
  return 1;
}

static int on_name(void *context, const unsigned char *at, size_t length) {
  struct builder *builder = context;
  builder->name = keep(builder, at, length);
  return 1;
}

static int on_object(void *context) {
  struct builder *builder = context;
  builder->inside = add(builder, JSON_OBJECT, VIEW(""));
  return 1;
}

static int on_array(void *context) {
  struct builder *builder = context;
  builder->inside = add(builder, JSON_ARRAY, VIEW(""));
  return 1;
}

static int on_end(void *context) {
  struct builder *builder = context;
  builder->inside = builder->inside->parent;
  return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_name,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

/* Fills the lists of parts: each has its own stretch of the pointers. */
static void link_parts(struct json_tree *tree) {
  size_t taken = 0;
  for (size_t i = 0; i < tree->count; i++) {
    tree->values[i].parts = tree->pointers + taken;
    taken += tree->values[i].count;
    tree->values[i].count = 0;
  }
  for (size_t i = 1; i < tree->count; i++) {
    struct json_value *parent = tree->values[i].parent;
    parent->parts[parent->count++] = &tree->values[i];
  }
}

static int order_names(const void *a, const void *b) {
  const struct json_value *const *left = a, *const *right = b;
  return view_order((*left)->name, (*right)->name);
}

/* False: two members have one name, and nobody knows which of them counts. */
static bool sort_members(struct json_tree *tree) {
  for (size_t i = 0; i < tree->count; i++) {
    struct json_value *value = &tree->values[i];
    if (value->kind != JSON_OBJECT || value->count < 2)
      continue;
    qsort(value->parts, value->count, sizeof *value->parts, order_names);
    for (size_t k = 1; k < value->count; k++)
      if (view_equal(value->parts[k - 1]->name, value->parts[k]->name))
        return false;
  }
  return true;
}

/* False: no memory. */
static bool read_values(struct view text, struct builder *builder, struct fault *fault) {
  yajl_handle yajl = yajl_alloc(&callbacks, NULL, builder);
  if (!yajl)
    return fault_no_memory(fault);
  bool ok = yajl_parse(yajl, (const unsigned char *)text.at, text.length) == yajl_status_ok &&
            yajl_complete_parse(yajl) == yajl_status_ok;
  yajl_free(yajl);
  if (!ok || builder->tree->count == 0)
    return true;
  link_parts(builder->tree);
  if (sort_members(builder->tree))
    builder->tree->root = builder->tree->values;
  return true;
}

static bool make_room(struct json_tree *tree, size_t values, size_t bytes) {
  tree->values = calloc(values, sizeof *tree->values);
  tree->pointers = calloc(values, sizeof *tree->pointers);
  tree->bytes = malloc(bytes + 1);
  return tree->values && tree->pointers && tree->bytes;
}

bool json_tree_parse(struct view text, struct json_tree *tree, struct fault *fault) {
  struct builder builder = {.tree = tree, .name = VIEW("")};
  *tree = (struct json_tree){0};
  if (text.length == 0 || text.length > JSON_TREE_BYTES_MAX || !utf8_is(text) ||
      !count_values(text, &builder.most))
    return true;
  bool has_room = make_room(tree, builder.most, text.length);
  if (has_room && read_values(text, &builder, fault))
    return true;
  json_tree_free(tree);
  return has_room ? false : fault_no_memory(fault);
}

/* ---- Writing */

static void write_byte(struct text *out, char c) {
  static const char plain[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
  const char *found = c ? strchr(plain, c) : NULL;
  if (found)
    text_add(out, (struct view){(char[]){'\\', letters[found - plain]}, 2});
  else if ((unsigned char)c < ' ')
    text_printf(out, "\\u%04x", (unsigned)c);
  else
    text_add_char(out, c);
}

static void write_string(struct text *out, struct view string) {
  text_add_char(out, '"');
  for (size_t i = 0; i < string.length; i++)
    write_byte(out, string.at[i]);
  text_add_char(out, '"');
}

static void write_parts(const struct json_value *value, struct text *out) {
  for (size_t i = 0; i < value->count; i++) {
    if (i)
      text_add_char(out, ',');
    if (value->kind == JSON_OBJECT) {
      write_string(out, value->parts[i]->name);
      text_add_char(out, ':');
    }
    json_tree_write(value->parts[i], out);
  }
}

void json_tree_write(struct json_value *value, struct text *out) {
  static const struct view words[] = {
      [JSON_NULL] = VIEW("null"), [JSON_FALSE] = VIEW("false"), [JSON_TRUE] = VIEW("true")};
  value->from = out->length;
  if (value->kind <= JSON_TRUE)
    text_add(out, words[value->kind]);
  else if (value->kind == JSON_NUMBER)
    text_add(out, value->text);
  else if (value->kind == JSON_STRING)
    write_string(out, value->text);
  else {
    text_add_char(out, value->kind == JSON_ARRAY ? '[' : '{');
    write_parts(value, out);
    text_add_char(out, value->kind == JSON_ARRAY ? ']' : '}');
  }
  value->length = out->length - value->from;
}

int json_tree_order(const struct json_value *a, const struct json_value *b) {
  if (a->kind != b->kind)
    return a->kind < b->kind ? -1 : 1;
  int order = view_order(a->text, b->text);
  for (size_t i = 0; !order && i < a->count && i < b->count; i++) {
    order = view_order(a->parts[i]->name, b->parts[i]->name);
    order = order ? order : json_tree_order(a->parts[i], b->parts[i]);
  }
  return order ? order : (a->count > b->count) - (a->count < b->count);
}

const struct json_value *json_tree_member(const struct json_value *value, const char *name) {
  for (size_t i = 0; value->kind == JSON_OBJECT && i < value->count; i++)
    if (view_is(value->parts[i]->name, name))
      return value->parts[i];
  return NULL;
}

void json_tree_free(struct json_tree *tree) {
  free(tree->values);
  free(tree->pointers);
  free(tree->bytes);
  *tree = (struct json_tree){0};
}

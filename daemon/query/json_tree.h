/* A JSON text as a tree, and written again in one spelling. Pure.
 *
 * Two texts have one spelling if they differ only in white space, in the escapes of strings, and in
 * the order of an object's members, which have no meaning in JSON (RFC 8259). Numbers keep their
 * text: 1 and 1.0 may be different to a reader. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"

enum json_kind {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_ARRAY,
  JSON_OBJECT
};

struct json_value {
  enum json_kind kind;
  struct view name;          /* of a member of an object: decoded; else empty */
  struct view text;          /* STRING: decoded, may contain NUL; NUMBER: as it came */
  struct json_value **parts; /* elements, or members by name */
  size_t count;
  struct json_value *parent; /* NULL: the whole */
  size_t from, length;       /* where json_tree_write() has put it */
};

/* Begins as {0}, which is "no tree". */
struct json_tree {
  struct json_value *root;   /* NULL: none */
  size_t count;              /* values */
  struct json_value *values; /* owned, as are these: */
  struct json_value **pointers;
  char *bytes;
};

/* Fills `tree` from `text` (any bytes, not kept). It stays without a root if the text is not one
 * JSON value in UTF-8, has more than JSON_TREE_BYTES_MAX, is nested deeper than
 * JSON_TREE_DEPTH_MAX, holds half of a surrogate pair, or an object with two members of one name.
 * False: no memory; there is nothing to free. */
bool json_tree_parse(struct view text, struct json_tree *tree, struct fault *fault) MUST_CHECK;
#define JSON_TREE_BYTES_MAX ((size_t)64 * 1024)
#define JSON_TREE_DEPTH_MAX 64 /* arrays and objects */

/* Appends the one spelling of a value, and notes in each value its place in `out`. */
void json_tree_write(struct json_value *value, struct text *out);

/* A total order of values; 0: they have the same spelling. */
int json_tree_order(const struct json_value *a, const struct json_value *b);

/* The member of that name, or NULL; also if `value` is no object. */
const struct json_value *json_tree_member(const struct json_value *value, const char *name);

/* Frees the tree and leaves {0}. */
void json_tree_free(struct json_tree *tree);

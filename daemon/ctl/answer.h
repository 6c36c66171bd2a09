/* Parses the daemon's answer, JSON, into a tree. Pure.
 *
 * The tree is yajl's. Answers that could break yajl are refused first: nested deeper than any of the
 * daemon's (yajl releases a tree by recursion), with a NUL (yajl reads a C string), or with escaped
 * surrogates (some versions decode them wrongly, and the daemon never writes them). */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <yajl/yajl_tree.h>

/* `body` must be followed by a NUL. The caller frees `*out` with yajl_tree_free(); NULL on
 * failure. */
bool answer_parse(struct view body, yajl_val *out, struct fault *fault) MUST_CHECK;

/* The member at `path`, such as "rows.today.spent"; NULL if there is none. */
yajl_val answer_get(yajl_val tree, const char *path);

/* True if the member is this string. */
bool answer_equals(yajl_val tree, const char *path, const char *text);

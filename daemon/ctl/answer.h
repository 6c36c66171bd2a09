/* What the daemon answered: JSON, into a tree. Pure.
 *
 * The tree is yajl's, and it is given nothing that could upset it: an answer that is nested deeper
 * than any of ours (its release recurses), holds NUL (it reads a C string), or escapes surrogates
 * (which some versions decode wrongly, and the daemon never writes) is refused before. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <yajl/yajl_tree.h>

/* `body` must be followed by NUL. The caller frees *out with yajl_tree_free(); NULL on failure. */
bool answer_parse(struct view body, yajl_val *out, struct fault *fault) MUST_CHECK;

/* The member that `path` names, "rows.today.spent"; NULL where there is none. */
yajl_val answer_get(yajl_val tree, const char *path);

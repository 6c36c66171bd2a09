/* Recognizes a JSON object whose values are all strings, numbers, true, false or null, as rows are.
 * For json.c, where rows are only counted: yajl need not look into such an object. Pure. */
#pragma once

#include "base/view.h"

/* The length of such an object at the front of `text`, which begins with "{" and is valid UTF-8 as
 * far as whole characters go. 0: there is none, or that is not certain, as the object is cut off;
 * never more than yajl would accept. */
size_t flat_object(struct view text);

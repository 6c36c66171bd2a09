/* rowcache's own errors in v2's forms: {"error":"..."}, or the same as XML or PHP. Pure. Source:
 * the reference page of v2, "Answer". */
#pragma once

#include "base/text.h"
#include "query/output.h"

/* Appends the body of an error with this message (any bytes). A form that is not known gives
 * JSON, as it gives output_content_type(). */
void error_render(enum query_output output, struct view message, struct text *body);

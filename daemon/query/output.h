/* The forms of an answer, from tables/outputs.def. Pure. */
#pragma once

#include "base/view.h"

enum query_output {
#define OUTPUT(name, word, type) QUERY_##name,
#include "tables/outputs.def"
#undef OUTPUT
  QUERY_OUTPUT_UNKNOWN
};

/* The word for a known form. */
struct view output_word(enum query_output output);

/* The Content-Type of an answer in this form; of JSON for an unknown one. A constant. */
const char *output_content_type(enum query_output output);

/* The form that `word`, the value of `output`, names; QUERY_OUTPUT_UNKNOWN if it names none. Case
 * matters. */
enum query_output output_named(struct view word);

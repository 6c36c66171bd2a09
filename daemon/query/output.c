#include "query/output.h"

#include "base/check.h"

struct view output_word(enum query_output output) {
  static const struct view words[] = {
#define OUTPUT(name, word, type) [QUERY_##name] = VIEW(#word),
#include "tables/outputs.def"
#undef OUTPUT
  };
  CHECK(output < QUERY_OUTPUT_UNKNOWN);
  return words[output];
}

const char *output_content_type(enum query_output output) {
  static const char *const types[] = {
#define OUTPUT(name, word, type) [QUERY_##name] = type,
#include "tables/outputs.def"
#undef OUTPUT
  };
  return types[output < QUERY_OUTPUT_UNKNOWN ? output : QUERY_JSON];
}

enum query_output output_named(struct view word) {
  enum query_output output = 0;
  while (output < QUERY_OUTPUT_UNKNOWN && !view_equal(output_word(output), word))
    output++;
  return output;
}

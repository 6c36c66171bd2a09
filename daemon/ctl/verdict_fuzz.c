/* Any bytes, as the Cache-Status of an answer. */
#include "ctl/verdict.h"

#include "base/check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum outcome outcome = OUTCOMES;
  bool found = verdict_outcome((struct view){(const char *)data, size}, &outcome);
  CHECK(found == (outcome != OUTCOMES) && outcome != OUTCOME_ERROR);
  return 0;
}

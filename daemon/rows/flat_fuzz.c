/* Fuzz target: what follows the "{" of an object. What flat_object() recognizes is valid for
 * yajl, to just its end. */
#include "base/check.h"
#include "rows/flat.h"

#include <stdint.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool yajl_accepts(struct view text) {
  yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
  CHECK(yajl);
  yajl_config(yajl, yajl_dont_validate_strings, 1);
  bool ok = yajl_parse(yajl, (const unsigned char *)text.at, text.length) == yajl_status_ok &&
            yajl_complete_parse(yajl) == yajl_status_ok;
  yajl_free(yajl);
  return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Of just that size, so that a sanitizer sees a read past its end. */
  char *copy = malloc(size + 1);
  CHECK(copy);
  copy[0] = '{';
  if (size)
    memcpy(copy + 1, data, size);
  struct view text = {copy, size + 1};
  size_t length = flat_object(text);
  CHECK(length <= text.length);
  if (length) {
    CHECK(copy[length - 1] == '}' && yajl_accepts(view_first(text, length)));
    CHECK(flat_object(view_first(text, length)) == length);
    CHECK(flat_object(view_first(text, length - 1)) == 0);
  }
  free(copy);
  return 0;
}

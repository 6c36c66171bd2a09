/* Fuzz target: a tag on the first line, and the value of an If-None-Match line after it. */
#include "base/check.h"
#include "query/etag.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view list = {size ? (const char *)data : "", size}, tag;
  if (!view_split(&list, '\n', &tag) || !list.at)
    return 0;
  bool listed = etag_is_listed(list, tag);
  /* A tag that is not in the list never matches. */
  CHECK(!listed || view_is(view_trim(list), "*") ||
        memmem(list.at, list.length, tag.at, tag.length));
  return 0;
}

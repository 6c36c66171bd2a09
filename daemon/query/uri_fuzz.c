/* Fuzz target: a request target. */
#include "base/check.h"
#include "query/query.h"
#include "query/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parts stand side by side in the target, and are all of it. */
static void check_parts(struct view target, const struct uri *uri) {
  const char *end = target.at + target.length;
  CHECK(uri->origin.at == target.at);
  CHECK(uri->path.at == uri->origin.at + uri->origin.length);
  const char *mark = uri->path.at + uri->path.length;
  CHECK(mark == end ? uri->args.length == 0 : *mark == '?' && uri->args.at == mark + 1);
  CHECK(mark == end || uri->args.at + uri->args.length == end);
}

/* A path has no "?"; it begins with "/" after an origin; only an absolute form has one. */
static void check_forms(const struct uri *uri) {
  CHECK(!uri->path.length || !memchr(uri->path.at, '?', uri->path.length));
  if (!uri->origin.length)
    return;
  CHECK(memmem(uri->origin.at, uri->origin.length, "://", 3));
  CHECK(!uri->path.length || uri->path.at[0] == '/');
  CHECK(uri->origin.at[0] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view target = {size ? (const char *)data : "", size};
  struct uri uri = uri_split(target);
  check_parts(target, &uri);
  check_forms(&uri);
  enum query_output output = uri_output(target);
  CHECK(output <= QUERY_OUTPUT_UNKNOWN);
  struct query *query = NULL;
  if (query_parse(uri.args, VIEW(""), &query, NULL))
    CHECK(query_output(query) == output);
  query_release(&query);
  return 0;
}

/* Fuzz target: the lines of a request's Cache-Control. */
#include "base/check.h"
#include "query/wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(int64_t seconds) {
  CHECK(seconds >= WISH_ABSENT && seconds <= WISH_SECONDS_MAX);
}

static void add_lines(struct wish *wish, struct view lines) {
  struct view line;
  while (view_split(&lines, '\n', &line))
    wish_parse(wish, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view lines = {size ? (const char *)data : "", size};
  struct wish wish = WISH_NONE;
  add_lines(&wish, lines);
  check_range(wish.max_age);
  check_range(wish.min_fresh);
  if (wish.max_stale != WISH_ANY)
    check_range(wish.max_stale);

  /* Repeated lines change nothing. */
  struct wish again = wish;
  add_lines(&again, lines);
  CHECK(again.max_age == wish.max_age && again.min_fresh == wish.min_fresh);
  CHECK(again.max_stale == wish.max_stale && again.no_cache == wish.no_cache);
  CHECK(again.no_store == wish.no_store && again.only_if_cached == wish.only_if_cached);
  return 0;
}

/* Any bytes as a file, in parts of any length: the lines are the same as of the whole. */
#include "ctl/lines.h"

#include "base/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct lines *lines, struct text *out) {
  struct view query;
  struct fault fault;
  bool ok = lines_read(lines, &query, &fault);
  CHECK(!ok || (utf8_is(query) && query.length <= LINES_MOST));
  CHECK(!ok || !query.length || query.at[0] != '#');
  text_printf(out, "%d:%d:", (int)lines->number, ok);
  if (ok)
    text_add(out, query);
  text_add_char(out, '\n');
}

static void list(struct view file, size_t step, struct text *out) {
  struct lines lines = {.number = 0};
  while (file.length) {
    struct view part = view_first(file, step);
    file = view_from(file, part.length);
    while (lines_take(&lines, &part))
      note(&lines, out);
    CHECK(part.length == 0);
  }
  if (lines_end(&lines))
    note(&lines, out);
  CHECK(!lines_end(&lines));
  lines_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct view file = {(const char *)data, size};
  scope_text struct text whole = {0}, parts = {0};
  list(file, size + 1, &whole);
  list(file, size ? 1 + data[0] % 16 : 1, &parts);
  CHECK(view_equal(text_view(&whole), text_view(&parts)));
  return 0;
}

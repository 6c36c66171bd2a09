/* Any bytes, as the daemon's answer, printed in every way. */
#include "ctl/answer.h"
#include "ctl/print.h"

#include "base/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every value of every kind, and one level down. */
static const struct print_column columns[] = {
    {"a", "a", PRINT_TEXT},     {"a", "a", PRINT_LABEL},    {"a", "a", PRINT_NUMBER},
    {"a", "a", PRINT_BYTES},    {"a", "a", PRINT_DURATION}, {"a", "a", PRINT_PART},
    {"a.b", "a.b", PRINT_TEXT},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static void print_every_way(yajl_val answer) {
  scope_text struct text out = {0};
  yajl_val rows = answer_get(answer, "rows");
  print_lines(&out, columns, COLUMNS, answer);
  print_csv(&out, columns, COLUMNS, rows);
  text_clear(&out);
  print_table(&out, columns, COLUMNS, rows, answer);
  for (size_t i = 0; i < out.length; i++)
    CHECK(out.at[i] == '\n' || (unsigned char)out.at[i] >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  yajl_val answer;
  struct fault fault;
  scope_text struct text body = {0};
  text_add(&body, (struct view){(const char *)data, size});
  if (!text_ok(&body) || !answer_parse(text_view(&body), &answer, &fault))
    return 0;
  print_every_way(answer);
  yajl_tree_free(answer);
  return 0;
}

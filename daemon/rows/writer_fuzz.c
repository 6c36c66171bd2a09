/* Fuzz target: an answer in JSON from the rows of another. Before the source stand nine bytes: "1"
 * to filter, "1" to take all columns, offset and limit (from "0" on; "n": none), five letters of
 * which each stands for five columns. */
#include "base/check.h"
#include "base/text.h"
#include "rows/writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 8
#define HEAD 9

static const struct reader_shape shape = {.rows = VIEW("refpages")};

static const char *const names[SCHEMA_COLUMNS] = {
#define COLUMN(name, type) #name,
#include "tables/columns.def"
#undef COLUMN
};

static enum rows_keep is_nofollow(void *context, const struct row *row) {
  (void)context;
  enum value_kind kind = row->values[SCHEMA_nofollow].kind;
  return kind == VALUE_NULL ? ROWS_UNKNOWN : kind == VALUE_TRUE ? ROWS_KEEP : ROWS_DROP;
}

static struct rows_recipe recipe_of(const uint8_t *head) {
  struct rows_recipe recipe = {.keep = head[0] == '1' ? is_nofollow : NULL,
                               .all_columns = head[1] == '1',
                               .may_lack_columns = true,
                               .offset = head[2] & 15,
                               .limit = head[3] == 'n' ? -1 : head[3] & 15};
  for (int i = 0; i < 5; i++)
    recipe.columns |= (uint32_t)(head[4 + i] & 31) << 5 * i;
  return recipe;
}

static bool write_in(const struct rows_recipe *recipe, struct view rest, size_t step,
                     struct text *out, int64_t *rows) {
  struct writer *writer = writer_create(&shape, DEPTH, recipe, &writer_json, -1);
  bool ok = true, ended = false;
  char bytes[512];
  CHECK(writer);
  while (ok && !ended) {
    struct view piece = view_first(rest, step);
    char *copy = malloc(piece.length);
    CHECK(copy || !piece.length);
    if (piece.length)
      memcpy(copy, piece.at, piece.length);
    ended = !rest.length;
    ok = ended ? writer_finish(writer, NULL)
               : writer_feed(writer, (struct view){copy, piece.length}, NULL);
    free(copy);
    rest = view_from(rest, piece.length);
    for (size_t count; (count = writer_pull(writer, bytes, sizeof bytes));)
      text_add(out, (struct view){bytes, count});
  }
  *rows = writer_results(writer);
  writer_release(&writer);
  return ok;
}

/* The answer is sound, has the rows that were counted, and the same columns of it are itself. */
static void check_answer(const struct rows_recipe *recipe, struct view answer, int64_t rows) {
  struct rows_recipe again = *recipe;
  scope_text struct text twice = {0};
  int64_t same;
  struct reader *reader = reader_create(&shape, DEPTH);
  CHECK(reader && reader_feed(reader, answer, NULL) && reader_finish(reader, NULL));
  CHECK(reader_results(reader) == rows && !reader_is_error(reader));
  CHECK(recipe->limit < 0 || rows <= recipe->limit);
  reader_release(&reader);
  again.keep = NULL;
  again.offset = 0;
  CHECK(write_in(&again, answer, answer.length + 1, &twice, &same));
  CHECK(same == rows && view_equal(text_view(&twice), answer));
}

/* The same columns, as names. */
static void check_names(const struct rows_recipe *recipe, struct view source, struct view answer) {
  scope_text struct text list = {0}, named_answer = {0};
  struct columns named = {0};
  int64_t rows;
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++)
    if (recipe->columns >> i & 1)
      text_printf(&list, list.length ? ",%s" : "%s", names[i]);
  if (!list.length)
    return;
  CHECK(columns_parse_select(text_view(&list), &named, NULL) && named.parsed);
  struct rows_recipe by_name = *recipe;
  by_name.named = &named;
  by_name.columns = 0;
  CHECK(write_in(&by_name, source, source.length + 1, &named_answer, &rows));
  CHECK(view_equal(text_view(&named_answer), answer));
  columns_release(&named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEAD || size > WRITER_PIECE_MOST)
    return 0;
  struct rows_recipe recipe = recipe_of(data);
  struct view source = {(const char *)data + HEAD, size - HEAD};
  scope_text struct text whole = {0};
  int64_t rows;
  bool ok = write_in(&recipe, source, size, &whole, &rows);
  CHECK(text_view(&whole).length <= source.length + 2);
  if (ok) {
    check_answer(&recipe, text_view(&whole), rows);
    check_names(&recipe, source, text_view(&whole));
  }
  static const size_t steps[] = {1, 2, 7, 64};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    scope_text struct text split = {0};
    int64_t same;
    CHECK(write_in(&recipe, source, steps[i], &split, &same) == ok && (!ok || same == rows));
    CHECK(!ok || view_equal(text_view(&split), text_view(&whole)));
  }
  return 0;
}

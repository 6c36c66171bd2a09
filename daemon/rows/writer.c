#include "rows/writer.h"

#include "base/scope.h"

struct writer {
  struct reader *reader;
  const struct rows_recipe *recipe;
  const struct writer_form *form;
  int64_t count;         /* announced; -1: none */
  int64_t kept, written; /* rows */
  const char *refused;   /* why it cannot be written; NULL: it can */
  struct text out;
  size_t pulled; /* bytes of `out` */
};

/* --- JSON --- */

static const char *json_row(struct text *out, const struct row *row,
                            const struct rows_recipe *recipe, int64_t index) {
  if (index)
    text_add_char(out, ',');
  if (recipe->all_columns) {
    text_add(out, row->raw);
    return NULL;
  }
  char separator = '{';
  for (size_t i = 0; i < row->count; i++) {
    const struct row_member *member = &row->members[i];
    if (!rows_recipe_takes(recipe, member))
      continue;
    text_add_char(out, separator);
    text_add(out, member->raw_name);
    text_add_char(out, ':');
    text_add(out, member->value.raw);
    separator = ',';
  }
  text_add(out, separator == '{' ? VIEW("{}") : VIEW("}"));
  return NULL;
}

static void json_frame(struct text *out, struct view bytes) {
  text_add(out, bytes);
}

const struct writer_form writer_json = {.frame = json_frame, .row = json_row};

/* --- the writer --- */

bool writer_is_full(const struct writer *writer) {
  return writer->recipe->limit >= 0 && writer->written >= writer->recipe->limit;
}

/* No name stands twice, in the list or in the row. */
static bool lacks_names(const struct rows_recipe *recipe, const struct row *row) {
  size_t count = 0;
  for (size_t i = 0; i < row->count; i++)
    count += rows_recipe_names(recipe, row->members[i].name);
  return count < recipe->named->count;
}

static bool lacks_columns(const struct rows_recipe *recipe, const struct row *row) {
  uint32_t columns = 0;
  if (recipe->all_columns || recipe->may_lack_columns)
    return false;
  if (recipe->named)
    return lacks_names(recipe, row);
  for (size_t i = 0; i < row->count; i++)
    if (row->members[i].column)
      columns |= schema_bit(row->members[i].column);
  return (recipe->columns & ~columns) != 0;
}

static enum rows_keep judge(const struct writer *writer, const struct row *row) {
  const struct rows_recipe *recipe = writer->recipe;
  return recipe->keep ? recipe->keep(recipe->context, row) : ROWS_KEEP;
}

static const char *write_row(struct writer *writer, const struct row *row) {
  switch (judge(writer, row)) {
  case ROWS_DROP:
    return NULL;
  case ROWS_KEEP:
    break;
  case ROWS_UNKNOWN:
    return "a condition on a row can be read in two ways";
  }
  if (writer->kept++ < writer->recipe->offset)
    return NULL;
  if (lacks_columns(writer->recipe, row))
    return "a row lacks a column";
  return writer->form->row(&writer->out, row, writer->recipe, writer->written++);
}

static bool on_row(void *context, const struct row *row) {
  struct writer *writer = context;
  if (!writer_is_full(writer))
    writer->refused = write_row(writer, row);
  return !writer->refused && !writer_is_full(writer);
}

static void on_frame(void *context, struct view bytes) {
  struct writer *writer = context;
  if (writer->form->frame)
    writer->form->frame(&writer->out, bytes);
}

struct writer *writer_create(const struct reader_shape *shape, int64_t max_depth,
                             const struct rows_recipe *recipe, const struct writer_form *form,
                             int64_t count) {
  CHECK(count >= 0 || !form->needs_count);
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer)
    return NULL;
  *writer = (struct writer){.recipe = recipe, .form = form, .count = count};
  struct reader_sink sink = {.context = writer, .frame = on_frame, .row = on_row};
  writer->reader = reader_create_rows(shape, max_depth, &sink);
  if (!writer->reader)
    writer_release(&writer);
  else if (form->begin)
    form->begin(&writer->out, shape->rows, count);
  return writer;
}

void writer_release(struct writer **address) {
  struct writer *writer = steal(*address);
  if (!writer)
    return;
  reader_release(&writer->reader);
  text_free(&writer->out);
  free(writer);
}

static bool refuse(struct fault *fault, const char *why) {
  return fault_set(fault, FAULT_UNAVAILABLE, "the answer cannot be computed: %s", why);
}

static bool checked(const struct writer *writer, struct fault *fault) {
  const char *no_rows = reader_no_rows(writer->reader);
  if (writer->refused || no_rows)
    return refuse(fault, writer->refused ? writer->refused : no_rows);
  return text_ok(&writer->out) || fault_no_memory(fault);
}

bool writer_feed(struct writer *writer, struct view bytes, struct fault *fault) {
  CHECK(bytes.length <= WRITER_PIECE_MOST);
  if (writer->pulled == writer->out.length) {
    text_clear(&writer->out);
    writer->pulled = 0;
  }
  return reader_feed(writer->reader, bytes, fault) && checked(writer, fault);
}

/* What the form needs, and what was announced. */
static const char *contradiction(const struct writer *writer) {
  int64_t begin, end;
  if (reader_is_error(writer->reader))
    return "it is an error";
  if (writer->count >= 0 && writer->count != writer->written)
    return "another number of rows was announced";
  bool needs_plain = writer->form->needs_plain || writer->recipe->needs_plain;
  if (needs_plain && !reader_is_plain(writer->reader))
    return "something stands beside the rows";
  if (writer->form->needs_plain && !reader_rows_place(writer->reader, &begin, &end))
    return "null stands in the place of the rows";
  return NULL;
}

bool writer_finish(struct writer *writer, struct fault *fault) {
  if (!reader_finish(writer->reader, fault) || !checked(writer, fault))
    return false;
  const char *why = contradiction(writer);
  if (why)
    return refuse(fault, why);
  if (writer->form->end)
    writer->form->end(&writer->out);
  return text_ok(&writer->out) || fault_no_memory(fault);
}

size_t writer_pull(struct writer *writer, char *buffer, size_t size) {
  struct view rest = view_first(view_from(text_view(&writer->out), writer->pulled), size);
  if (rest.length)
    memcpy(buffer, rest.at, rest.length);
  writer->pulled += rest.length;
  return rest.length;
}

int64_t writer_results(const struct writer *writer) {
  return writer->written;
}

int64_t writer_source_results(const struct writer *writer) {
  return reader_results(writer->reader);
}

#include "ctl/print.h"

#include "base/visible.h"
#include "ctl/answer.h"

#include <inttypes.h>
#include <stdlib.h>

#define MISSING VIEW("-")
#define HEADING_WIDTH 14
#define DIGITS_SHOWN 12 /* of a key: unique among millions */

/* --- values --- */

static void add_bytes(struct text *out, int64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  double size = (double)bytes;
  for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
    size /= 1024;
  text_printf(out, "%.*f %s", unit ? 1 : 0, size, units[unit]);
}

/* "-3h 5m" is in the past. */
void print_duration(struct text *out, int64_t seconds) {
  static const struct {
    int64_t seconds;
    char letter;
  } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  size_t unit = 0;
  uint64_t left = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;
  while (unit < 3 && left < (uint64_t)units[unit].seconds)
    unit++;
  text_printf(out, "%s%" PRIu64 "%c", seconds < 0 ? "-" : "", left / (uint64_t)units[unit].seconds,
              units[unit].letter);
  left %= (uint64_t)units[unit].seconds;
  if (unit < 3 && left / (uint64_t)units[unit + 1].seconds)
    text_printf(out, " %" PRIu64 "%c", left / (uint64_t)units[unit + 1].seconds,
                units[unit + 1].letter);
}

/* Numbers as they are written in the answer, so that none is rounded. */
static struct view plain(yajl_val value) {
  if (YAJL_IS_STRING(value))
    return view_of(YAJL_GET_STRING(value));
  if (YAJL_IS_NUMBER(value))
    return view_of(YAJL_GET_NUMBER(value));
  if (YAJL_IS_TRUE(value))
    return VIEW("yes");
  return YAJL_IS_FALSE(value) ? VIEW("no") : MISSING;
}

void print_value(struct text *out, enum print_kind kind, yajl_val value) {
  if (kind == PRINT_BYTES && YAJL_IS_INTEGER(value))
    add_bytes(out, YAJL_GET_INTEGER(value));
  else if (kind == PRINT_DURATION && YAJL_IS_INTEGER(value))
    print_duration(out, YAJL_GET_INTEGER(value));
  else if (kind == PRINT_PART && YAJL_IS_DOUBLE(value))
    text_printf(out, "%.1f %%", YAJL_GET_DOUBLE(value) * 100);
  else if (kind == PRINT_LABEL && YAJL_IS_STRING(value) && plain(value).length == 0)
    text_add(out, VIEW("(none)"));
  else if (kind == PRINT_DIGITS)
    visible_add(out, view_first(plain(value), DIGITS_SHOWN));
  else
    visible_add(out, plain(value));
}

/* --- tables --- */

/* Characters; each counts as one column. */
static size_t width_of(struct view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.length; i++)
    width += ((unsigned char)text.at[i] & 0xc0) != 0x80;
  return width;
}

static bool is_to_the_right(enum print_kind kind) {
  return kind != PRINT_TEXT && kind != PRINT_LABEL && kind != PRINT_DIGITS;
}

static void add_spaces(struct text *out, size_t count) {
  while (count--)
    text_add_char(out, ' ');
}

struct table {
  const struct print_column *columns;
  size_t count;
  yajl_val rows, total;
  size_t *widths;
  struct text cell; /* the one being printed */
};

static void set_cell(struct table *table, const struct print_column *column, yajl_val row) {
  text_clear(&table->cell);
  if (row == table->total && column == table->columns)
    text_add(&table->cell, VIEW("total"));
  else
    print_value(&table->cell, column->kind, answer_get(row, column->member));
}

static void set_heading(struct table *table, const struct print_column *column) {
  text_clear(&table->cell);
  text_add(&table->cell, view_of(column->heading));
}

static void widen(struct table *table, size_t column) {
  size_t width = width_of(text_view(&table->cell));
  if (width > table->widths[column])
    table->widths[column] = width;
}

/* The last column is not padded. */
static void add_cell(struct text *out, const struct table *table, size_t column) {
  struct view cell = text_view(&table->cell);
  size_t padding = table->widths[column] - width_of(cell);
  bool right = is_to_the_right(table->columns[column].kind);
  add_spaces(out, (column ? 2 : 0) + (right ? padding : 0));
  text_add(out, cell);
  if (column + 1 == table->count)
    text_add_char(out, '\n');
  else
    add_spaces(out, right ? 0 : padding);
}

static size_t count_rows(yajl_val rows) {
  return YAJL_IS_ARRAY(rows) ? YAJL_GET_ARRAY(rows)->len : 0;
}

/* The rows, then the total if there is one. */
static yajl_val row_at(const struct table *table, size_t i) {
  return i < count_rows(table->rows) ? YAJL_GET_ARRAY(table->rows)->values[i] : table->total;
}

static void measure(struct table *table, size_t lines) {
  for (size_t column = 0; column < table->count; column++) {
    set_heading(table, &table->columns[column]);
    widen(table, column);
    for (size_t i = 0; i < lines; i++) {
      set_cell(table, &table->columns[column], row_at(table, i));
      widen(table, column);
    }
  }
}

static void add_lines(struct text *out, struct table *table, size_t lines) {
  for (size_t column = 0; column < table->count; column++) {
    set_heading(table, &table->columns[column]);
    add_cell(out, table, column);
  }
  for (size_t i = 0; i < lines; i++)
    for (size_t column = 0; column < table->count; column++) {
      set_cell(table, &table->columns[column], row_at(table, i));
      add_cell(out, table, column);
    }
}

void print_table(struct text *out, const struct print_column *columns, size_t count, yajl_val rows,
                 yajl_val total) {
  struct table table = {columns, count, rows, total, calloc(count, sizeof *table.widths), {0}};
  size_t lines = count_rows(rows) + (total ? 1 : 0);
  if (table.widths) {
    measure(&table, lines);
    add_lines(out, &table, lines);
  }
  if (!table.widths || !text_ok(&table.cell))
    out->failed = true;
  text_free(&table.cell);
  free(table.widths);
}

/* --- lines --- */

void print_heading(struct text *out, const char *heading) {
  text_printf(out, "%-*s ", HEADING_WIDTH, heading);
}

void print_lines(struct text *out, const struct print_column *columns, size_t count,
                 yajl_val object) {
  for (size_t i = 0; i < count; i++) {
    print_heading(out, columns[i].heading);
    print_value(out, columns[i].kind, answer_get(object, columns[i].member));
    text_add_char(out, '\n');
  }
}

/* --- CSV --- */

static bool looks_like_formula(struct view text) {
  return text.length && memchr("=+-@", text.at[0], 4);
}

static bool needs_quotes(struct view text) {
  return memchr(text.at, ',', text.length) || memchr(text.at, '"', text.length);
}

/* Line ends are escaped as control characters, so they need no quotes. */
static void add_csv_text(struct text *out, struct view value) {
  scope_text struct text safe = {.limit = out->limit};
  visible_add(&safe, value);
  struct view text = text_view(&safe);
  bool formula = looks_like_formula(text), quotes = needs_quotes(text);
  if (quotes)
    text_add_char(out, '"');
  if (formula)
    text_add_char(out, '\'');
  for (size_t i = 0; i < text.length; i++) {
    if (text.at[i] == '"')
      text_add_char(out, '"');
    text_add_char(out, text.at[i]);
  }
  if (quotes)
    text_add_char(out, '"');
  if (!text_ok(&safe))
    out->failed = true;
}

/* A missing value is an empty field. */
static void add_csv_value(struct text *out, yajl_val value) {
  if (YAJL_IS_STRING(value))
    add_csv_text(out, plain(value));
  else if (YAJL_IS_NUMBER(value))
    text_add(out, plain(value));
}

void print_csv(struct text *out, const struct print_column *columns, size_t count, yajl_val rows) {
  for (size_t column = 0; column < count; column++)
    text_printf(out, "%s%s", column ? "," : "", columns[column].member);
  text_add(out, VIEW("\r\n"));
  for (size_t i = 0; i < count_rows(rows); i++) {
    for (size_t column = 0; column < count; column++) {
      if (column)
        text_add_char(out, ',');
      add_csv_value(out, answer_get(YAJL_GET_ARRAY(rows)->values[i], columns[column].member));
    }
    text_add(out, VIEW("\r\n"));
  }
}

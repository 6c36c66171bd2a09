#include "ctl/amounts.h"

#include "ctl/answer.h"

#include <stdlib.h>

struct amounts {
  const struct print_column *columns;
  size_t count;
  yajl_val answer;
  yajl_val rows, total; /* an array and an object; NULL: none */
  bool all_rows;
};

/* --- choosing columns --- */

/* A digit other than 0 in it: "0", "0.0" and what is missing are nothing. */
static bool is_something(yajl_val value) {
  scope_text struct text text = {0};
  print_value(&text, PRINT_NUMBER, value);
  return strpbrk(text_string(&text), "123456789") != NULL;
}

static bool has_something(const struct amounts *amounts, const char *member) {
  bool any = is_something(answer_get(amounts->total, member));
  size_t count = YAJL_IS_ARRAY(amounts->rows) ? YAJL_GET_ARRAY(amounts->rows)->len : 0;
  for (size_t i = 0; i < count && !any; i++)
    any = is_something(answer_get(YAJL_GET_ARRAY(amounts->rows)->values[i], member));
  return any;
}

static bool shows(const struct amounts *amounts, enum print_kind kind, const char *word) {
  bool any = answer_equals(amounts->answer, "currency", word);
  for (size_t i = 0; i < amounts->count && !any; i++)
    any = amounts->columns[i].kind == kind && has_something(amounts, amounts->columns[i].member);
  return any;
}

struct chosen {
  struct print_column *columns;
  size_t count;
  bool has_units;
};

/* `chosen->columns` has room for all. */
static void choose(const struct amounts *amounts, struct chosen *chosen) {
  bool units = shows(amounts, PRINT_UNITS, "units");
  bool rows = amounts->all_rows || !units || shows(amounts, PRINT_ROWS, "rows");
  chosen->has_units = units;
  for (size_t i = 0; i < amounts->count; i++) {
    enum print_kind kind = amounts->columns[i].kind;
    if ((kind != PRINT_ROWS || rows) && (kind != PRINT_UNITS || units))
      chosen->columns[chosen->count++] = amounts->columns[i];
  }
}

/* The heading without its currency. */
static const char *bare_heading(const struct print_column *column) {
  if (column->kind == PRINT_ROWS)
    return column->heading + strlen("rows ");
  return column->heading + (column->kind == PRINT_UNITS ? strlen("units ") : 0);
}

/* --- printing --- */

typedef void printer(struct text *out, const struct amounts *amounts, struct chosen *chosen);

static void print(struct text *out, const struct amounts *amounts, printer *print_chosen) {
  struct chosen chosen = {.columns = calloc(amounts->count, sizeof *chosen.columns)};
  if (chosen.columns) {
    choose(amounts, &chosen);
    print_chosen(out, amounts, &chosen);
  } else {
    out->failed = true;
  }
  free(chosen.columns);
}

static void print_as_table(struct text *out, const struct amounts *amounts, struct chosen *chosen) {
  for (size_t i = 0; i < chosen->count && !chosen->has_units; i++)
    chosen->columns[i].heading = bare_heading(&chosen->columns[i]);
  print_table(out, chosen->columns, chosen->count, amounts->rows, amounts->total);
}

static void print_as_csv(struct text *out, const struct amounts *amounts, struct chosen *chosen) {
  print_csv(out, chosen->columns, chosen->count, amounts->rows);
}

static void print_as_lines(struct text *out, const struct amounts *amounts, struct chosen *chosen) {
  for (size_t i = 0; i < chosen->count; i++) {
    const struct print_column *column = &chosen->columns[i];
    print_heading(out, bare_heading(column));
    print_value(out, column->kind, answer_get(amounts->total, column->member));
    if (chosen->has_units && (column->kind == PRINT_ROWS || column->kind == PRINT_UNITS))
      text_add(out, column->kind == PRINT_ROWS ? VIEW(" rows") : VIEW(" units"));
    text_add_char(out, '\n');
  }
}

void amounts_table(struct text *out, const struct print_column *columns, size_t count,
                   yajl_val answer, const char *list) {
  const struct amounts amounts = {
      columns, count, answer, answer_get(answer, list), answer_get(answer, "total"), false};
  if (amounts.rows)
    print(out, &amounts, print_as_table);
}

void amounts_csv(struct text *out, const struct print_column *columns, size_t count,
                 yajl_val answer, const char *list) {
  const struct amounts amounts = {
      columns, count, answer, answer_get(answer, list), answer_get(answer, "total"), true};
  if (amounts.rows)
    print(out, &amounts, print_as_csv);
}

void amounts_lines(struct text *out, const struct print_column *columns, size_t count,
                   yajl_val answer) {
  const struct amounts amounts = {columns, count, answer, NULL, answer, false};
  print(out, &amounts, print_as_lines);
}

/* Ahrefs' currencies: rows under v2, units under v3.
 *
 * Each is a type of its own, so that neither can be added to the other, to results or to bytes by
 * accident. A struct amount is of either currency, for code that serves both: the ledger, budgets,
 * the cost of an answer. A zero amount has a currency, too. Adding or comparing amounts of two
 * currencies fails a CHECK; only the named functions convert. Sums saturate instead of overflowing.
 * Pure. */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdint.h>

/* -- Rows: in tenths -- */

struct rows {
  int64_t tenths;
};

#define ROWS(whole) ((struct rows){(int64_t)(whole)*10})
#define ROWS_MAX ((struct rows){INT64_MAX})

struct rows rows_add(struct rows a, struct rows b);

static inline bool rows_is_zero(struct rows a) {
  return a.tenths == 0;
}

/* -1, 0, 1 as a is less than, equal to, greater than b. */
static inline int rows_order(struct rows a, struct rows b) {
  return (a.tenths > b.tenths) - (a.tenths < b.tenths);
}

/* "201", "0.2": digits and at most one decimal; not negative. */
bool rows_parse(struct view text, struct rows *out) MUST_CHECK;

/* -- Units: whole -- */

struct units {
  int64_t whole;
};

#define UNITS(count) ((struct units){count})

/* -- Amounts: of either -- */

enum currency { CURRENCY_ROWS, CURRENCY_UNITS }; /* as in sql/ledger */
#define CURRENCIES 2

/* "rows", "units". */
extern const char *const currency_words[CURRENCIES];

struct amount {
  enum currency currency;
  int64_t parts; /* the currency's smallest: tenths of a row, whole units */
};

#define AMOUNT_TEXT_SIZE 24

static inline struct amount amount_of_rows(struct rows rows) {
  return (struct amount){CURRENCY_ROWS, rows.tenths};
}

static inline struct amount amount_of_units(struct units units) {
  return (struct amount){CURRENCY_UNITS, units.whole};
}

static inline struct amount amount_zero(enum currency currency) {
  return (struct amount){currency, 0};
}

/* The amount as rows, or as units, which it must be. */
static inline struct rows amount_rows(struct amount a) {
  CHECK(a.currency == CURRENCY_ROWS);
  return (struct rows){a.parts};
}

static inline struct units amount_units(struct amount a) {
  CHECK(a.currency == CURRENCY_UNITS);
  return (struct units){a.parts};
}

/* Both of one currency, which the result has. */
struct amount amount_add(struct amount a, struct amount b);
struct amount amount_subtract(struct amount a, struct amount b);
/* `each` for each of `count` (not negative). */
struct amount amount_times(struct amount each, int64_t count);

/* -1, 0, 1 as a is less than, equal to, greater than b, which has the same currency. */
static inline int amount_order(struct amount a, struct amount b) {
  CHECK(a.currency == b.currency);
  return (a.parts > b.parts) - (a.parts < b.parts);
}

static inline bool amount_is_zero(struct amount a) {
  return a.parts == 0;
}

static inline bool amount_is_negative(struct amount a) {
  return a.parts < 0;
}

/* The whole rows or units in an amount that is not negative. */
int64_t amount_whole(struct amount amount);

/* Rows as rows_parse() reads them; units as digits alone. */
bool amount_parse(struct view text, enum currency currency, struct amount *out) MUST_CHECK;

/* The same with '+' or '-' before it, or neither. */
bool amount_parse_signed(struct view text, enum currency currency, struct amount *out) MUST_CHECK;

/* Rows with one decimal, "201.0"; units whole, "201". Returns `out`. */
const char *amount_print(struct amount amount, char out[AMOUNT_TEXT_SIZE]);

/* What a line of the log adds to its amounts: "" for rows, " currency=units". A constant. */
const char *currency_mark(enum currency currency);

/* amount_print() into a buffer that lives as long as the enclosing block. */
#define AMOUNT_TEXT(amount) amount_print((amount), (char[AMOUNT_TEXT_SIZE]){0})

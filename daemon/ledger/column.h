/* Values in and out of columns of ledger.db. Of the ledger room only.
 *
 * A file that somebody else has changed is not trusted: each function returns a value of its type,
 * whatever the column holds. */
#pragma once

#include "base/digest.h"
#include "db/db.h"
#include "ledger/token.h"

/* A digest as bytes, which live as long as the digest. */
static inline struct view column_bytes(const struct digest *digest) {
  return (struct view){(const char *)digest->bytes, sizeof digest->bytes};
}
/* Zeros where the column holds no digest. */
struct digest column_digest(struct db_statement *row, int column);

/* TOKEN_SEEN where the column holds no kind. */
enum token_kind column_kind(struct db_statement *row, int column);
/* A day that can be printed: the nearest where the column holds none. */
int32_t column_day(struct db_statement *row, int column);
/* CURRENCY_ROWS where the column holds no currency. */
enum currency column_currency(struct db_statement *row, int column);
/* An amount that cannot be negative: zero where the column is below zero. */
struct amount column_amount(struct db_statement *row, int column, enum currency currency);

/* Of a name of requests that are alike, the part that those of one table share. */
static inline struct view column_beginning(const char *alike) {
  struct view rest = view_of(alike), beginning = VIEW("");
  (void)view_split(&rest, ' ', &beginning);
  return beginning;
}

#include "ledger/column.h"

#include "base/num.h"

#include <string.h>

struct digest column_digest(struct db_statement *row, int column) {
  struct digest digest = {0};
  struct view bytes = db_blob(row, column);
  if (bytes.length == sizeof digest.bytes)
    memcpy(digest.bytes, bytes.at, sizeof digest.bytes);
  return digest;
}

enum token_kind column_kind(struct db_statement *row, int column) {
  int64_t kind = db_integer(row, column);
  return kind == TOKEN_REGISTERED || kind == TOKEN_ISSUED ? (enum token_kind)kind : TOKEN_SEEN;
}

int32_t column_day(struct db_statement *row, int column) {
  int64_t day = db_integer(row, column);
  if (day < 0)
    return 0;
  return day > NUM_LAST_DAY ? NUM_LAST_DAY : (int32_t)day;
}

enum currency column_currency(struct db_statement *row, int column) {
  return db_integer(row, column) == CURRENCY_UNITS ? CURRENCY_UNITS : CURRENCY_ROWS;
}

struct amount column_amount(struct db_statement *row, int column, enum currency currency) {
  int64_t parts = db_integer(row, column);
  return (struct amount){currency, parts < 0 ? 0 : parts};
}

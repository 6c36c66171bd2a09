/* A connection, as the files of the db room share it; no other room includes it. */
#pragma once

#include "db/db.h"

#include <sqlite3.h>

struct db_statement {
  struct db *db;
  sqlite3_stmt *handle; /* NULL: not prepared yet */
  const char *name;
  size_t parameters;
};

struct db {
  sqlite3 *handle;
  const struct db_schema *schema;
  char *path;
  struct db_statement *statements; /* as many as the schema has */
  int patience_ms;
  bool is_held; /* a reader keeps the WAL from being restarted */
  bool damaged;
  bool contradicts;
};

/* Fills `fault` for the last failure of SQLite, while `doing`, and notes what it says about the file.
 * Always returns false. */
bool connection_failed(struct db *db, const char *doing, struct fault *fault);
/* A column as text, or as an empty view; valid until the next step. */
struct view connection_text(sqlite3_stmt *handle, int column);

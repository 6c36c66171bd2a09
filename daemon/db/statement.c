/* Statements: preparing, binding, stepping, reading. */
#include "db/connection.h"

static bool prepare(struct db *db, int number, struct fault *fault) {
  struct db_statement *statement = &db->statements[number];
  statement->db = db;
  statement->name = db->schema->statement_names[number];
  if (sqlite3_prepare_v3(db->handle, db->schema->statements[number], -1, SQLITE_PREPARE_PERSISTENT,
                         &statement->handle, NULL) != SQLITE_OK)
    return connection_failed(db, statement->name, fault);
  statement->parameters = (size_t)sqlite3_bind_parameter_count(statement->handle);
  return true;
}

static int bind_value(sqlite3_stmt *handle, int parameter, const struct db_value *value) {
  const char *bytes;
  switch (value->kind) {
  case DB_IS_INT:
    return sqlite3_bind_int64(handle, parameter, value->integer);
  case DB_IS_TEXT:
    bytes = value->bytes.at ? value->bytes.at : "";
    return sqlite3_bind_text64(handle, parameter, bytes, value->bytes.length, SQLITE_STATIC,
                               SQLITE_UTF8);
  case DB_IS_BLOB:
    bytes = value->bytes.at ? value->bytes.at : "";
    return sqlite3_bind_blob64(handle, parameter, bytes, value->bytes.length, SQLITE_STATIC);
  case DB_IS_NULL:
    break;
  }
  return sqlite3_bind_null(handle, parameter);
}

/* Binds every parameter each time, so no value of an earlier run is left. */
static bool bind_values(struct db_statement *statement, struct db_values values,
                        struct fault *fault) {
  if (values.count != statement->parameters)
    return fault_set(fault, FAULT_INTERNAL, "%s: %s: %zu values for %zu parameters",
                     statement->db->path, statement->name, values.count, statement->parameters);
  for (size_t i = 0; i < values.count; i++)
    if (bind_value(statement->handle, (int)i + 1, &values.at[i]) != SQLITE_OK)
      return connection_failed(statement->db, statement->name, fault);
  return true;
}

struct db_statement *db_each(struct db *db, int number, struct db_values values,
                             struct fault *fault) {
  CHECK(number >= 0 && number < db->schema->statement_count);
  struct db_statement *statement = &db->statements[number];
  if (!statement->handle && !prepare(db, number, fault))
    return NULL;
  sqlite3_reset(statement->handle);
  return bind_values(statement, values, fault) ? statement : NULL;
}

bool db_step(struct db_statement *statement, bool *row, struct fault *fault) {
  int code = sqlite3_step(statement->handle);
  *row = code == SQLITE_ROW;
  if (*row)
    return true;
  bool ok = code == SQLITE_DONE || connection_failed(statement->db, statement->name, fault);
  sqlite3_reset(statement->handle);
  return ok;
}

bool db_find(struct db *db, int number, struct db_values values, struct db_statement **row,
             struct fault *fault) {
  bool any = false;
  struct db_statement *statement = db_each(db, number, values, fault);
  bool ok = statement && db_step(statement, &any, fault);
  *row = any ? statement : NULL;
  return ok;
}

bool db_do(struct db *db, int number, struct db_values values, struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, number, values, &row, fault);
  db_done(row);
  return ok;
}

void db_done(struct db_statement *statement) {
  if (statement)
    sqlite3_reset(statement->handle);
}

int64_t db_integer(struct db_statement *statement, int column) {
  return sqlite3_column_int64(statement->handle, column);
}

struct view db_text(struct db_statement *statement, int column) {
  return connection_text(statement->handle, column);
}

struct view db_blob(struct db_statement *statement, int column) {
  const char *bytes = sqlite3_column_blob(statement->handle, column);
  return (struct view){bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement->handle, column)};
}

bool db_is_null(struct db_statement *statement, int column) {
  return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

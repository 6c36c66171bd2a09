/* SQLite, as the rooms above use it: a file with a schema of numbered migrations and a set of named
 * statements, both compiled in from sql/.
 *
 * A struct db is one connection. It belongs to one thread at a time (it is opened NOMUTEX);
 * statements are prepared once, at first use. Every function that can fail returns false and a
 * fault of kind FAULT_UNAVAILABLE, or FAULT_INTERNAL for a statement that is wrong; the text names
 * the file, the statement and SQLite's own message. Functions block on the disk. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stdint.h>

/* A schema, which sql/embed.py makes from sql/NAME/: see sql/README.md. */
struct db_schema {
  const char *name;
  int32_t application_id;        /* PRAGMA application_id: this file is ours */
  const char *const *migrations; /* numbered from 1; applied one by one, each in a transaction */
  int migration_count;
  const char *const *statement_names;
  const char *const *statements;
  int statement_count;
};

enum db_mode {
  DB_READ,  /* never writes; the file must exist */
  DB_WRITE, /* creates and migrates; WAL, synchronous NORMAL: survives a crash of the process */
  DB_WRITE_FULL, /* as DB_WRITE, synchronous FULL: a commit survives a loss of power */
};

struct db;
struct db_statement; /* one of the schema's, prepared for one connection, and of its thread */

/* Opens the file. DB_WRITE and DB_WRITE_FULL create it (mode 0600) and bring it to the newest
 * schema; a file of a newer schema, or of another program, is refused. `*damaged` (NULL: not asked)
 * is set when SQLite says that the file is no database, or is corrupt. */
bool db_open(const char *path, const struct db_schema *schema, enum db_mode mode, struct db **out,
             bool *damaged, struct fault *fault) MUST_CHECK;

/* Closes and leaves NULL; NULL is allowed. */
void db_close(struct db **db);

/* The size to which the WAL file is truncated when it is restarted, after a burst: this from
 * db_open() on, or another number of bytes. For a connection that writes. */
#define DB_WAL_KEPT (INT64_C(1) * 1024 * 1024)
bool db_keep_wal(struct db *db, int64_t bytes, struct fault *fault) MUST_CHECK;
/* The memory that the connection uses for pages, in KiB; SQLite's default is 2 MiB. */
bool db_set_page_cache(struct db *db, int kib, struct fault *fault) MUST_CHECK;
/* Gives up to `pages` free pages at the end of the file back to the file system. */
bool db_give_back(struct db *db, int pages, struct fault *fault) MUST_CHECK;

/* PRAGMA quick_check: reads the whole file. False with a fault when it finds damage. */
bool db_check(struct db *db, struct fault *fault) MUST_CHECK;

/* -- Running statements --
 *
 * A statement runs with one value for each of its parameters, in their order. The compiler checks
 * the type of each; a wrong number of them is a fault before anything runs. An array with its
 * count is taken rather than variable arguments, of which nothing could check either. */

struct db_value {
  enum { DB_IS_NULL, DB_IS_INT, DB_IS_TEXT, DB_IS_BLOB } kind;
  union {
    int64_t integer;
    struct view bytes; /* text is UTF-8; it must stay as it is until the statement is done */
  };
};
#define DB_NULL ((struct db_value){.kind = DB_IS_NULL})
#define DB_INT(value) ((struct db_value){.kind = DB_IS_INT, .integer = (value)})
#define DB_TEXT(view) ((struct db_value){.kind = DB_IS_TEXT, .bytes = (view)})
#define DB_BLOB(view) ((struct db_value){.kind = DB_IS_BLOB, .bytes = (view)})

struct db_values {
  const struct db_value *at;
  size_t count;
};
/* DB_VALUES(DB_INT(1), DB_NULL), or none: DB_VALUES(). It lives as long as the block it is in. */
#define DB_VALUES(...)                                        \
  ((struct db_values){(const struct db_value[]){__VA_ARGS__}, \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})

/* Runs the statement with this number, of the schema's, and returns none of its rows. */
bool db_do(struct db *db, int number, struct db_values values, struct fault *fault) MUST_CHECK;

/* The same up to the first row: `*row` is at it, for the caller to read and then give to db_done().
 * NULL when there is no row, and after a failure. Owned by `db`. */
bool db_find(struct db *db, int number, struct db_values values, struct db_statement **row,
             struct fault *fault) MUST_CHECK;

/* The statement before its first row, for db_step(); NULL with a fault. Owned by `db`. Rows of an
 * earlier run that were not read are given up. */
struct db_statement *db_each(struct db *db, int number, struct db_values values,
                             struct fault *fault) MUST_CHECK;

/* One step: `*row` tells whether there is a row. When there is none the statement is done. */
bool db_step(struct db_statement *statement, bool *row, struct fault *fault) MUST_CHECK;

/* Gives up the rows that were not read, so that the statement holds no snapshot. NULL is allowed.
 */
void db_done(struct db_statement *statement);

/* Columns, by number from 0, of the row that the statement is at. NULL is 0 and an empty view. A
 * view holds until the statement is stepped or reset. */
int64_t db_integer(struct db_statement *statement, int column);
struct view db_text(struct db_statement *statement, int column);
struct view db_blob(struct db_statement *statement, int column);
bool db_is_null(struct db_statement *statement, int column);

/* The number of rows that the last statement has inserted, updated or deleted. */
int64_t db_changes(struct db *db);

/* Plain SQL without rows, such as BEGIN or a PRAGMA; fixed text only. */
bool db_execute(struct db *db, const char *sql, struct fault *fault) MUST_CHECK;
/* The first column of the first row of fixed SQL (a PRAGMA), as an integer. */
bool db_pragma(struct db *db, const char *sql, int64_t *value, struct fault *fault) MUST_CHECK;

/* The number of the newest migration that the file has; 0: it has none. */
bool db_version(struct db *db, int64_t *number, struct fault *fault) MUST_CHECK;

/* For how long a call waits for a lock that another connection holds, before it fails;
 * DB_PATIENCE_MS from db_open() on. 0: not at all. On the thread that `db` belongs to. */
#define DB_PATIENCE_MS 5000
void db_set_patience(struct db *db, int milliseconds);

/* True if a reader with an old snapshot, of another process, keeps the WAL from being restarted, so
 * that it grows with each commit. Known from WAL_PAGES_MANY (db.c) on; logged once when it begins
 * and once when it is over. */
bool db_is_held(const struct db *db);
/* Checks whether that reader has ended. Does not wait for locks; not within a transaction. */
void db_tend(struct db *db);

/* Bytes on disk of the database with this path; zero where there is no file. Any thread. */
struct db_sizes {
  int64_t file, wal;
};
struct db_sizes db_sizes(const char *path);

/* True if a transaction is open: an error such as a full disk may have ended it. */
bool db_in_transaction(struct db *db);

/* True if the last failure was a broken constraint of the schema, by what was to be written or by
 * what stands in the file. */
bool db_contradicts(struct db *db);
/* True if a failure of this connection said that the file is damaged. */
bool db_is_damaged(struct db *db);

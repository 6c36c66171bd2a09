/* SQLite for the other rooms: a file with a schema of numbered migrations and a set of named
 * statements, both compiled in from sql/.
 *
 * A struct db is one connection. One thread at a time may use it (it is opened NOMUTEX). Statements
 * are prepared once, at first use. A function that fails returns false with FAULT_UNAVAILABLE, or
 * with FAULT_INTERNAL for a statement that is wrong; the text names the file, the statement and
 * SQLite's own message. Functions block on the disk. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stdint.h>

/* A schema. sql/embed.py makes it from sql/NAME/: see sql/README.md. */
struct db_schema {
  const char *name;
  int32_t application_id;        /* PRAGMA application_id: marks a file as rowcache's */
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
struct db_statement; /* a statement of the schema, prepared for one connection */

/* Opens the file; the caller owns `*out`. DB_WRITE and DB_WRITE_FULL create it (mode 0600) and
 * migrate it to the newest schema. A file of a newer schema, or of another program, is refused.
 * `*damaged` (`damaged` may be NULL): SQLite says that the file is corrupt, or no database. */
bool db_open(const char *path, const struct db_schema *schema, enum db_mode mode, struct db **out,
             bool *damaged, struct fault *fault) MUST_CHECK;

/* Closes and leaves NULL; NULL is allowed. */
void db_close(struct db **db);

/* The size, in bytes, to which the WAL file is truncated when it is restarted. */
#define DB_WAL_KEPT (INT64_C(4) * 1024 * 1024)
/* Sets the memory that the connection uses for pages, in KiB; SQLite's default is 2 MiB. */
bool db_set_page_cache(struct db *db, int kib, struct fault *fault) MUST_CHECK;
/* Returns up to `pages` free pages to the file system. */
bool db_give_back(struct db *db, int pages, struct fault *fault) MUST_CHECK;

/* PRAGMA quick_check: reads the whole file. False with a fault when it finds damage. */
bool db_check(struct db *db, struct fault *fault) MUST_CHECK;

/* -- Running statements --
 *
 * A statement runs with one value for each of its parameters, in order. The compiler checks their
 * types, and a wrong number of values is a fault before anything runs. Variable arguments would
 * allow neither check. */

struct db_value {
  enum { DB_IS_NULL, DB_IS_INT, DB_IS_TEXT, DB_IS_BLOB } kind;
  union {
    int64_t integer;
    struct view bytes; /* text is UTF-8; must not change until the statement is done */
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
/* DB_VALUES(DB_INT(1), DB_NULL); without values: DB_VALUES(). Lives as long as the enclosing
 * block. */
#define DB_VALUES(...)                                        \
  ((struct db_values){(const struct db_value[]){__VA_ARGS__}, \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})

/* Runs the schema's statement `number` and ignores its rows. */
bool db_do(struct db *db, int number, struct db_values values, struct fault *fault) MUST_CHECK;

/* The same up to the first row, which `*row` is at: the caller reads it, and then calls db_done().
 * NULL: there is no row, or a failure. `db` owns it. */
bool db_find(struct db *db, int number, struct db_values values, struct db_statement **row,
             struct fault *fault) MUST_CHECK;

/* The statement before its first row, for db_step(); NULL with a fault. `db` owns it. Ends an
 * earlier run of the same statement. */
struct db_statement *db_each(struct db *db, int number, struct db_values values,
                             struct fault *fault) MUST_CHECK;

/* Steps to the next row. `*row`: there is one; if not, the statement is done. */
bool db_step(struct db_statement *statement, bool *row, struct fault *fault) MUST_CHECK;

/* Ends the run of a statement, so that it holds no snapshot. NULL is allowed. */
void db_done(struct db_statement *statement);

/* Columns of the present row, by number from 0. NULL reads as 0 and as an empty view. A view is
 * valid until the next db_step() or db_done(). */
int64_t db_integer(struct db_statement *statement, int column);
struct view db_text(struct db_statement *statement, int column);
struct view db_blob(struct db_statement *statement, int column);
bool db_is_null(struct db_statement *statement, int column);

/* The number of rows that the last statement inserted, updated or deleted. */
int64_t db_changes(struct db *db);

/* Runs fixed SQL without rows, such as BEGIN or a PRAGMA. Never with text from outside. */
bool db_execute(struct db *db, const char *sql, struct fault *fault) MUST_CHECK;
/* Runs fixed SQL (a PRAGMA); `*value` is the first column of its first row. */
bool db_pragma(struct db *db, const char *sql, int64_t *value, struct fault *fault) MUST_CHECK;

/* The number of the newest migration that the file has; 0: it has none. */
bool db_version(struct db *db, int64_t *number, struct fault *fault) MUST_CHECK;

/* Sets the time for which a call waits for a lock of another connection before it fails;
 * DB_PATIENCE_MS from db_open() on. 0: it does not wait. */
#define DB_PATIENCE_MS 5000
void db_set_patience(struct db *db, int milliseconds);

/* True if a reader of another process holds an old snapshot, so that the WAL cannot be restarted
 * and grows with each commit. Found out once the WAL has WAL_PAGES_MANY pages (db.c); logged when
 * it begins and when it ends. */
bool db_is_held(const struct db *db);
/* Checks if that reader has ended. Does not wait for locks. Call it outside a transaction. */
void db_tend(struct db *db);

/* The bytes on disk of the database with this path; 0 if there is no file. Any thread. */
struct db_sizes {
  int64_t file, wal;
};
struct db_sizes db_sizes(const char *path);

/* True if a transaction is open. An error such as a full disk may have ended it. */
bool db_in_transaction(struct db *db);

/* True if the last failure was a violated constraint of the schema, by new values or by those in
 * the file. */
bool db_contradicts(struct db *db);
/* True if a failure of this connection said that the file is damaged. */
bool db_is_damaged(struct db *db);

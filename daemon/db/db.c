/* Connections: opening a file, its migrations, its WAL. */
#include "db/connection.h"

#include "base/log.h"
#include "base/scope.h"
#include "db/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Checkpoint the WAL from 3 MiB on (it counts as disk that the cache takes, and with the rest of a
 * usual batch it stays below DB_WAL_KEPT); restart it at 16 MiB, waiting up to 100 ms for readers. Each
 * checkpoint is two or three fsyncs, for which whoever stores waits: at 1 MiB an answer of 60 MB had
 * 75 of them, and each tenth small answer had its own. */
#define WAL_PAGES 768
#define WAL_PAGES_MANY 4000
#define WAL_WAIT_MS 100

static bool is_damage(int code) {
  code &= 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool connection_failed(struct db *db, const char *doing, struct fault *fault) {
  int code = sqlite3_errcode(db->handle);
  if (is_damage(code))
    db->damaged = true;
  db->contradicts = (code & 0xff) == SQLITE_CONSTRAINT;
  return fault_set(fault, FAULT_UNAVAILABLE, "%s: %s: %s", db->path, doing,
                   sqlite3_errmsg(db->handle));
}

bool db_execute(struct db *db, const char *sql, struct fault *fault) {
  return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
         connection_failed(db, sql, fault);
}

bool db_pragma(struct db *db, const char *sql, int64_t *value, struct fault *fault) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
    return connection_failed(db, sql, fault);
  int code = sqlite3_step(statement);
  *value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  bool ok = code == SQLITE_ROW || connection_failed(db, sql, fault);
  sqlite3_finalize(statement);
  return ok;
}

bool db_version(struct db *db, int64_t *number, struct fault *fault) {
  return db_pragma(db, "PRAGMA user_version", number, fault);
}

/* Runs a PRAGMA that takes a number. */
static bool set_number(struct db *db, const char *format, int64_t number, struct fault *fault) {
  char sql[64];
  snprintf(sql, sizeof sql, format, (long long)number);
  return db_execute(db, sql, fault);
}

bool db_set_page_cache(struct db *db, int kib, struct fault *fault) {
  return set_number(db, "PRAGMA cache_size = -%lld", kib, fault);
}

bool db_give_back(struct db *db, int pages, struct fault *fault) {
  return set_number(db, "PRAGMA incremental_vacuum(%lld)", pages, fault);
}

static bool apply_migration(struct db *db, int number, struct fault *fault) {
  char version[64];
  snprintf(version, sizeof version, "PRAGMA user_version = %d", number);
  bool ok = db_execute(db, "BEGIN IMMEDIATE", fault) &&
            db_execute(db, db->schema->migrations[number - 1], fault) &&
            db_execute(db, version, fault) && db_execute(db, "COMMIT", fault);
  if (!ok && db_in_transaction(db))
    (void)!db_execute(db, "ROLLBACK", NULL);
  return ok;
}

/* Checks the file before anything is written to it, as another program's file must stay as it is.
 * Many of those have version 0, too, so only a file without any object is a new one. */
static bool check_identity(struct db *db, int64_t *version, struct fault *fault) {
  int64_t application, objects;
  if (!db_version(db, version, fault) ||
      !db_pragma(db, "PRAGMA application_id", &application, fault) ||
      !db_pragma(db, "SELECT count(*) FROM sqlite_schema", &objects, fault))
    return false;
  bool is_new = *version == 0 && application == 0 && objects == 0;
  if (!is_new && application != db->schema->application_id)
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "%s is the database of another program; move it away", db->path);
  if (*version < 0) {
    db->damaged = true;
    return fault_set(fault, FAULT_UNAVAILABLE, "%s is damaged: it has schema %d", db->path,
                     (int)*version);
  }
  if (*version > db->schema->migration_count)
    return fault_set(
        fault, FAULT_UNAVAILABLE,
        "%s has schema %d, newer than this rowcache knows (%d); use the newer rowcache", db->path,
        (int)*version, db->schema->migration_count);
  return true;
}

static bool migrate(struct db *db, int64_t version, struct fault *fault) {
  if (version == 0) {
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", db->schema->application_id);
    if (!db_execute(db, sql, fault))
      return false;
  }
  for (int next = (int)version + 1; next <= db->schema->migration_count; next++)
    if (!apply_migration(db, next, fault))
      return false;
  return true;
}

static void note_wal(struct db *db, bool is_held) {
  if (is_held && !db->is_held)
    log_warning(EVENT_wal_held,
                "file=%s bytes=%lld reason=\"another process reads an old state of it "
                "(a backup, or a shell with an open transaction): the -wal grows until that ends\"",
                LOG_VALUE(db->path), (long long)db_sizes(db->path).wal);
  if (!is_held && db->is_held)
    log_info(EVENT_wal_freed, "file=%s", LOG_VALUE(db->path));
  db->is_held = is_held;
}

/* SQLite's own checkpoint never waits, so with overlapping readers the WAL would never be
 * restarted, and would grow without bound. If pages cannot be moved after WAL_WAIT_MS, a reader
 * holds an old snapshot; later checkpoints do not wait for it again. A failed checkpoint does not
 * fail the commit: the next commit tries again. */
static void checkpoint(struct db *db, bool restart) {
  int pages = 0, moved = 0;
  int mode = restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  sqlite3_busy_timeout(db->handle, db->is_held ? 0 : WAL_WAIT_MS);
  int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, &pages, &moved);
  sqlite3_busy_timeout(db->handle, db->patience_ms);
  if (restart && (code == SQLITE_OK || (code == SQLITE_BUSY && moved < pages)))
    note_wal(db, code == SQLITE_BUSY);
}

/* SQLite calls this after each commit. */
static int after_commit(void *context, sqlite3 *handle, const char *name, int pages) {
  struct db *db = context;
  (void)handle, (void)name;
  if (pages >= WAL_PAGES)
    checkpoint(db, pages >= WAL_PAGES_MANY);
  return SQLITE_OK;
}

void db_tend(struct db *db) {
  if (db->is_held)
    checkpoint(db, true);
}

bool db_is_held(const struct db *db) {
  return db->is_held;
}

static int64_t size_of(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

struct db_sizes db_sizes(const char *path) {
  char wal[PATH_MAX];
  bool fits = snprintf(wal, sizeof wal, "%s-wal", path) < (int)sizeof wal;
  return (struct db_sizes){size_of(path), fits ? size_of(wal) : 0};
}

static bool set_up(struct db *db, enum db_mode mode, struct fault *fault) {
  db_set_patience(db, DB_PATIENCE_MS);
  sqlite3_extended_result_codes(db->handle, 1);
  /* A schema that somebody else wrote must not call functions with side effects. */
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  int64_t version;
  if (!check_identity(db, &version, fault))
    return false;
  if (mode == DB_READ)
    return db_execute(db, "PRAGMA query_only = ON", fault);
  sqlite3_wal_hook(db->handle, after_commit, db);
  const char *synchronous =
      mode == DB_WRITE_FULL ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
  /* auto_vacuum has an effect before the first table only, and does no harm later. */
  return db_execute(db, "PRAGMA auto_vacuum = INCREMENTAL", fault) &&
         db_execute(db, "PRAGMA journal_mode = WAL", fault) &&
         set_number(db, "PRAGMA journal_size_limit = %lld", DB_WAL_KEPT, fault) &&
         db_execute(db, synchronous, fault) && db_execute(db, "PRAGMA foreign_keys = ON", fault) &&
         migrate(db, version, fault);
}

/* SQLite itself would create the file with the mode that the umask leaves. */
static bool create_private(const char *path, struct fault *fault) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return errno == EEXIST ||
           fault_set(fault, FAULT_UNAVAILABLE, "%s: cannot create: %s", path, strerror(errno));
  close(file);
  return true;
}

/* SQLite itself would follow links, and use files that others have put there. */
static bool check_files(const char *path, struct fault *fault) {
  static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    char name[PATH_MAX];
    if (snprintf(name, sizeof name, "%s%s", path, endings[i]) >= (int)sizeof name)
      return fault_set(fault, FAULT_UNAVAILABLE, "the path of %.200s... is too long", path);
    if (!directory_check_file(name, fault))
      return false;
  }
  return true;
}

bool db_open(const char *path, const struct db_schema *schema, enum db_mode mode, struct db **out,
             bool *damaged, struct fault *fault) {
  if (damaged)
    *damaged = false;
  *out = NULL;
  if (!check_files(path, fault) || (mode != DB_READ && !create_private(path, fault)))
    return false;
  struct db *db = calloc(1, sizeof *db);
  if (!db)
    return fault_no_memory(fault);
  db->schema = schema;
  db->path = strdup(path);
  db->statements = calloc((size_t)schema->statement_count, sizeof *db->statements);
  /* Readers of a WAL file must write its -shm file, so query_only makes them read-only, not
   * this. */
  int code =
      !db->path || !db->statements
          ? SQLITE_NOMEM
          : sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  bool ok = code == SQLITE_OK ? set_up(db, mode, fault)
            : db->handle      ? connection_failed(db, "cannot open", fault)
                              : fault_no_memory(fault);
  if (damaged)
    *damaged = db->damaged;
  if (!ok)
    db_close(&db);
  *out = db;
  return ok;
}

void db_close(struct db **address) {
  struct db *db = steal(*address);
  if (!db)
    return;
  for (int i = 0; db->statements && i < db->schema->statement_count; i++)
    sqlite3_finalize(db->statements[i].handle);
  sqlite3_close(db->handle);
  free(db->statements);
  free(db->path);
  free(db);
}

struct view connection_text(sqlite3_stmt *handle, int column) {
  const char *text = (const char *)sqlite3_column_text(handle, column);
  return (struct view){text ? text : "", (size_t)sqlite3_column_bytes(handle, column)};
}

bool db_check(struct db *db, struct fault *fault) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
    return connection_failed(db, "quick_check", fault);
  int code = sqlite3_step(statement);
  struct view verdict = code == SQLITE_ROW ? connection_text(statement, 0) : VIEW("");
  bool ok = view_is(verdict, "ok");
  if (code != SQLITE_ROW) { /* no memory, or busy: there is no verdict */
    connection_failed(db, "quick_check", fault);
  } else if (!ok) {
    db->damaged = true;
    fault_set(fault, FAULT_UNAVAILABLE, "%s is damaged: %.*s", db->path, VIEW_ARGS(verdict));
  }
  sqlite3_finalize(statement);
  return ok;
}

int64_t db_changes(struct db *db) {
  return sqlite3_changes64(db->handle);
}

void db_set_patience(struct db *db, int milliseconds) {
  db->patience_ms = milliseconds;
  sqlite3_busy_timeout(db->handle, milliseconds);
}

bool db_in_transaction(struct db *db) {
  return !sqlite3_get_autocommit(db->handle);
}

bool db_contradicts(struct db *db) {
  return db->contradicts;
}

bool db_is_damaged(struct db *db) {
  return db->damaged;
}

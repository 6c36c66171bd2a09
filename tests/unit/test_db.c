/* SQLite as the rooms above use it, on real files: whose file it is, its schema, its statements;
 * the keeper, the thread that writes it; and the directory's lock. */
#include "db/db.h"
#include "db/directory.h"
#include "db/keeper.h"

#include "base/clock.h"
#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OURS 0x72637474
#define OURS_TEXT "1919120500"

/* --- schemas --- */

enum { PUT, PUT_OR_ROLL_BACK, GET, ALL, SUM, DANGLE, WRONG, STATEMENTS };

static const char *const names[STATEMENTS] = {"put", "put_or_roll_back", "get",  "all",
                                              "sum", "dangle",           "wrong"};
static const char *const statements[STATEMENTS] = {
    "INSERT INTO item(id, value) VALUES (?1, ?2);",
    "INSERT OR ROLLBACK INTO item(id, value) VALUES (?1, ?2);",
    "SELECT value, typeof(value) FROM item WHERE id = ?1;",
    "SELECT id FROM item ORDER BY id;",
    "SELECT count(*) FROM item;",
    "INSERT INTO part(item) VALUES (?1);",
    "SELECT id FROM nowhere;",
};

#define ITEM "CREATE TABLE item(id INTEGER PRIMARY KEY, value);"
#define PART                                                                                \
  "CREATE TABLE part(item INTEGER NOT NULL REFERENCES item DEFERRABLE INITIALLY DEFERRED);" \
  "INSERT INTO item(id, value) VALUES (1000, 'migrated');"

static const char *const migrations[] = {ITEM, PART, "CREATE TABLE last(id);"};
static const char *const bad_migrations[] = {ITEM, "CREATE TABLE half(id); CREATE TABLE item(id);"};

#define SCHEMA(migrations, count) \
  { "test", OURS, migrations, count, names, statements, STATEMENTS }
static const struct db_schema first_schema = SCHEMA(migrations, 1);
static const struct db_schema schema = SCHEMA(migrations, 2);
static const struct db_schema newest_schema = SCHEMA(migrations, 3);
static const struct db_schema bad_schema = SCHEMA(bad_migrations, 2);

/* --- the directory: each test has a new one --- */

static char file[sizeof directory + 16];

static int begin(void **state) {
  int failed = make_directory(state);
  snprintf(file, sizeof file, "%s", path_of("test.db"));
  return failed;
}

static bool try_open(const struct db_schema *of, enum db_mode mode, struct db **db, bool *damaged,
                     struct fault *fault) {
  *fault = (struct fault){0};
  bool ok = db_open(file, of, mode, db, damaged, fault);
  if (!ok)
    assert_true(!*db && fault->kind == FAULT_UNAVAILABLE && strstr(fault->text, file));
  return ok;
}

static struct db *open_it(const struct db_schema *of, enum db_mode mode) {
  struct db *db = NULL;
  struct fault fault;
  bool damaged = true;
  if (!try_open(of, mode, &db, &damaged, &fault))
    fail_msg("%s", fault.text);
  assert_false(damaged);
  return db;
}

/* Changes the file as another program would. */
static void change(const char *sql) {
  database_change("test.db", sql);
}

static int64_t ask(const char *sql) {
  return database_ask("test.db", sql);
}

static int64_t pragma(struct db *db, const char *sql) {
  struct fault fault;
  int64_t value = -1;
  if (!db_pragma(db, sql, &value, &fault))
    fail_msg("%s", fault.text);
  return value;
}

static bool put(struct db *db, int number, int64_t id, struct fault *fault) {
  return db_do(db, number, DB_VALUES(DB_INT(id), DB_INT(id)), fault);
}

/* --- opening --- */

static void a_new_file_is_ours(void **state) {
  (void)state;
  static const struct {
    enum db_mode mode;
    int64_t synchronous;
  } modes[] = {{DB_WRITE, 1}, {DB_WRITE_FULL, 2}};
  for (size_t i = 0; i < COUNT(modes); i++) {
    mode_t before = umask(0);
    struct db *db = open_it(&schema, modes[i].mode);
    umask(before);
    assert_int_equal(pragma(db, "PRAGMA synchronous"), modes[i].synchronous);
    assert_int_equal(pragma(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(db, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(pragma(db, "PRAGMA application_id"), OURS);
    assert_int_equal(pragma(db, "PRAGMA user_version"), 2);
    assert_int_equal(pragma(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(pragma(db, "SELECT count(*) FROM item"), 1);
    assert_false(db_in_transaction(db));
    assert_false(db_is_damaged(db));
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t j = 0; j < COUNT(endings); j++) {
      char path[sizeof file + 8];
      struct stat status;
      snprintf(path, sizeof path, "%s%s", file, endings[j]);
      assert_int_equal(stat(path, &status), 0);
      assert_int_equal(status.st_mode & 0777, 0600);
    }
    db_close(&db);
    assert_null(db);
    db_close(&db);
    empty_directory();
  }
}

static void a_file_is_brought_up_to_date(void **state) {
  (void)state;
  struct fault fault;
  struct db *db = open_it(&first_schema, DB_WRITE);
  assert_true(put(db, PUT, 1, &fault));
  db_close(&db);
  for (int i = 0; i < 2; i++) { /* the second time there is nothing to do */
    db = open_it(&schema, DB_WRITE);
    assert_int_equal(pragma(db, "SELECT count(*) FROM item"), 2);
    assert_int_equal(pragma(db, "PRAGMA user_version"), 2);
    db_close(&db);
  }
  db = open_it(&newest_schema, DB_WRITE_FULL);
  assert_int_equal(pragma(db, "PRAGMA user_version"), 3);
  assert_int_equal(pragma(db, "SELECT count(*) FROM last"), 0);
  db_close(&db);
}

/* A step that fails leaves nothing of itself, and keeps those before it. */
static void a_migration_is_whole_or_not(void **state) {
  (void)state;
  struct fault fault;
  struct db *db = NULL;
  bool damaged = true;
  assert_false(try_open(&bad_schema, DB_WRITE, &db, &damaged, &fault));
  assert_false(damaged);
  assert_int_equal(ask("PRAGMA user_version"), 1);
  assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
  db = open_it(&schema, DB_WRITE);
  db_close(&db);
}

/* Dying between the identity and the first step. */
static void a_file_that_was_only_begun_goes_on(void **state) {
  (void)state;
  change("PRAGMA application_id = " OURS_TEXT);
  struct db *db = open_it(&schema, DB_WRITE);
  assert_int_equal(pragma(db, "PRAGMA user_version"), 2);
  db_close(&db);
}

static const struct stranger {
  const char *sql;
  const char *why;
  bool damaged;
} strangers[] = {
    {"PRAGMA application_id = 5", "another program", false},
    {"PRAGMA application_id = 5; PRAGMA user_version = 2", "another program", false},
    {"PRAGMA user_version = 1", "another program", false},
    {"PRAGMA user_version = -1", "another program", false},
    {"CREATE TABLE theirs(id)", "another program", false},
    {"CREATE TABLE item(id); PRAGMA user_version = 2", "another program", false},
    {"PRAGMA application_id = " OURS_TEXT "; PRAGMA user_version = 3", "newer than", false},
    {"PRAGMA application_id = " OURS_TEXT "; PRAGMA user_version = 2147483647", "newer than",
     false},
    {"PRAGMA application_id = " OURS_TEXT "; PRAGMA user_version = -1", "damaged", true},
};

static char *contents(size_t *size) {
  FILE *stream = fopen(file, "rb");
  char *bytes = malloc(1 << 20);
  assert_true(stream && bytes);
  *size = fread(bytes, 1, 1 << 20, stream);
  fclose(stream);
  return bytes;
}

static void strangers_are_left_as_they_are(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(strangers); i++)
    for (int mode = DB_READ; mode <= DB_WRITE_FULL; mode++) {
      struct db *db = NULL;
      struct fault fault;
      bool damaged = !strangers[i].damaged;
      size_t before_size, after_size;
      change(strangers[i].sql);
      char *before = contents(&before_size);
      if (try_open(&schema, (enum db_mode)mode, &db, &damaged, &fault))
        fail_msg("%s", strangers[i].sql);
      if (!strstr(fault.text, strangers[i].why) || damaged != strangers[i].damaged)
        fail_msg("%s: %s, damaged %d", strangers[i].sql, fault.text, damaged);
      assert_false(db_open(file, &schema, (enum db_mode)mode, &db, NULL, NULL));
      char *after = contents(&after_size);
      assert_int_equal(before_size, after_size);
      assert_memory_equal(before, after, before_size);
      free(before);
      free(after);
      empty_directory();
    }
}

static void write_file(int byte, size_t size) {
  FILE *stream = fopen(file, "wb");
  assert_non_null(stream);
  for (size_t i = 0; i < size; i++)
    fputc(byte, stream);
  fclose(stream);
}

static void what_is_no_database_is_damaged(void **state) {
  (void)state;
  static const size_t sizes[] = {100, 512, 4096, 100000};
  static const int bytes[] = {'x', 0, 0xff};
  for (size_t i = 0; i < COUNT(sizes) * COUNT(bytes); i++)
    for (int mode = DB_READ; mode <= DB_WRITE_FULL; mode++) {
      struct db *db = NULL;
      struct fault fault;
      bool damaged = false;
      write_file(bytes[i % COUNT(bytes)], sizes[i / COUNT(bytes)]);
      assert_false(try_open(&schema, (enum db_mode)mode, &db, &damaged, &fault));
      assert_true(damaged);
      empty_directory();
    }
}

static void a_file_that_cannot_be_opened(void **state) {
  (void)state;
  struct db *db = NULL;
  struct fault fault;
  bool damaged = true;
  struct stat status;
  assert_false(try_open(&schema, DB_READ, &db, &damaged, &fault));
  assert_false(damaged);
  assert_int_not_equal(stat(file, &status), 0); /* reading creates nothing */
  snprintf(file, sizeof file, "%s/none/test.db", directory);
  for (int mode = DB_READ; mode <= DB_WRITE_FULL; mode++) {
    assert_false(try_open(&schema, (enum db_mode)mode, &db, &damaged, &fault));
    assert_false(damaged);
  }
  snprintf(file, sizeof file, "%s", directory);
  for (int mode = DB_READ; mode <= DB_WRITE_FULL; mode++) {
    assert_false(try_open(&schema, (enum db_mode)mode, &db, &damaged, &fault));
    assert_false(damaged);
  }
}

static void damage_inside_is_found(void **state) {
  (void)state;
  struct db *db = open_it(&schema, DB_WRITE);
  struct fault fault;
  assert_true(db_execute(db,
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900)"
                         " INSERT INTO item SELECT i, randomblob(500) FROM n",
                         &fault));
  assert_true(db_check(db, &fault));
  db_close(&db); /* checkpoints: all is in the file */
  FILE *stream = fopen(file, "r+b");
  fseek(stream, 40 * 4096, SEEK_SET);
  for (int i = 0; i < 20 * 4096; i++)
    fputc(0x5a, stream);
  fclose(stream);
  db = open_it(&schema, DB_WRITE);
  assert_false(db_check(db, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  assert_non_null(strstr(fault.text, file));
  assert_true(db_is_damaged(db));
  db_close(&db);
  /* A statement that meets it says so too. */
  db = open_it(&schema, DB_READ);
  struct db_statement *statement = db_each(db, ALL, DB_VALUES(), &fault);
  bool row = true, ok = statement;
  while (ok && row)
    ok = db_step(statement, &row, &fault);
  assert_false(ok);
  assert_false(row);
  assert_true(db_is_damaged(db));
  assert_non_null(strstr(fault.text, "all"));
  db_close(&db);
}

/* --- statements --- */

static void values_come_back_as_they_went(void **state) {
  (void)state;
  struct db *db = open_it(&schema, DB_WRITE);
  const struct {
    struct db_value value;
    const char *type;
  } values[] = {
      {DB_TEXT(VIEW("")), "text"},
      {DB_TEXT(VIEW("a\0b")), "text"},
      {DB_TEXT(VIEW("\xd0\xb6")), "text"},
      {DB_TEXT(((struct view){NULL, 0})), "text"},
      {DB_BLOB(VIEW("")), "blob"},
      {DB_BLOB(VIEW("\0\xff\x80")), "blob"},
      {DB_BLOB(((struct view){NULL, 0})), "blob"},
  };
  for (size_t i = 0; i < COUNT(values); i++) {
    struct fault fault;
    struct db_statement *row;
    bool more = true;
    assert_true(db_do(db, PUT, DB_VALUES(DB_INT((int64_t)i), values[i].value), &fault));
    assert_int_equal(db_changes(db), 1);
    assert_true(db_find(db, GET, DB_VALUES(DB_INT((int64_t)i)), &row, &fault) && row);
    struct view found = values[i].value.kind == DB_IS_BLOB ? db_blob(row, 0) : db_text(row, 0);
    assert_true(view_equal(found, values[i].value.bytes));
    assert_non_null(found.at);
    assert_true(view_is(db_text(row, 1), values[i].type));
    assert_false(db_is_null(row, 0));
    assert_true(db_step(row, &more, &fault));
    assert_false(more);
  }
  db_close(&db);
}

static void numbers_come_back_as_they_went(void **state) {
  (void)state;
  struct db *db = open_it(&schema, DB_WRITE);
  static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN};
  struct fault fault;
  struct db_statement *row;
  for (size_t i = 0; i < COUNT(numbers); i++) {
    assert_true(put(db, PUT, numbers[i], &fault));
    assert_true(db_find(db, GET, DB_VALUES(DB_INT(numbers[i])), &row, &fault) && row);
    assert_int_equal(db_integer(row, 0), numbers[i]);
    assert_true(view_is(db_text(row, 1), "integer"));
    db_done(row);
  }
  db_close(&db);
}

static void null_comes_back_as_it_went(void **state) {
  (void)state;
  struct db *db = open_it(&schema, DB_WRITE);
  struct fault fault;
  struct db_statement *row;
  assert_true(db_do(db, PUT, DB_VALUES(DB_INT(1), DB_NULL), &fault));
  assert_true(db_find(db, GET, DB_VALUES(DB_INT(1)), &row, &fault) && row);
  assert_true(db_is_null(row, 0));
  assert_true(view_is(db_text(row, 1), "null"));
  assert_int_equal(db_text(row, 0).length, 0);
  assert_int_equal(db_integer(row, 0), 0);
  db_done(row);
  assert_true(db_find(db, GET, DB_VALUES(DB_INT(2)), &row, &fault));
  assert_null(row); /* there is none */
  db_done(row);
  db_close(&db);
}

/* Run again, a statement has no row left of the last time. */
static void statements_begin_anew(void **state) {
  (void)state;
  struct db *db = open_it(&first_schema, DB_WRITE);
  struct fault fault;
  bool row;
  assert_true(put(db, PUT, 1, &fault) && put(db, PUT, 2, &fault));
  for (int i = 0; i < 2; i++) {
    struct db_statement *statement = db_each(db, ALL, DB_VALUES(), &fault);
    assert_true(statement && db_step(statement, &row, &fault) && row);
    assert_int_equal(db_integer(statement, 0), 1);
  }
  db_close(&db);
}

/* Neither too few, so that a value of the last time would be taken, nor too many. */
static void a_value_for_each_parameter(void **state) {
  (void)state;
  struct db *db = open_it(&first_schema, DB_WRITE);
  const struct db_value three[] = {DB_INT(2), DB_INT(2), DB_INT(2)};
  struct fault fault;
  struct db_statement *row;
  assert_true(put(db, PUT, 1, &fault));
  for (size_t count = 0; count <= 3; count++) {
    if (count == 2)
      continue;
    fault = (struct fault){0};
    assert_false(db_do(db, PUT, (struct db_values){three, count}, &fault));
    assert_int_equal(fault.kind, FAULT_INTERNAL);
    assert_non_null(strstr(fault.text, "put: "));
    assert_non_null(strstr(fault.text, "values for 2 parameters"));
  }
  assert_false(db_find(db, GET, DB_VALUES(), &row, &fault));
  assert_null(row);
  assert_null(db_each(db, GET, DB_VALUES(DB_NULL, DB_NULL), &fault));
  assert_int_equal(pragma(db, "SELECT count(*) FROM item"), 1);
  assert_true(put(db, PUT, 2, &fault)); /* and it goes on */
  db_close(&db);
}

/* SQLite takes a length of 1,000,000,000 at most, and looks at it before it looks at the bytes. */
static void a_value_that_is_too_long_is_refused(void **state) {
  (void)state;
  struct db *db = open_it(&first_schema, DB_WRITE);
  const struct view too_long = {"", 1000000001};
  const struct db_value values[] = {DB_TEXT(too_long), DB_BLOB(too_long)};
  for (size_t i = 0; i < COUNT(values); i++) {
    struct fault fault = {0};
    assert_false(db_do(db, PUT, DB_VALUES(DB_INT(1), values[i]), &fault));
    assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "put: string or blob too big"));
  }
  assert_int_equal(pragma(db, "SELECT count(*) FROM item"), 0);
  db_close(&db);
}

static void what_fails_is_named(void **state) {
  (void)state;
  struct db *db = open_it(&schema, DB_WRITE);
  struct fault fault;
  assert_null(db_each(db, WRONG, DB_VALUES(), &fault));
  assert_non_null(strstr(fault.text, "wrong"));
  assert_non_null(strstr(fault.text, "nowhere"));
  assert_true(put(db, PUT, 1, &fault));
  assert_false(put(db, PUT, 1, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  assert_non_null(strstr(fault.text, "put: UNIQUE"));
  assert_false(db_execute(db, "NONSENSE", &fault));
  assert_non_null(strstr(fault.text, "NONSENSE"));
  assert_false(db_execute(db, "NONSENSE", NULL));
  int64_t value;
  assert_false(db_pragma(db, "SELECT nonsense", &value, &fault));
  assert_false(db_is_damaged(db));
  assert_true(put(db, PUT, 2, &fault)); /* and it goes on */
  db_close(&db);
}

static void readers_do_not_write(void **state) {
  (void)state;
  struct db *writer = open_it(&schema, DB_WRITE), *reader = open_it(&schema, DB_READ);
  struct fault fault;
  struct db_statement *row;
  assert_false(put(reader, PUT, 1, &fault));
  assert_false(db_execute(reader, "DELETE FROM item", &fault));
  assert_int_equal(pragma(writer, "SELECT count(*) FROM item"), 1);
  /* An unfinished read holds its snapshot, until it is given up. */
  assert_true(put(writer, PUT, 1, &fault));
  assert_true(db_find(reader, ALL, DB_VALUES(), &row, &fault) && row);
  assert_true(put(writer, PUT, 2, &fault));
  assert_int_equal(pragma(reader, "SELECT count(*) FROM item"), 2);
  db_done(row);
  assert_int_equal(pragma(reader, "SELECT count(*) FROM item"), 3);
  /* Changes that are not committed are not seen. */
  assert_true(db_execute(writer, "BEGIN IMMEDIATE", &fault));
  assert_true(db_in_transaction(writer));
  assert_true(put(writer, PUT, 3, &fault));
  assert_int_equal(pragma(reader, "SELECT count(*) FROM item"), 3);
  assert_true(db_execute(writer, "COMMIT", &fault));
  assert_int_equal(pragma(reader, "SELECT count(*) FROM item"), 4);
  db_close(&reader);
  db_close(&writer);
}

/* --- the keeper --- */

enum deed {
  DO_PUT,       /* inserts its id */
  DO_FAIL,      /* inserts its id, then says that it failed */
  DO_PUT_TWICE, /* inserts its id twice: the second is refused */
  DO_ROLL_BACK, /* ends the whole transaction */
  DO_DANGLE,    /* what only the commit refuses */
  DO_GIVE,      /* inserts its id; its work gives `next` */
  DO_BLOCK,     /* waits for the gate */
};

struct job {
  struct keeper_job job;
  enum deed deed;
  int64_t id;
  struct job *next; /* given when done, or by the work */
  bool ok;
  struct fault fault;
  int worked_as, done_as; /* its place in the order; 0: never */
  int64_t seen;           /* rows that another connection saw as it was done */
};

/* Set up by begin_keeping(). Of the keeper's thread, while it runs; `seen_by` too. */
static struct keeper *keeper;
static struct db *seen_by;
static int works, dones;
static sem_t entered, gate, over;

static bool work(struct keeper_job *base, struct db *db, struct fault *fault) {
  struct job *job = (struct job *)base;
  job->worked_as = ++works;
  switch (job->deed) {
  case DO_PUT:
    return put(db, PUT, job->id, fault);
  case DO_FAIL:
    CHECK(put(db, PUT, job->id, fault));
    return fault_set(fault, FAULT_INTERNAL, "job %d does not want to", (int)job->id);
  case DO_PUT_TWICE:
    return put(db, PUT, job->id, fault) && put(db, PUT, job->id, fault);
  case DO_ROLL_BACK:
    CHECK(put(db, PUT, job->id, fault));
    return put(db, PUT_OR_ROLL_BACK, job->id, fault);
  case DO_DANGLE:
    return db_do(db, DANGLE, DB_VALUES(DB_INT(-1)), fault);
  case DO_GIVE:
    keeper_give(keeper, &job->next->job);
    return put(db, PUT, job->id, fault);
  case DO_BLOCK:
    sem_post(&entered);
    while (sem_wait(&gate) != 0)
      ;
    return true;
  }
  return false;
}

static void done(struct keeper_job *base, bool ok, const struct fault *fault) {
  struct job *job = (struct job *)base;
  struct fault why;
  job->ok = ok;
  job->fault = *fault;
  job->done_as = ++dones;
  CHECK(db_pragma(seen_by, "SELECT count(*) FROM item WHERE id < 1000", &job->seen, &why));
  if (job->next && job->deed != DO_GIVE)
    keeper_give(keeper, &job->next->job);
  sem_post(&over);
}

static struct job job_of(enum deed deed, int64_t id) {
  return (struct job){.job = {.work = work, .done = done}, .deed = deed, .id = id};
}

static void begin_keeping_with(int patience_ms) {
  struct db *db = open_it(&schema, DB_WRITE);
  struct fault fault;
  db_set_patience(db, patience_ms);
  seen_by = open_it(&schema, DB_READ);
  works = dones = 0;
  sem_init(&entered, 0, 0);
  sem_init(&gate, 0, 0);
  sem_init(&over, 0, 0);
  assert_true(keeper_start(&keeper, "keeper", THREAD_ORDINARY, &db, &fault));
  assert_null(db);
}

static void begin_keeping(void) {
  begin_keeping_with(DB_PATIENCE_MS);
}

static void end_keeping(void) {
  struct keeper *stopping = keeper; /* jobs may give jobs to `keeper` until the end */
  keeper_stop(&stopping);
  assert_null(stopping);
  keeper_stop(&stopping);
  db_close(&seen_by);
  sem_destroy(&entered);
  sem_destroy(&gate);
  sem_destroy(&over);
}

static void wait_for(sem_t *semaphore, int times) {
  while (times)
    times -= sem_wait(semaphore) == 0;
}

/* Gives all while the keeper is held up, so that they become one batch, and waits for them. */
static void give_at_once(struct job *jobs, int count) {
  struct job blocker = job_of(DO_BLOCK, 0);
  keeper_give(keeper, &blocker.job);
  wait_for(&entered, 1);
  for (int i = 0; i < count; i++)
    keeper_give(keeper, &jobs[i].job);
  sem_post(&gate);
  wait_for(&over, 1 + count);
  assert_true(blocker.ok);
}

/* In their order; as many as KEEPER_BATCH share a transaction, and none is told before its end. */
static void jobs_share_a_transaction(void **state) {
  (void)state;
  enum { JOBS = 2 * KEEPER_BATCH + 5 };
  static struct job jobs[JOBS];
  begin_keeping();
  for (int i = 0; i < JOBS; i++)
    jobs[i] = job_of(DO_PUT, i);
  give_at_once(jobs, JOBS);
  for (int i = 0; i < JOBS; i++) {
    int batch_end = (i / KEEPER_BATCH + 1) * KEEPER_BATCH;
    assert_true(jobs[i].ok);
    assert_int_equal(jobs[i].fault.kind, FAULT_NONE);
    assert_int_equal(jobs[i].worked_as, i + 2); /* behind the blocker */
    assert_int_equal(jobs[i].done_as, i + 2);
    assert_int_equal(jobs[i].seen, batch_end < JOBS ? batch_end : JOBS);
  }
  end_keeping();
}

/* Batches of five: what each job does, and how each must end. */
static const struct batch_case {
  enum deed deeds[5];
  const char *oks; /* "+": ok */
  int64_t rows;
  const char *why; /* in the fault of each that is not */
} batches[] = {
    {{DO_PUT, DO_PUT, DO_PUT, DO_PUT, DO_PUT}, "+++++", 5, ""},
    {{DO_FAIL, DO_PUT, DO_PUT, DO_PUT, DO_PUT}, "-++++", 4, "does not want to"},
    {{DO_PUT, DO_PUT, DO_FAIL, DO_PUT, DO_PUT}, "++-++", 4, "does not want to"},
    {{DO_PUT, DO_FAIL, DO_FAIL, DO_PUT, DO_FAIL}, "+--+-", 2, "does not want to"},
    {{DO_FAIL, DO_FAIL, DO_FAIL, DO_FAIL, DO_FAIL}, "-----", 0, "does not want to"},
    {{DO_PUT, DO_PUT_TWICE, DO_PUT, DO_PUT_TWICE, DO_PUT}, "+-+-+", 3, "put: UNIQUE"},
    /* The whole transaction is gone: those before it are told, those behind it are not harmed. */
    {{DO_PUT, DO_PUT, DO_ROLL_BACK, DO_PUT, DO_PUT}, "---++", 2, "put_or_roll_back: UNIQUE"},
    {{DO_ROLL_BACK, DO_PUT, DO_PUT, DO_PUT, DO_PUT}, "-++++", 4, "put_or_roll_back: UNIQUE"},
    {{DO_PUT, DO_ROLL_BACK, DO_PUT, DO_ROLL_BACK, DO_PUT}, "----+", 1, "put_or_roll_back: UNIQUE"},
    {{DO_PUT, DO_PUT, DO_PUT, DO_PUT, DO_ROLL_BACK}, "-----", 0, "put_or_roll_back: UNIQUE"},
    /* The commit is refused: nobody's work is there, and each is told. */
    {{DO_PUT, DO_DANGLE, DO_PUT, DO_PUT, DO_PUT}, "-----", 0, "COMMIT: FOREIGN KEY"},
};

static void failing_jobs(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(batches); i++) {
    struct job jobs[5], after = job_of(DO_PUT, 100);
    begin_keeping();
    for (int j = 0; j < 5; j++)
      jobs[j] = job_of(batches[i].deeds[j], j);
    give_at_once(jobs, 5);
    for (int j = 0; j < 5; j++) {
      bool ok = batches[i].oks[j] == '+';
      if (jobs[j].ok != ok || jobs[j].seen != batches[i].rows ||
          (!ok &&
           (jobs[j].fault.kind == FAULT_NONE || !strstr(jobs[j].fault.text, batches[i].why))))
        fail_msg("batch %zu, job %d: ok %d, %d rows, %s", i, j, jobs[j].ok, (int)jobs[j].seen,
                 jobs[j].fault.text);
      assert_int_equal(jobs[j].done_as, j + 2);
    }
    give_at_once(&after, 1); /* and it goes on */
    assert_true(after.ok);
    end_keeping();
    assert_int_equal(ask("SELECT count(*) FROM part"), 0);
    empty_directory();
  }
}

/* Another process holds the lock: all that wait fail together, and nobody waits in turn (which
 * would take more than two minutes here). */
static void a_lock_is_waited_for_once(void **state) {
  (void)state;
  enum { JOBS = 2 * KEEPER_BATCH + 5 };
  static struct job jobs[JOBS];
  struct job after = job_of(DO_PUT, 500);
  sqlite3 *other;
  begin_keeping_with(1000);
  assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  int64_t began = clock_monotonic();
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = job_of(DO_PUT, i);
    keeper_give(keeper, &jobs[i].job);
  }
  wait_for(&over, JOBS);
  assert_true(clock_monotonic() - began < INT64_C(30000000000));
  for (int i = 0; i < JOBS; i++) {
    assert_false(jobs[i].ok);
    assert_int_equal(jobs[i].worked_as, 0);
    assert_int_equal(jobs[i].done_as, i + 1);
    assert_int_equal(jobs[i].fault.kind, FAULT_UNAVAILABLE);
    assert_non_null(strstr(jobs[i].fault.text, "database is locked"));
  }
  assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(other);
  give_at_once(&after, 1); /* and it goes on */
  assert_true(after.ok);
  end_keeping();
}

/* Waiting jobs, and jobs that they add, are done before the end. */
static void stopping_runs_everything(void **state) {
  (void)state;
  struct job blocker = job_of(DO_BLOCK, 0), jobs[8];
  begin_keeping();
  for (int i = 0; i < 8; i++) {
    jobs[i] = job_of(i % 2 ? DO_PUT : DO_GIVE, i);
    jobs[i].next = i < 7 ? &jobs[i + 1] : NULL;
  }
  keeper_give(keeper, &blocker.job);
  wait_for(&entered, 1);
  keeper_give(keeper, &jobs[0].job);
  sem_post(&gate);
  end_keeping();
  for (int i = 0; i < 8; i++)
    assert_true(jobs[i].ok && jobs[i].done_as == i + 2);
  assert_int_equal(ask("SELECT count(*) FROM item WHERE id < 1000"), 8);
}

static void stopping_without_jobs(void **state) {
  (void)state;
  begin_keeping();
  end_keeping();
}

/* A job may be freed, or given again, as soon as it is done. */
static void free_when_done(struct keeper_job *base, bool ok, const struct fault *fault) {
  CHECK(ok && fault->kind == FAULT_NONE);
  memset(base, 0xa5, sizeof(struct job));
  free(base);
}

static void give_again(struct keeper_job *base, bool ok, const struct fault *fault) {
  struct job *job = (struct job *)base;
  CHECK(ok && fault->kind == FAULT_NONE);
  if (++job->id < 500)
    keeper_give(keeper, base);
}

static void done_jobs_are_their_owners(void **state) {
  (void)state;
  begin_keeping();
  struct job again = job_of(DO_PUT, 400);
  again.job.done = give_again;
  keeper_give(keeper, &again.job);
  for (int i = 0; i < 300; i++) {
    struct job *job = malloc(sizeof *job);
    assert_non_null(job);
    *job = job_of(DO_PUT, i);
    job->job.done = free_when_done;
    keeper_give(keeper, &job->job);
  }
  end_keeping();
  assert_int_equal(ask("SELECT count(*) FROM item WHERE id < 1000"), 400);
}

static void running_waits(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_keeping();
  struct job good = job_of(DO_PUT, 1), bad = job_of(DO_PUT, 1), silent = job_of(DO_PUT, 2);
  silent.job.done = NULL;
  assert_true(keeper_run(keeper, &good.job, &fault));
  assert_true(good.ok);
  assert_int_equal(good.seen, 1);
  assert_false(keeper_run(keeper, &bad.job, &fault));
  assert_false(bad.ok);
  assert_non_null(strstr(fault.text, "put: UNIQUE"));
  assert_string_equal(bad.fault.text, fault.text);
  assert_false(keeper_run(keeper, &bad.job, NULL));
  assert_true(keeper_run(keeper, &silent.job, &fault));
  assert_int_equal(pragma(seen_by, "SELECT count(*) FROM item WHERE id < 1000"), 2);
  end_keeping();
}

#define THREADS 16
#define RUNS 20

static void *run_many(void *context) {
  int64_t number = *(int64_t *)context;
  for (int64_t i = 0; i < RUNS; i++) {
    struct fault fault = {0};
    bool fails = i % 5 == 4;
    struct job job = job_of(fails ? DO_FAIL : DO_PUT, number * RUNS + i);
    job.job.done = NULL;
    CHECK(keeper_run(keeper, &job.job, &fault) == !fails);
    CHECK(fails == (fault.kind == FAULT_INTERNAL));
  }
  return NULL;
}

static void many_threads_run_jobs(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  int64_t numbers[THREADS];
  begin_keeping();
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    assert_int_equal(pthread_create(&threads[i], NULL, run_many, &numbers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(works, THREADS * RUNS);
  end_keeping();
  assert_int_equal(ask("SELECT count(*) FROM item WHERE id < 1000"), THREADS * RUNS * 4 / 5);
}

/* --- the directory's lock --- */

static void a_look_at_the_lock_changes_nothing(void **state) {
  (void)state;
  int lock;
  struct fault fault;
  assert_int_equal(directory_use_of(directory), DIRECTORY_UNUSED);
  assert_int_equal(directory_use_of("/nowhere/at/all"), DIRECTORY_UNUSED);
  assert_int_equal(directory_use_of("/proc/version/x"), DIRECTORY_UNUSED);
  assert_true(directory_lock(directory, &lock, &fault));
  assert_int_equal(directory_use_of(directory), DIRECTORY_BUSY);
  assert_int_equal(directory_use_of(directory), DIRECTORY_BUSY);
  close(lock);
  assert_int_equal(directory_use_of(directory), DIRECTORY_FREE);
  assert_true(directory_lock(directory, &lock, &fault));
  close(lock);
}

static void a_locked_directory_is_not_locked_again(void **state) {
  (void)state;
  int lock, second;
  struct fault fault;
  assert_true(directory_lock(directory, &lock, &fault));
  assert_false(directory_lock(directory, &second, &fault));
  assert_int_equal(fault.kind, FAULT_UNAVAILABLE);
  assert_non_null(strstr(fault.text, directory));
  assert_int_equal(second, -1);
  close(lock);
}

static void *let_go(void *context) {
  struct timespec moment = {.tv_nsec = 50000000};
  nanosleep(&moment, NULL);
  close(*(int *)context);
  return NULL;
}

/* As rowcachectl does when it looks whether a daemon runs. */
static void a_lock_that_is_held_for_a_moment_is_waited_for(void **state) {
  (void)state;
  int first, lock;
  char path[128];
  pthread_t thread;
  struct fault fault;
  snprintf(path, sizeof path, "%s/lock", directory);
  first = open(path, O_RDWR | O_CREAT, 0600);
  assert_int_equal(flock(first, LOCK_SH), 0);
  assert_int_equal(pthread_create(&thread, NULL, let_go, &first), 0);
  assert_true(directory_lock(directory, &lock, &fault));
  pthread_join(thread, NULL);
  close(lock);
}

static void the_directory_is_the_nearest_that_is_there(void **state) {
  (void)state;
  struct stat real, found;
  char path[128];
  snprintf(path, sizeof path, "%s/a/b/c", directory);
  assert_int_equal(stat(directory, &real), 0);
  assert_true(directory_stat(path, &found));
  assert_int_equal(found.st_ino, real.st_ino);
  assert_true(directory_stat(directory, &found));
  assert_int_equal(found.st_ino, real.st_ino);
  assert_false(directory_stat("/nowhere-at-all", &found));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_new_file_is_ours),
      TEST(a_file_is_brought_up_to_date),
      TEST(a_migration_is_whole_or_not),
      TEST(a_file_that_was_only_begun_goes_on),
      TEST(strangers_are_left_as_they_are),
      TEST(what_is_no_database_is_damaged),
      TEST(a_file_that_cannot_be_opened),
      TEST(damage_inside_is_found),
      TEST(values_come_back_as_they_went),
      TEST(numbers_come_back_as_they_went),
      TEST(null_comes_back_as_it_went),
      TEST(statements_begin_anew),
      TEST(a_value_for_each_parameter),
      TEST(a_value_that_is_too_long_is_refused),
      TEST(what_fails_is_named),
      TEST(readers_do_not_write),
      TEST(jobs_share_a_transaction),
      TEST(failing_jobs),
      TEST(a_lock_is_waited_for_once),
      TEST(stopping_runs_everything),
      TEST(stopping_without_jobs),
      TEST(done_jobs_are_their_owners),
      TEST(running_waits),
      TEST(many_threads_run_jobs),
      TEST(a_look_at_the_lock_changes_nothing),
      TEST(a_locked_directory_is_not_locked_again),
      TEST(a_lock_that_is_held_for_a_moment_is_waited_for),
      TEST(the_directory_is_the_nearest_that_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

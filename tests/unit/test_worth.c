/* Who is evicted first: the order that sql/cache gives, and that an index gives it. */
#include "db/db.h"
#include "sql_cache.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct db *db;
static char directory[64], path[96];

static int set_up(void **state) {
  (void)state;
  snprintf(directory, sizeof directory, "/tmp/test_worth.XXXXXX");
  if (!mkdtemp(directory))
    return -1;
  snprintf(path, sizeof path, "%s/cache.db", directory);
  struct fault fault;
  return db_open(path, &cache_schema, DB_WRITE, &db, NULL, &fault) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  db_close(&db);
  unlink(path);
  return rmdir(directory);
}

static void add(int64_t id, int state, int64_t tenths, int64_t hits, int64_t bytes,
                int64_t answered_at) {
  char sql[400];
  snprintf(sql, sizeof sql,
           "INSERT INTO entry (id, key, state, normal, target, stored_bytes, cost, hits,"
           " answered_at) VALUES (%lld, randomblob(32), %d, '', '', %lld, %lld, %lld, %lld)",
           (long long)id, state, (long long)bytes, (long long)tenths, (long long)hits,
           (long long)answered_at);
  assert_true(db_execute(db, sql, NULL));
}

/* Takes the least worthy; 0 when there is none. */
static int64_t take(void) {
  struct fault fault;
  struct db_statement *row;
  assert_true(db_find(db, CACHE_SQL_LEAST_WORTHY, DB_VALUES(), &row, &fault));
  int64_t id = row ? db_integer(row, 0) : 0;
  db_done(row);
  assert_true(db_do(db, CACHE_SQL_CONDEMN_LIVE_ENTRY, DB_VALUES(DB_INT(id)), &fault));
  return id;
}

static void test_order(void **state) {
  (void)state;
  add(1, 1, 2010, 0, 1000, 50);          /* 2.01 tenths a byte */
  add(2, 1, 2010, 0, 4000, 50);          /* the same rows in more bytes */
  add(3, 1, 2010, 9, 4000, 50);          /* but hit */
  add(4, 1, 0, 1000000, 10, 50);         /* cost nothing, saves nothing */
  add(5, 1, 0, 0, 10, 40);               /* the same, older */
  add(6, 1, 1005, 1, 1000, 40);          /* as worthy as 1, older */
  add(7, 1, INT64_MAX, INT64_MAX, 1, 1); /* no overflow */
  add(8, 1, 5, 0, 0, 1);                 /* no division by zero: 5 a byte */
  add(9, 0, 0, 0, 1000, 1);              /* filling */
  add(10, 2, 0, 0, 1000, 1);             /* dead */
  const int64_t order[] = {5, 4, 2, 6, 1, 8, 3, 7, 0};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    assert_int_equal(take(), order[i]);
}

static void test_index(void **state) {
  (void)state;
  char sql[600];
  snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s",
           cache_schema.statements[CACHE_SQL_LEAST_WORTHY]);
  sqlite3 *handle;
  sqlite3_stmt *statement;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_non_null(strstr((const char *)sqlite3_column_text(statement, 3), "entry_worth"));
  assert_int_equal(sqlite3_step(statement), SQLITE_DONE); /* no sorting */
  sqlite3_finalize(statement);
  sqlite3_close(handle);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

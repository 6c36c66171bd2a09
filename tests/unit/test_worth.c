/* The order of eviction in sql/cache, and the index that gives it. */
#include "db/db.h"
#include "sql_cache.h"

#include "unit/fixture/database.h"
#include "unit/fixture/directory.h"
#include "unit/fixture/unit.h"

#include <stdio.h>

static struct db *db;

static int set_up(void **state) {
  struct fault fault;
  if (make_directory(state) != 0)
    return -1;
  return db_open(path_of("cache.db"), &cache_schema, DB_WRITE, &db, NULL, &fault) ? 0 : -1;
}

static int tear_down(void **state) {
  db_close(&db);
  return remove_directory(state);
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
  for (size_t i = 0; i < COUNT(order); i++)
    assert_int_equal(take(), order[i]);
}

static void test_index(void **state) {
  (void)state;
  char plan[400];
  database_plan("cache.db", cache_schema.statements[CACHE_SQL_LEAST_WORTHY], plan, sizeof plan);
  assert_non_null(strstr(plan, "entry_worth"));
  assert_ptr_equal(strchr(plan, '\n'), strrchr(plan, '\n')); /* no sorting */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

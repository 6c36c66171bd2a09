/* The order of eviction in sql/cache, and the indexes that give it. */
#include "base/money.h"
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

/* Runs a statement that changes one result. */
static void change(int statement, struct db_values values) {
  struct fault fault;
  assert_true(db_do(db, statement, values, &fault));
  assert_int_equal(db_changes(db), 1);
}

struct entry {
  int64_t id;
  struct rows cost;
  int64_t bytes;
  int64_t answered_at;
  int64_t source; /* 0: upstream's own answer */
};

static int64_t inflation; /* as the sweeper keeps it */

static void add(struct entry entry) {
  char sql[400];
  snprintf(sql, sizeof sql,
           "INSERT INTO entry (id, key, normal, target, stored_bytes, cost, answered_at, source)"
           " VALUES (%lld, randomblob(32), '', '', %lld, %lld, %lld, nullif(%lld, 0))",
           (long long)entry.id, (long long)entry.bytes, (long long)entry.cost.tenths,
           (long long)entry.answered_at, (long long)entry.source);
  assert_true(db_execute(db, sql, NULL));
}

static void publish(struct entry entry) {
  add(entry);
  change(CACHE_SQL_PUBLISH_ENTRY, DB_VALUES(DB_INT(entry.id), DB_INT(inflation)));
}

static void hit(int64_t id, int64_t hits, struct rows saved) {
  change(CACHE_SQL_ADD_HITS,
         DB_VALUES(DB_INT(id), DB_INT(hits), DB_INT(saved.tenths), DB_INT(0), DB_INT(inflation)));
}

/* Evicts the first row; 0 when there is none. */
static int64_t take(int statement, struct db_values values) {
  struct fault fault;
  struct db_statement *row;
  assert_true(db_find(db, statement, values, &row, &fault));
  if (!row)
    return 0;
  int64_t id = db_integer(row, 0);
  if (statement == CACHE_SQL_LEAST_WORTHY && db_integer(row, 2))
    inflation = db_integer(row, 3);
  db_done(row);
  change(CACHE_SQL_CONDEMN_LIVE_ENTRY, DB_VALUES(DB_INT(id)));
  return id;
}

static int64_t take_least_worthy(void) {
  return take(CACHE_SQL_LEAST_WORTHY, DB_VALUES());
}

static void test_order(void **state) {
  (void)state;
  inflation = 0;
  publish((struct entry){1, ROWS(201), 1000, 50, 0}); /* 0.2 rows a byte */
  publish((struct entry){2, ROWS(201), 4000, 50, 0}); /* the same rows in more bytes */
  publish((struct entry){3, ROWS(201), 4000, 50, 0}); /* but hit */
  publish((struct entry){4, ROWS(0), 10, 50, 0});     /* cost nothing, saves nothing */
  publish((struct entry){5, ROWS(0), 10, 40, 0});     /* the same, older */
  publish((struct entry){6, ROWS(100), 1000, 40, 0}); /* as worthy as 1 by a hit, older */
  publish((struct entry){7, {INT64_MAX}, 1, 1, 0});   /* no overflow */
  publish((struct entry){8, {5}, 0, 1, 0});           /* no division by zero: 0.5 a byte */
  publish((struct entry){11, ROWS(900), 1, 60, 7});   /* derived: costs nothing again */
  publish((struct entry){12, ROWS(800), 1, 60, 7});   /* the same, worth less */
  add((struct entry){9, ROWS(0), 1000, 1, 0});        /* filling */
  publish((struct entry){10, ROWS(0), 1000, 1, 0});
  change(CACHE_SQL_CONDEMN_LIVE_ENTRY, DB_VALUES(DB_INT(10))); /* dead */
  hit(3, 9, ROWS(1809));
  hit(6, 1, ROWS(101)); /* more than it cost, by another price */
  hit(7, INT64_MAX, (struct rows){INT64_MAX});
  const int64_t order[] = {12, 11, 5, 4, 2, 6, 1, 8, 3, 7, 0};
  for (size_t i = 0; i < COUNT(order); i++)
    assert_int_equal(take_least_worthy(), order[i]);
}

/* It is not the number of hits that counts, but what they saved: many small answers may be derived
 * from a result. */
static void test_small_hits(void **state) {
  (void)state;
  inflation = 0;
  publish((struct entry){1, ROWS(100), 1000, 50, 0});
  publish((struct entry){2, ROWS(100), 1000, 50, 0});
  hit(1, 30, ROWS(60));
  hit(2, 1, ROWS(100));
  assert_int_equal(take_least_worthy(), 1);
}

/* What saved a thousand rows outlives many that cost ten, but not for ever, unless it is hit
 * again. */
static void test_old_fame(void **state) {
  (void)state;
  const int64_t famous = 1;
  int64_t rounds[2];
  for (int turn = 0; turn < 2; turn++) {
    inflation = 0;
    publish((struct entry){famous, ROWS(10), 1000, 1, 0});
    hit(famous, 99, ROWS(990));
    for (int64_t id = 2; id < 12; id++)
      publish((struct entry){id, ROWS(10), 1000, id, 0});
    for (rounds[turn] = 0; take_least_worthy() != famous; rounds[turn]++) {
      publish((struct entry){rounds[turn] + 12, ROWS(10), 1000, rounds[turn] + 12, 0});
      if (turn == 1 && rounds[turn] == 500)
        hit(famous, 1, ROWS(10));
    }
    assert_true(db_execute(db, "DELETE FROM entry", NULL));
  }
  assert_in_range(rounds[0], 950, 1050);
  assert_in_range(rounds[1], 1450, 1550);
}

static void test_the_oldest(void **state) {
  (void)state;
  publish((struct entry){1, ROWS(900), 10, 300, 0});
  publish((struct entry){2, ROWS(900), 10, 100, 0});
  publish((struct entry){3, ROWS(900), 10, 200, 2});
  publish((struct entry){4, ROWS(0), 10, 201, 0});
  const int64_t order[] = {2, 3, 0};
  for (size_t i = 0; i < COUNT(order); i++)
    assert_int_equal(take(CACHE_SQL_OLDEST, DB_VALUES(DB_INT(200))), order[i]);
}

static void test_indexes(void **state) {
  (void)state;
  static const struct {
    int statement;
    const char *index;
  } plans[] = {
      {CACHE_SQL_LEAST_WORTHY, "entry_rank"},
      {CACHE_SQL_LEAST_RANK, "entry_rank"},
      {CACHE_SQL_OLDEST, "entry_answered (answered_at<?)"},
  };
  for (size_t i = 0; i < COUNT(plans); i++) {
    char plan[400];
    database_plan("cache.db", cache_schema.statements[plans[i].statement], plan, sizeof plan);
    assert_non_null(strstr(plan, plans[i].index));
    assert_ptr_equal(strchr(plan, '\n'), strrchr(plan, '\n')); /* no sorting */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_small_hits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_old_fame, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_the_oldest, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_indexes, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

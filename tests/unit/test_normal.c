/* Replays the table of pairs named by the first argument (tests/unit/normal.txt). */
#include "query/query.h"

#include <stdio.h>

#include "unit/fixture/unit.h"

static const char *table_path;

static struct query *parse(int number, struct view args) {
  struct query *query = NULL;
  struct fault fault;
  if (!query_parse_normal(args, &query, &fault))
    fail_msg("line %d: %.*s: %s", number, VIEW_ARGS(args), fault.text);
  return query;
}

/* A query and its own normalized form are always the same. */
static void check_stable(int number, const struct query *query) {
  struct query *again = parse(number, query_normal(query));
  if (!digest_equal(query_key(again), query_key(query)) ||
      !view_equal(query_normal(again), query_normal(query)))
    fail_msg("line %d: \"%s\" became \"%s\"", number, query_normal(query).at,
             query_normal(again).at);
  query_release(&again);
}

static void check_pair(int number, bool same, struct view left, struct view right) {
  struct query *a = parse(number, left), *b = parse(number, right);
  check_stable(number, a);
  check_stable(number, b);
  if (digest_equal(query_key(a), query_key(b)) != same ||
      view_equal(query_normal(a), query_normal(b)) != same)
    fail_msg("line %d: should %s: \"%s\" and \"%s\"", number, same ? "be the same" : "differ",
             query_normal(a).at, query_normal(b).at);
  query_release(&a);
  query_release(&b);
}

static bool check_line(int number, struct view line) {
  struct view verdict, left, right, rest = line;
  if (line.length == 0 || line.at[0] == '#')
    return false;
  bool three = view_split(&rest, '\t', &verdict) && view_split(&rest, '\t', &left) &&
               view_split(&rest, '\t', &right) && !rest.at;
  if (!three || (!view_is(verdict, "same") && !view_is(verdict, "differ")))
    fail_msg("line %d is no pair", number);
  check_pair(number, view_is(verdict, "same"), left, right);
  return true;
}

static void test_table(void **state) {
  (void)state;
  FILE *table = fopen(table_path, "r");
  assert_non_null(table);
  char *line = NULL;
  size_t size = 0;
  int number = 0, pairs = 0;
  for (ssize_t length; (length = getline(&line, &size, table)) > 0;) {
    size_t end = (size_t)length - (line[length - 1] == '\n');
    pairs += check_line(++number, (struct view){line, end});
  }
  free(line);
  fclose(table);
  assert_true(pairs >= 120);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
  if (argc != 2) {
    fprintf(stderr, "usage: %s TABLE\n", argv[0]);
    return EXIT_FAILURE;
  }
  table_path = argv[1];
  return cmocka_run_group_tests(tests, NULL, NULL);
}

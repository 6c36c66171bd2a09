/* Fuzz target: a request (query string, newline, form body). */
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same question in another text: `args` must parse to a query of the same key. */
static void check_same(const struct query *query, struct view args) {
  struct query *again = NULL;
  struct fault fault;
  CHECK(query_parse(args, VIEW(""), &again, &fault));
  CHECK(query_table(again) == query_table(query));
  CHECK(digest_equal(query_key(again), query_key(query)));
  CHECK(view_equal(query_normal(again), query_normal(query)));
  CHECK(view_equal(query_target_text(again), query_target_text(query)));
  query_release(&again);
}

/* What is asked instead of a query is a query, too, and keeps what was not changed. */
static void check_changed(const struct query *query, const struct query_change *change) {
  struct query *changed = NULL;
  struct digest before, after;
  struct fault fault;
  CHECK(query_changed(query, change, &changed, &fault));
  CHECK(query_subject(query, &before) == query_subject(changed, &after));
  CHECK(!query_subject(query, &before) || digest_equal(&before, &after));
  CHECK(query_limit(changed) == (change->limit ? change->limit : query_limit(query)));
  CHECK(query_condition_count(changed) == (change->all_rows ? 0 : query_condition_count(query)));
  CHECK(!change->as_json || query_output(changed) == QUERY_JSON);
  check_same(changed, query_normal(changed));
  query_release(&changed);
}

static void check_changes(const struct query *query) {
  static const struct query_change changes[] = {
      {0},
      {.all_columns = true, .as_json = true},
      {.all_columns = true, .all_rows = true, .as_json = true, .limit = 12345},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
    check_changed(query, &changes[i]);
}

static void check_query(const struct query *query) {
  check_same(query, query_normal(query));
  if (query_table(query) == QUERY_BACKLINKS_NEW_LOST)
    check_changes(query);
  struct view host = query_target_host(query);
  for (size_t i = 0; i < host.length; i++)
    CHECK(host.at[i] > ' ' && host.at[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Encoding makes three bytes of one; the result must stay within the limit. */
  if (size > 65536)
    return 0;
  struct view body = {size ? (const char *)data : "", size}, args;
  view_split(&body, '\n', &args);
  struct query *query = NULL;
  struct fault fault = {.kind = FAULT_NONE};
  if (query_parse(args, body, &query, &fault))
    check_query(query);
  else
    CHECK(!query && fault.kind != FAULT_NONE && fault.kind != FAULT_INTERNAL && fault.text[0]);
  query_release(&query);
  return 0;
}

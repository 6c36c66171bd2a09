/* What derive is certain of in calls of v3 holds under every reading of upstream
 * (unit/fixture/filter_readings.h): tens of thousands of random filters, rows and calls against
 * upstreams that read them in different ways. */
#include "unit/fixture/filter_readings.h"

#include "derive/apply.h"
#include "derive/filter_judge.h"
#include "query/call.h"

#include "unit/fixture/calls.h"
#include "unit/fixture/chance.h"
#include "unit/fixture/unit.h"
#include "unit/fixture/values.h"

#include <stdio.h>
#include <stdlib.h>

static const struct endpoint *endpoint;

/* One value in so many is of a kind that hardly occurs, so that whole answers can be known. */
static size_t rarity = 6;

static const char *const columns[] = {
    "anchor",
    "url_from",
    "alt",
    "http_code",
    "domain_rating_source",
    "is_dofollow",
    "first_seen",
    "last_seen",
    "source_page_publish_date",
    "redirect_code",
    "title",
    "languages",
};

static const struct endpoint_column *pick_column(void) {
  return endpoint_column(endpoint, view_of(PICK(columns)));
}

/* --- values of rows, in the notation of unit/fixture/values.h --- */

static void add_time(struct text *out) {
  static const char *const odd[] = {"", "T08:00:00", "T08:00:00+02:00", "T08:00:00.5Z",
                                    " 08:00:00Z"};
  chance_day(out);
  if (chance_below(rarity) == 0)
    text_add(out, view_of(PICK(odd)));
  else
    text_printf(out, "T%02zu:00:%02zuZ", chance_below(24), chance_below(2));
}

static void add_number(struct text *out, bool has_fraction) {
  static const char *const odd[] = {"1e1", "-1", "18.125", "50.0", "-0", "100000.5", "4.90"};
  if (chance_below(2 * rarity) == 0)
    text_add(out, view_of(PICK(odd)));
  else if (has_fraction && chance_below(2))
    text_printf(out, "%zu.%zu", chance_below(8), 1 + chance_below(9));
  else
    text_printf(out, "%zu", chance_below(8));
}

static void add_text(struct text *out, const struct endpoint_column *column) {
  text_add_char(out, '\'');
  if (view_starts(column->name, VIEW("url_")))
    chance_url(out);
  else
    chance_text(out, 4);
}

static void add_value(struct text *out, const struct endpoint_column *column) {
  if (chance_below(column->nullable ? 5 : 8 * rarity) == 0) {
    text_add(out, VIEW("null"));
    return;
  }
  switch (column->type) {
  case ENDPOINT_INT:
  case ENDPOINT_FLOAT:
    text_add_char(out, '#');
    add_number(out, column->type == ENDPOINT_FLOAT);
    break;
  case ENDPOINT_BOOLEAN:
    text_add(out, chance_below(2) ? VIEW("true") : VIEW("false"));
    break;
  case ENDPOINT_TIME:
    text_add_char(out, '\'');
    add_time(out);
    break;
  case ENDPOINT_DATE:
    text_add_char(out, '\'');
    chance_day(out);
    break;
  case ENDPOINT_STRING:
    add_text(out, column);
    break;
  case ENDPOINT_ARRAY:
    text_add(out, VIEW("[]"));
    break;
  }
}

/* --- filters --- */

static void add_string(struct text *out, struct view text) {
  text_add_char(out, '"');
  for (size_t i = 0; i < text.length; i++)
    if ((unsigned char)text.at[i] < 0x20)
      text_printf(out, "\\u%04x", text.at[i]);
    else
      text_add_char(out, text.at[i]);
  text_add_char(out, '"');
}

static void add_bound(struct text *out, const struct endpoint_column *column) {
  static const char *const bits[] = {"true", "false", "1", "0"};
  scope_text struct text text = {0};
  switch (column->type) {
  case ENDPOINT_INT:
  case ENDPOINT_FLOAT:
    add_number(out, column->type == ENDPOINT_FLOAT);
    return;
  case ENDPOINT_BOOLEAN:
    text_add(out, view_of(PICK(bits)));
    return;
  case ENDPOINT_TIME:
    (chance_below(2) ? chance_day : add_time)(&text);
    break;
  case ENDPOINT_DATE:
    chance_day(&text);
    break;
  default:
    if (view_starts(column->name, VIEW("url_")) && chance_below(2))
      chance_url(&text);
    else
      chance_text(&text, 2);
  }
  add_string(out, text_view(&text));
}

static void add_test(struct text *out, const struct endpoint_column *column) {
  static const char *const texts[] = {
      "eq",     "neq",    "substring", "isubstring", "phrase_match", "iphrase_match",
      "prefix", "suffix", "regex",     "gt",         "isubstring",   "substring"};
  static const char *const others[] = {"eq", "neq", "gt", "gte", "lt", "lte"};
  bool is_text = column->type == ENDPOINT_STRING;
  if (chance_below(8) == 0 || column->type == ENDPOINT_ARRAY) {
    text_add(out, chance_below(2) ? VIEW("\"is_null\"") : VIEW("\"empty\""));
    return;
  }
  text_printf(out, "[\"%s\",",
              is_text                            ? PICK(texts)
              : column->type == ENDPOINT_BOOLEAN ? others[chance_below(2)]
                                                 : PICK(others));
  add_bound(out, column);
  text_add_char(out, ']');
}

static void add_leaf(struct text *out) {
  const struct endpoint_column *column = pick_column();
  text_printf(out, "{\"field\":\"%.*s\",\"is\":", VIEW_ARGS(column->name));
  add_test(out, column);
  text_add_char(out, '}');
}

static void add_filter(struct text *out, int depth) {
  static const char *const words[] = {"and", "or"};
  if (depth == 0 || chance_below(2) == 0) {
    add_leaf(out);
    return;
  }
  if (chance_below(4) == 0) {
    text_add(out, VIEW("{\"not\":"));
    add_filter(out, depth - 1);
    text_add_char(out, '}');
    return;
  }
  text_printf(out, "{\"%s\":[", PICK(words));
  add_filter(out, depth - 1);
  text_add_char(out, ',');
  add_filter(out, depth - 1);
  text_add(out, VIEW("]}"));
}

/* --- rows --- */

#define WORLD_MOST 16
#define VALUE_MOST 96

struct world {
  struct row rows[WORLD_MOST];
  char texts[WORLD_MOST][COUNT(columns)][VALUE_MOST];
  char raws[WORLD_MOST][COUNT(columns) * VALUE_MOST];
  size_t count;
};

/* Often the value of the row before, so that rows tie; or one that the filter is near to. */
static void make_value(struct world *world, size_t i, size_t j, const struct filter *near) {
  scope_text struct text text = {0};
  const struct endpoint_column *column = endpoint_column(endpoint, view_of(columns[j]));
  bool is_near = near && near->kind == FILTER_IS && view_equal(near->field, column->name);
  if (i > 0 && chance_below(6) == 0)
    text_add(&text, view_of(world->texts[i - 1][j]));
  else if (is_near && near->value.kind == FILTER_STRING && column->type == ENDPOINT_STRING)
    chance_near(&text, near->value.text);
  else
    add_value(&text, column);
  bool fits = text.length < VALUE_MOST && !memchr(text.at, '\0', text.length);
  snprintf(world->texts[i][j], VALUE_MOST, "%s", fits ? text_string(&text) : "'");
}

static void make_row(struct world *world, size_t i, const struct filter *near) {
  struct row *row = &world->rows[i];
  char *raw = world->raws[i];
  row->count = COUNT(columns);
  row->position = (int64_t)i;
  *raw = '\0';
  for (size_t j = 0; j < COUNT(columns); j++) {
    make_value(world, i, j, near);
    row->members[j] = (struct row_member){.name = view_of(columns[j]),
                                          .value = value_of(view_of(world->texts[i][j]))};
    raw = stpcpy(stpcpy(raw, world->texts[i][j]), ";");
  }
  row->raw = view_of(world->raws[i]);
}

/* --- one filter on one row --- */

#define READINGS 48

static void check_judged(const struct filter *filter, const struct world *world, enum truth truth) {
  for (int i = 0; i < READINGS; i++) {
    uint64_t number = chance_draw() * 257 + chance_draw();
    struct filter_reading reading = filter_reading_of(number);
    if (filter_reading_holds(&reading, filter, endpoint, &world->rows[0]) != (truth == TRUTH_TRUE))
      fail_msg("%.*s on %s: %d, but not under reading %llu", VIEW_ARGS(filter->text),
               world->raws[0], truth, (unsigned long long)number);
  }
}

static void test_filters(void **state) {
  (void)state;
  static struct world world;
  size_t counts[TRUTH_TRUE + 1] = {0};
  for (int i = 0; i < 40000; i++) {
    scope_text struct text text = {0};
    struct filter *filter;
    add_filter(&text, i % 3);
    assert_true(filter_parse(text_view(&text), &filter, NULL) && filter);
    make_row(&world, 0, filter);
    if (filter_judge_accepts(filter, endpoint)) {
      enum truth truth = filter_judge_row(filter, endpoint, &world.rows[0]);
      counts[truth]++;
      if (truth != TRUTH_UNKNOWN)
        check_judged(filter, &world, truth);
    }
    filter_release(&filter);
  }
  print_message("%zu false, %zu unknown, %zu true\n", counts[TRUTH_FALSE], counts[TRUTH_UNKNOWN],
                counts[TRUTH_TRUE]);
  assert_true(counts[TRUTH_FALSE] > 8000 && counts[TRUTH_UNKNOWN] > 6000 &&
              counts[TRUTH_TRUE] > 5000);
}

/* --- whole answers --- */

struct upstream {
  const struct world *world;
  struct filter_reading reading;
  bool ignores_second; /* column of order_by */
  size_t cap;          /* 0: none */
};

struct answer {
  const struct row *rows[WORLD_MOST];
  size_t count;
};

/* The order of rows that tie hangs on the question, and that of all rows without order_by. */
static uint64_t place_of(const struct call *call, const struct row *row) {
  scope_text struct text text = {0};
  struct view where = call_value(call, "where"), order = call_value(call, "order_by");
  text_printf(&text, "%.*s|%.*s|%zu", VIEW_ARGS(where), VIEW_ARGS(order), (size_t)row->position);
  struct digest digest = digest_sha256(text_view(&text));
  uint64_t place;
  memcpy(&place, digest.bytes, sizeof place);
  return place;
}

static int rows_order(const struct upstream *upstream, const struct call *call, const struct row *a,
                      const struct row *b) {
  size_t count = upstream->ignores_second && call->order.count > 1 ? 1 : call->order.count;
  for (size_t i = 0; i < count; i++) {
    const struct columns_item *item = &call->order.items[i];
    enum endpoint_type type = endpoint_column(endpoint, item->name)->type;
    int order = filter_reading_order(&upstream->reading, type, row_value(a, item->name),
                                     row_value(b, item->name));
    if (order)
      return item->descending ? -order : order;
  }
  return place_of(call, a) < place_of(call, b) ? -1 : 1;
}

static bool has_group(const struct answer *answer, const struct row *row) {
  for (size_t i = 0; i < answer->count; i++)
    if (view_equal(row_value(answer->rows[i], VIEW("http_code"))->text,
                   row_value(row, VIEW("http_code"))->text))
      return true;
  return false;
}

/* What upstream answers: filtered, grouped, sorted and cut. */
static void ask(const struct upstream *upstream, const struct query *query, struct answer *answer) {
  const struct call *call = query_call(query);
  bool has_groups = !view_is(call_value(call, "aggregation"), "all");
  size_t most = upstream->cap ? upstream->cap : WORLD_MOST;
  answer->count = 0;
  for (size_t i = 0; i < upstream->world->count; i++) {
    const struct row *row = &upstream->world->rows[i];
    bool holds =
        !call->where || filter_reading_holds(&upstream->reading, call->where, endpoint, row);
    if (holds && !(has_groups && has_group(answer, row)))
      answer->rows[answer->count++] = row;
  }
  for (size_t i = 1; i < answer->count; i++)
    for (size_t j = i; j > 0; j--)
      if (rows_order(upstream, call, answer->rows[j - 1], answer->rows[j]) > 0) {
        const struct row *row = answer->rows[j];
        answer->rows[j] = answer->rows[j - 1];
        answer->rows[j - 1] = row;
      }
  if ((int64_t)most > call->limit)
    most = (size_t)call->limit;
  if (answer->count > most)
    answer->count = most;
}

static void add_select(struct text *out) {
  text_add(out, VIEW("&select="));
  if (chance_below(3) == 0) {
    size_t first = chance_below(COUNT(columns)), second = chance_below(COUNT(columns));
    text_printf(out, "%s,%s", columns[first], columns[second]);
    return;
  }
  for (size_t i = 0; i < COUNT(columns); i++)
    text_printf(out, i ? ",%s" : "%s", columns[i]);
}

/* A call is made of parts, so that another can differ in one of them. */
struct parts {
  struct text select, order, filter, more, limit;
};

static void release_parts(struct parts *parts) {
  text_free(&parts->select);
  text_free(&parts->order);
  text_free(&parts->filter);
  text_free(&parts->more);
  text_free(&parts->limit);
}

static void make_parts(struct parts *parts) {
  static const char *const orders[] = {"",
                                       "&order_by=http_code:asc",
                                       "&order_by=domain_rating_source:desc",
                                       "&order_by=domain_rating_source:asc,anchor:desc",
                                       "&order_by=first_seen:desc",
                                       "&order_by=first_seen:asc",
                                       "&order_by=url_from:asc",
                                       "&order_by=last_seen:asc",
                                       "&order_by=redirect_code:desc",
                                       "&order_by=is_dofollow:asc"};
  static const char *const limits[] = {"", "", "&limit=1", "&limit=3", "&limit=6", "&limit=16"};
  add_select(&parts->select);
  text_add(&parts->order, view_of(PICK(orders)));
  if (chance_below(4) == 0)
    add_filter(&parts->filter, 1);
  text_add(&parts->limit, view_of(PICK(limits)));
}

/* A call of the parts; "&" in a value, which would separate, becomes another sign. */
static struct query *make_call(const struct parts *parts, const char *aggregation) {
  scope_text struct text text = {0};
  text_add(&text, view_of(aggregation));
  text_add(&text, text_view(&parts->select));
  text_add(&text, text_view(&parts->order));
  text_add(&text, text_view(&parts->limit));
  bool has_both = parts->filter.length && parts->more.length;
  if (parts->filter.length || parts->more.length)
    text_add(&text, has_both ? VIEW("&where={\"and\":[") : VIEW("&where="));
  struct view filters[] = {text_view(&parts->filter), has_both ? VIEW(",") : VIEW(""),
                           text_view(&parts->more), has_both ? VIEW("]}") : VIEW("")};
  for (size_t i = 0; i < COUNT(filters); i++)
    for (size_t j = 0; j < filters[i].length; j++) {
      char c = filters[i].at[j];
      text_add_char(&text, c == '&' ? '+' : c == '=' ? '-' : c);
    }
  return call_of(CALL_BACKLINKS, text_string(&text));
}

/* The wanted call differs from the source in one point, or in several. */
static void change_parts(struct parts *parts) {
  if (chance_below(3)) {
    text_clear(&parts->more);
    add_filter(&parts->more, (int)chance_below(2));
  }
  if (chance_below(3) == 0) {
    text_clear(&parts->limit);
    text_printf(&parts->limit, "&limit=%zu", 1 + chance_below(6));
  }
  if (chance_below(3) == 0) {
    text_clear(&parts->select);
    add_select(&parts->select);
  }
}

static bool derive(const struct derive_recipe *recipe, const struct answer *source,
                   struct answer *derived) {
  struct apply *apply = apply_create(recipe, 0);
  enum apply_verdict verdict = APPLY_LEAVE;
  derived->count = 0;
  for (size_t i = 0; i < source->count && verdict < APPLY_ENOUGH; i++) {
    verdict = apply_row(apply, source->rows[i]);
    if (verdict == APPLY_TAKE)
      derived->rows[derived->count++] = source->rows[i];
  }
  bool ok = apply_finish(apply);
  assert_true(!ok || (size_t)apply_results(apply) == derived->count);
  apply_release(&apply);
  return ok;
}

static bool looks_same(const struct call *call, const struct row *a, const struct row *b) {
  for (size_t i = 0; i < call->select.count; i++) {
    struct view name = call->select.items[i].name;
    if (!view_equal(row_value(a, name)->raw, row_value(b, name)->raw))
      return false;
  }
  return true;
}

static void check_answer(const struct query *wanted, const struct query *source,
                         const struct answer *derived, const struct answer *direct) {
  bool same = derived->count == direct->count;
  for (size_t i = 0; same && i < direct->count; i++)
    same = looks_same(query_call(wanted), derived->rows[i], direct->rows[i]);
  if (!same)
    fail_msg("%.*s\n from %.*s: %zu rows for %zu", VIEW_ARGS(query_normal(wanted)),
             VIEW_ARGS(query_normal(source)), derived->count, direct->count);
}

struct counts {
  size_t derived, filtered, empty;
};

static void try_one(const struct upstream *upstream, const struct query *source,
                    const struct query *wanted, struct counts *counts) {
  struct answer stored, answer, direct;
  static struct derive_recipe recipe;
  ask(upstream, source, &stored);
  ask(upstream, wanted, &direct);
  struct derive_source facts = {
      .query = source, .results = (int64_t)stored.count, .cap = (int64_t)upstream->cap};
  if (rules_derive(wanted, &facts, &recipe) != DERIVE_POSSIBLE ||
      !derive(&recipe, &stored, &answer))
    return;
  counts->derived++;
  counts->filtered += recipe.part_count && answer.count > 1;
  counts->empty += recipe.part_count && answer.count == 0;
  check_answer(wanted, source, &answer, &direct);
}

static void test_answers(void **state) {
  (void)state;
  static const char *const aggregations[] = {"&aggregation=all", "&aggregation=all", ""};
  static struct world world;
  struct counts counts = {0};
  rarity = 40;
  for (int i = 0; i < 60000; i++) {
    struct parts parts = {0};
    const char *aggregation = PICK(aggregations);
    for (size_t j = world.count = i % 10 ? world.count : 0;
         i % 10 == 0 && j < chance_below(WORLD_MOST); j++)
      make_row(&world, world.count++, NULL);
    make_parts(&parts);
    struct query *source = make_call(&parts, aggregation);
    change_parts(&parts);
    struct query *wanted = make_call(&parts, aggregation);
    uint64_t number = chance_draw() * 257 + chance_draw();
    struct upstream upstream = {&world, filter_reading_of(number), chance_below(2),
                                chance_below(4) ? 0 : 5};
    try_one(&upstream, source, wanted, &counts);
    query_release(&source);
    query_release(&wanted);
    release_parts(&parts);
  }
  print_message("%zu answers derived, %zu filtered, %zu empty\n", counts.derived, counts.filtered,
                counts.empty);
  assert_true(counts.derived > 5000 && counts.filtered > 300 && counts.empty > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_filters),
      cmocka_unit_test(test_answers),
  };
  endpoint = endpoint_find(VIEW(CALL_BACKLINKS));
  return cmocka_run_group_tests(tests, NULL, NULL);
}

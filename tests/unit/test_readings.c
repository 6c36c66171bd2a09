/* What derive is certain of holds under every reading of upstream (unit/fixture/readings.h): tens
 * of thousands of random conditions, values, rows and queries against upstreams that read them in
 * different ways. */
#include "unit/fixture/readings.h"

#include "base/text.h"
#include "derive/apply.h"
#include "derive/imply.h"
#include "derive/judge.h"
#include "derive/order.h"
#include "query/query.h"

#include "unit/fixture/chance.h"
#include "unit/fixture/unit.h"
#include "unit/fixture/values.h"

#include <stdio.h>

/* One value in so many is of a kind that hardly occurs, so that whole answers can be known. */
static size_t rarity = 6;

static void add_time(struct text *out) {
  static const char *const zones[] = {"Z", "Z", "Z", "Z", ".5Z", ".25Z", "+02:00", "-11:00", ""};
  chance_day(out);
  if (chance_below(3) == 0)
    return;
  text_add_char(out, chance_below(12) ? 'T' : ' ');
  text_printf(out, "%02zu:00:%02zu", chance_below(3) * 11, chance_below(2));
  text_add(out, view_of(PICK(zones)));
}

static void add_number(struct text *out) {
  static const char *const odd[] = {
      "50.0", "5e1", "-0",   "9007199254740993",     "9007199254740992",
      "-12",  "0",   "49.5", "123456789012345678901"};
  if (chance_below(rarity) == 0)
    text_add(out, view_of(PICK(odd)));
  else
    text_printf(out, "%zu", rarity > 6 ? chance_below(101) : chance_below(12) * 10);
}

/* --- conditions and values --- */

static const char *const columns[] = {"domain_rating", "nofollow", "date",     "first_seen",
                                      "anchor",        "anchor",   "url_from", "type"};

static const struct column *pick_column(void) {
  return schema_find(view_of(PICK(columns)));
}

static void add_quoted(struct text *out, const struct text *value) {
  text_add_char(out, '"');
  for (size_t i = 0; i < value->length; i++) {
    if (value->at[i] == '"' || value->at[i] == '\\')
      text_add_char(out, '\\');
    text_add_char(out, value->at[i]);
  }
  text_add_char(out, '"');
}

static void add_comparison(struct text *out, const struct column *column) {
  static const char *const operators[] = {"=", "<>", "<", "<=", ">", ">="};
  static const char *const domains[] = {"b.example", "a.b.example", "www.b.example", "B.example",
                                        "example",   "b.example.",  "x.example",     "é.example"};
  scope_text struct text value = {0};
  if (column->type == COLUMN_STRING && chance_below(2)) {
    static const char *const functions[] = {"substring", "word"};
    bool is_url = column->index == SCHEMA_url_from && chance_below(2);
    if (is_url)
      text_add(&value, view_of(PICK(domains)));
    else
      chance_text(&value, 2);
    text_printf(out, "%s(%.*s,", is_url ? "subdomain" : PICK(functions), VIEW_ARGS(column->name));
    add_quoted(out, &value);
    text_add_char(out, ')');
    return;
  }
  text_printf(out, "%.*s%s", VIEW_ARGS(column->name), PICK(operators));
  if (column->type == COLUMN_INT)
    text_printf(out, "%zu", chance_below(12) * 10);
  else if (column->type == COLUMN_BOOLEAN)
    text_add(out, chance_below(2) ? VIEW("true") : VIEW("false"));
  else if (column->type == COLUMN_DATE)
    chance_day(&value), add_quoted(out, &value);
  else if (column->index == SCHEMA_url_from)
    chance_url(&value), add_quoted(out, &value);
  else
    chance_text(&value, 3), add_quoted(out, &value);
}

/* A notation of unit/fixture/values.h. */
static void add_value(struct text *out, const struct column *column) {
  if (chance_below(4 * rarity) == 0) {
    text_add(out, VIEW("null"));
  } else if (column->type == COLUMN_INT) {
    text_add_char(out, '#');
    add_number(out);
  } else if (column->type == COLUMN_BOOLEAN) {
    text_add(out, chance_below(2) ? VIEW("true") : VIEW("false"));
  } else {
    text_add_char(out, '\'');
    if (column->type == COLUMN_DATE)
      add_time(out);
    else if (column->index == SCHEMA_url_from)
      chance_url(out);
    else
      chance_text(out, 4);
  }
}

static void add_value_for(struct text *out, const struct condition *condition) {
  if (condition->kind == CONDITION_STRING && condition->column->type == COLUMN_STRING &&
      chance_below(2))
    chance_near(out, condition->value);
  else
    add_value(out, condition->column);
}

/* A set of one condition; the caller releases it. */
static void make_condition(const struct column *column, struct text *text, struct conditions *set) {
  do {
    condition_release(set);
    text_clear(text);
    add_comparison(text, column);
    assert_true(condition_parse(text_view(text), set, NULL));
  } while (!set->parsed);
}

#define READINGS 32 /* tried in each case, of some 300,000 */

/* --- one condition on one value --- */

static void check_judged(const struct condition *condition, const struct row *row, enum truth truth,
                         const char *value) {
  for (int i = 0; i < READINGS; i++) {
    uint64_t number = chance_draw();
    struct reading reading = reading_of(number);
    bool holds = reading_holds(&reading, condition, &row->values[condition->column->index]);
    if (holds != (truth == TRUTH_TRUE))
      fail_msg("%.*s on %s: %d, but not under reading %llu", VIEW_ARGS(condition->text), value,
               truth, (unsigned long long)number);
  }
}

static void test_judge(void **state) {
  (void)state;
  static struct row row;
  size_t counts[TRUTH_TRUE + 1] = {0};
  for (int i = 0; i < 30000; i++) {
    scope_text struct text text = {0}, value = {0};
    struct conditions set = {0};
    const struct column *column = pick_column();
    make_condition(column, &text, &set);
    add_value_for(&value, &set.items[0]);
    row.values[column->index] = value_of(text_view(&value));
    enum truth truth = judge_row(&set.items[0], &row);
    counts[truth]++;
    if (truth != TRUTH_UNKNOWN)
      check_judged(&set.items[0], &row, truth, text_string(&value));
    condition_release(&set);
  }
  /* Something is known, and not everything. */
  assert_true(counts[TRUTH_TRUE] > 3000 && counts[TRUTH_FALSE] > 6000 &&
              counts[TRUTH_UNKNOWN] > 6000);
}

/* --- one condition and another --- */

static void check_implied(const struct condition *narrow, const struct condition *wide) {
  for (int i = 0; i < READINGS; i++) {
    scope_text struct text text = {0};
    uint64_t number = chance_draw();
    struct reading reading = reading_of(number);
    add_value_for(&text, chance_below(2) ? narrow : wide);
    struct value value = value_of(text_view(&text));
    if (reading_holds(&reading, narrow, &value) && !reading_holds(&reading, wide, &value))
      fail_msg("%.*s, but not %.*s, on %s under reading %llu", VIEW_ARGS(narrow->text),
               VIEW_ARGS(wide->text), text_string(&text), (unsigned long long)number);
  }
}

static void test_imply(void **state) {
  (void)state;
  size_t implied = 0;
  for (int i = 0; i < 40000; i++) {
    scope_text struct text first = {0}, second = {0};
    struct conditions narrow = {0}, wide = {0};
    const struct column *column = pick_column();
    make_condition(column, &first, &narrow);
    make_condition(column, &second, &wide);
    if (!imply_same(&narrow.items[0], &wide.items[0]) &&
        imply_condition(&narrow.items[0], &wide.items[0])) {
      implied++;
      check_implied(&narrow.items[0], &wide.items[0]);
    }
    condition_release(&narrow);
    condition_release(&wide);
  }
  assert_true(implied > 2000);
}

/* --- the order of two values --- */

static int sign(int order) {
  return (order > 0) - (order < 0);
}

static void check_order(const struct columns *by, const struct value *a, const struct value *b,
                        enum order order) {
  int expected = order == ORDER_LESS ? -1 : order == ORDER_GREATER;
  enum column_type type = by->items[0].column->type;
  assert_int_equal(sign(order_by_bytes(by, a, b)), expected);
  for (int i = 0; i < READINGS; i++) {
    uint64_t number = chance_draw();
    struct reading reading = reading_of(number);
    if (sign(reading_order(&reading, type, a, b)) != expected)
      fail_msg("%.*s, %.*s: %d, but not under reading %llu", VIEW_ARGS(a->text), VIEW_ARGS(b->text),
               expected, (unsigned long long)number);
  }
}

static void test_order(void **state) {
  (void)state;
  size_t known = 0;
  for (int i = 0; i < 30000; i++) {
    scope_text struct text first = {0}, second = {0};
    const struct column *column = pick_column();
    struct columns_item item = {.name = column->name, .column = column};
    struct columns by = {.present = true, .parsed = true, .items = &item, .count = 1};
    add_value(&first, column);
    add_value(&second, column);
    struct value a = value_of(text_view(&first)), b = value_of(text_view(&second));
    enum order order = order_keys(&by, &a, &b);
    known += order != ORDER_UNKNOWN;
    if (order != ORDER_UNKNOWN)
      check_order(&by, &a, &b, order);
  }
  assert_true(known > 8000 && known < 26000);
}

/* --- whole answers --- */

#define WORLD_MOST 24
#define VALUE_MOST 96

/* The rows of a target, and what upstream makes of them under one reading. */
struct world {
  struct row rows[WORLD_MOST];
  char texts[WORLD_MOST][SCHEMA_COLUMNS][VALUE_MOST];
  size_t count;
};

struct upstream {
  const struct world *world;
  struct reading reading;
  bool is_reversed;       /* without order_by */
  bool ties_are_reversed; /* with it */
};

struct answer {
  const struct row *rows[WORLD_MOST];
  size_t count;
};

static void make_value(const struct column *column, const char *neighbour, char out[VALUE_MOST]) {
  scope_text struct text text = {0};
  if (neighbour && chance_below(4) == 0)
    text_add(&text, view_of(neighbour)); /* so that rows tie */
  else
    add_value(&text, column);
  bool fits = text.length < VALUE_MOST;
  snprintf(out, VALUE_MOST, "%s", fits ? text_string(&text) : "null");
}

/* The values of all columns in one piece stand for what a client sees that selects all. */
static void make_row(struct world *world, size_t i) {
  static struct text raws[WORLD_MOST];
  text_clear(&raws[i]);
  for (size_t j = 0; j < COUNT(columns); j++) {
    const struct column *column = schema_find(view_of(columns[j]));
    char *text = world->texts[i][column->index];
    make_value(column, i > 0 ? world->texts[i - 1][column->index] : NULL, text);
    world->rows[i].values[column->index] = value_of(view_of(text));
  }
  for (size_t j = 0; j < COUNT(columns); j++)
    text_printf(&raws[i], "%s;", world->texts[i][schema_find(view_of(columns[j]))->index]);
  world->rows[i].raw = text_view(&raws[i]);
}

static void make_world(struct world *world) {
  world->count = chance_below(WORLD_MOST + 1);
  for (size_t i = 0; i < world->count; i++)
    make_row(world, i);
}

static bool satisfies(const struct upstream *upstream, const struct conditions *set,
                      const struct row *row) {
  for (size_t i = 0; i < set->count; i++)
    if (!reading_holds(&upstream->reading, &set->items[i],
                       &row->values[set->items[i].column->index]))
      return false;
  return true;
}

static int rows_order(const struct upstream *upstream, const struct columns *by,
                      const struct row *a, const struct row *b) {
  for (size_t i = 0; i < by->count; i++) {
    const struct column *column = by->items[i].column;
    int order = reading_order(&upstream->reading, column->type, &a->values[column->index],
                              &b->values[column->index]);
    if (order)
      return by->items[i].descending ? -order : order;
  }
  return by->count && upstream->ties_are_reversed ? (a < b) - (a > b) : 0;
}

/* What upstream answers. */
static void ask(const struct upstream *upstream, const struct query *query, struct answer *answer) {
  const struct row *all[WORLD_MOST];
  size_t count = 0;
  for (size_t i = 0; i < upstream->world->count; i++) {
    size_t at = upstream->is_reversed ? upstream->world->count - 1 - i : i;
    const struct row *row = &upstream->world->rows[at];
    if (satisfies(upstream, query_where(query), row) &&
        satisfies(upstream, query_having(query), row))
      all[count++] = row;
  }
  for (size_t i = 1; i < count; i++) /* stable */
    for (size_t j = i; j > 0; j--)
      if (rows_order(upstream, query_order(query), all[j - 1], all[j]) > 0) {
        const struct row *row = all[j];
        all[j] = all[j - 1];
        all[j - 1] = row;
      }
  answer->count = 0;
  for (size_t i = (size_t)query_offset(query);
       i < count && answer->count < (size_t)query_limit(query); i++)
    answer->rows[answer->count++] = all[i];
}

static const char *const selects[] = {"",
                                      "",
                                      "",
                                      "&select=anchor",
                                      "&select=date,domain_rating,type",
                                      "&select=*",
                                      "&select=sitewide"};
static const char *const orders[] = {"",
                                     "",
                                     "",
                                     "&order_by=domain_rating",
                                     "&order_by=domain_rating:desc",
                                     "&order_by=date,domain_rating",
                                     "&order_by=anchor",
                                     "&order_by=first_seen",
                                     "&order_by=nofollow,domain_rating"};

static void add_conditions(struct text *out, const char *name, size_t most) {
  size_t count = chance_below(most + 1);
  for (size_t i = 0; i < count; i++) {
    scope_text struct text text = {0};
    struct conditions set = {0};
    make_condition(pick_column(), &text, &set);
    text_printf(out, i ? "," : "&%s=", name);
    for (size_t j = 0; j < text.length; j++)
      text_printf(out, "%%%02x", (unsigned char)text.at[j]);
    condition_release(&set);
  }
}

static struct query *make_query(struct text *text, size_t conditions) {
  static const char *const limits[] = {"",         "",          "&limit=1",  "&limit=3",
                                       "&limit=8", "&limit=24", "&offset=2", "&limit=2&offset=3"};
  struct query *query;
  text_add(text, VIEW("from=backlinks_new_lost&target=a.example&mode=domain"));
  text_add(text, view_of(PICK(selects)));
  add_conditions(text, "where", conditions);
  add_conditions(text, "having", conditions / 2);
  text_add(text, view_of(PICK(orders)));
  text_add(text, view_of(PICK(limits)));
  assert_true(query_parse(text_view(text), VIEW(""), &query, NULL));
  return query;
}

/* The wanted query is often the source's with more or narrower clauses. */
static struct query *make_wanted(const struct text *source, struct text *text) {
  static const char *const more[] = {"&where=domain_rating>=50",
                                     "&having=domain_rating<80",
                                     "&limit=2",
                                     "&order_by=domain_rating:desc&limit=3",
                                     "&select=anchor",
                                     "&having=nofollow=true"};
  struct query *query;
  if (chance_below(2) == 0)
    return make_query(text, 2);
  text_add(text, text_view(source));
  text_add(text, view_of(PICK(more)));
  if (query_parse(text_view(text), VIEW(""), &query, NULL))
    return query;
  text_clear(text); /* the clause was there already */
  return make_query(text, 1);
}

static bool derive(const struct derive_recipe *recipe, const struct answer *source,
                   struct answer *derived) {
  struct apply *apply = apply_create(recipe, 1 << 16);
  enum apply_verdict verdict = APPLY_HOLD;
  derived->count = 0;
  for (size_t i = 0; i < source->count && verdict < APPLY_ENOUGH; i++) {
    struct row row = *source->rows[i];
    row.position = (int64_t)i;
    verdict = apply_row(apply, &row);
    if (verdict == APPLY_TAKE)
      derived->rows[derived->count++] = source->rows[i];
  }
  bool ok = apply_finish(apply);
  if (ok && recipe->order) {
    derived->count = (size_t)apply_results(apply);
    for (size_t i = 0; i < derived->count; i++)
      derived->rows[i] = source->rows[apply_places(apply)[i].position];
  }
  assert_true(!ok || (size_t)apply_results(apply) == derived->count);
  apply_release(&apply);
  return ok;
}

/* To a client that selects some columns, or all. */
static bool looks_same(const struct query *query, const struct row *a, const struct row *b) {
  const struct columns *select = query_select(query);
  for (size_t i = 0; i < SCHEMA_COLUMNS; i++) {
    bool is_shown = columns_are_all(select);
    for (size_t j = 0; j < select->count; j++)
      is_shown |= select->items[j].column && select->items[j].column->index == i;
    if (is_shown && (a->values[i].kind != b->values[i].kind ||
                     !view_equal(a->values[i].text, b->values[i].text)))
      return false;
  }
  return true;
}

static void check_answer(const struct query *wanted, const struct answer *derived,
                         const struct answer *direct, const char *source) {
  bool same = derived->count == direct->count;
  for (size_t i = 0; same && i < direct->count; i++)
    same = looks_same(wanted, derived->rows[i], direct->rows[i]);
  if (!same)
    fail_msg("%.*s\n from %s: %zu rows for %zu", VIEW_ARGS(query_normal(wanted)), source,
             derived->count, direct->count);
}

static bool has_only_known(const struct query *query) {
  return !query_select(query)->count || query_select(query)->items[0].column ||
         columns_are_all(query_select(query));
}

static void test_answers(void **state) {
  (void)state;
  static struct world world;
  size_t derived = 0, sorted = 0, filtered = 0;
  rarity = 60;
  for (int i = 0; i < 40000; i++) {
    scope_text struct text first = {0}, second = {0};
    if (i % 10 == 0)
      make_world(&world);
    struct query *source = make_query(&first, 1), *wanted = make_wanted(&first, &second);
    struct upstream upstream = {&world, reading_of(chance_draw()), chance_below(2),
                                chance_below(2)};
    struct answer stored, answer, direct;
    static struct derive_recipe recipe;
    ask(&upstream, source, &stored);
    ask(&upstream, wanted, &direct);
    struct derive_source facts = {.query = source, .results = (int64_t)stored.count};
    if (rules_derive(wanted, &facts, &recipe) == DERIVE_POSSIBLE &&
        derive(&recipe, &stored, &answer)) {
      derived++;
      sorted += recipe.order && answer.count > 1;
      filtered += recipe.filter_count && answer.count > 0;
      if (has_only_known(wanted))
        check_answer(wanted, &answer, &direct, text_string(&first));
    }
    query_release(&source);
    query_release(&wanted);
  }
  print_message("%zu answers derived, %zu sorted, %zu filtered\n", derived, sorted, filtered);
  assert_true(derived > 5000 && sorted > 100 && filtered > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_judge),
      cmocka_unit_test(test_imply),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

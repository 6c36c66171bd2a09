/* Random queries of v2 on random links: what translate makes of v3's pages, against the same rows
 * worked out directly. */
#include "translate/translate.h"

#include "base/num.h"
#include "base/text.h"
#include "query/call.h"
#include "query/form.h"
#include "query/plans.h"
#include "query/query.h"
#include "unit/fixture/unit.h"
#include "unit/fixture/web.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TODAY 20000
#define ROUNDS 4000
#define LINKS_MOST 120

static uint64_t seed;

static unsigned below(unsigned end) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)(seed >> 33) % end;
}

/* --- links --- */

static const char *pick(const char *const *texts, unsigned count) {
  return texts[below(count)];
}
#define PICK(...)                          \
  pick((const char *const[]){__VA_ARGS__}, \
       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Few moments in a world of ties. */
static int64_t moment(int variety, int back) {
  int64_t day = TODAY - (int64_t)below((unsigned)back);
  return day * 86400 + (below(4) ? (int64_t)below((unsigned)variety) * 863 % 86400 : 0);
}

static struct web_link make_link(int variety) {
  struct web_link link = {
      .found = moment(variety, 90),
      .visited = moment(variety, 30),
      .url_rating = (int)below(1001),
      .domain_rating = (int)below(variety > 3 ? 1001 : 12),
      .internal = (int)below((unsigned)variety),
      .external = below(400) + (below(9) ? 0 : INT64_C(9007199254740993)),
      .http = below(5) ? 200 : 404,
      .redirect = below(3) ? -1 : (int)below(2) * 301,
      .rank = (int)below(100000),
      .size = (int)below(100000),
      .nofollow = below(2),
      .url = (int)below(60),
      .anchor = PICK("home", "buy now", "click here", "", "\xd0\xba\xd1\x83\xd0\xbf"),
      .kind = PICK("text", "image", "redirect", "frame", "video"),
      .alt = PICK(NULL, "", "a picture"),
      .status = PICK(NULL, "pagefound", "linkfound", "guessed"),
      .reason = PICK(NULL, "duplicate"),
  };
  if (below(2))
    link.lost = link.found + (int64_t)below(60) * 86400 + below(3) * 1000;
  if (link.lost >= (TODAY + 1) * INT64_C(86400))
    link.lost = 0;
  return link;
}

/* --- v2's rows, worked out directly --- */

struct v2_row {
  const struct web_link *link;
  bool is_new;
  int64_t time;
};

static int rounded(int tenths) {
  return (tenths + 5) / 10;
}

/* Numbers of v2's columns: with which conditions and orders are tried. */
static int64_t number_of(const struct v2_row *row, const char *column) {
  const struct web_link *link = row->link;
  if (!strcmp(column, "date"))
    return row->time / 86400;
  if (!strcmp(column, "type"))
    return row->is_new;
  if (!strcmp(column, "ahrefs_rank"))
    return rounded(link->url_rating);
  if (!strcmp(column, "domain_rating"))
    return rounded(link->domain_rating);
  if (!strcmp(column, "links_internal"))
    return link->internal;
  if (!strcmp(column, "links_external"))
    return link->external;
  if (!strcmp(column, "http_code"))
    return link->http;
  if (!strcmp(column, "redirect"))
    return link->redirect < 0 ? 0 : link->redirect;
  if (!strcmp(column, "nofollow"))
    return link->nofollow;
  if (!strcmp(column, "original"))
    return link->status && !strcmp(link->status, "pagefound");
  if (!strcmp(column, "first_seen"))
    return link->found;
  assert_string_equal(column, "last_visited");
  return link->visited;
}

static const char *text_of(const struct v2_row *row, const char *column) {
  const char *kind = row->link->kind;
  if (!strcmp(column, "anchor"))
    return row->link->anchor;
  if (!strcmp(column, "alt"))
    return row->link->alt ? row->link->alt : "";
  assert_string_equal(column, "link_type");
  return !strcmp(kind, "text") || !strcmp(kind, "image") ? "href" : kind;
}

static void write_value(struct text *out, const struct v2_row *row, const char *column) {
  bool is_text = view_has_word(VIEW("anchor alt link_type"), view_of(column));
  char time[24];
  int64_t number = is_text ? 0 : number_of(row, column);
  web_time(!strcmp(column, "date") ? number * 86400 : number, time);
  text_printf(out, "\"%s\":", column);
  if (is_text)
    text_printf(out, "\"%s\"", text_of(row, column));
  else if (!strcmp(column, "date"))
    text_printf(out, "\"%.10s\"", time);
  else if (!strcmp(column, "first_seen") || !strcmp(column, "last_visited"))
    text_printf(out, "\"%s\"", time);
  else if (!strcmp(column, "type"))
    text_add(out, number ? VIEW("\"new\"") : VIEW("\"lost\""));
  else if (!strcmp(column, "nofollow") || !strcmp(column, "original"))
    text_add(out, number ? VIEW("true") : VIEW("false"));
  else
    text_printf(out, "%" PRId64, number);
}

/* --- a random query --- */

enum { GE, GT, LE, LT, EQ, NE, SUBSTRING, OPS };
static const char *const ops[] = {">=", ">", "<=", "<", "=", "<>"};

struct test_condition {
  const char *column;
  int op;
  int64_t number;
  const char *text; /* NULL: a number */
};

struct test_query {
  struct test_condition conditions[4];
  size_t condition_count;
  const char *order[3];
  bool descending[3];
  size_t order_count;
  const char *select[4];
  size_t select_count;
  int64_t limit, offset;
  struct text args;
};

static const char *const orders[] = {
    "date",      "type",     "ahrefs_rank", "domain_rating", "links_internal", "links_external",
    "http_code", "redirect", "nofollow",    "original",      "first_seen",     "last_visited"};

static bool holds(const struct test_condition *condition, const struct v2_row *row) {
  if (condition->op == SUBSTRING)
    return strstr(text_of(row, condition->column), condition->text) != NULL;
  int order;
  if (condition->text) {
    order = strcmp(text_of(row, condition->column), condition->text);
  } else {
    int64_t number = number_of(row, condition->column);
    order = (number > condition->number) - (number < condition->number);
  }
  const bool verdicts[] = {order >= 0, order > 0, order <= 0, order < 0, order == 0, order != 0};
  return verdicts[condition->op];
}

static struct test_condition make_condition(void) {
  struct test_condition condition;
  switch (below(10)) {
  case 0:
    return (struct test_condition){"ahrefs_rank", (int)below(6), below(101), NULL};
  case 1:
    return (struct test_condition){"domain_rating", (int)below(6), below(101), NULL};
  case 2:
    return (struct test_condition){"date", (int)below(6), TODAY - (int64_t)below(70), NULL};
  case 3:
    return (struct test_condition){"redirect", (int)below(6), below(3) * 301 / 2, NULL};
  case 4:
    return (struct test_condition){"anchor", (int)(EQ + below(3)), 0, PICK("home", "buy", "x")};
  case 5:
    return (struct test_condition){"link_type", (int)(EQ + below(3)), 0,
                                   PICK("href", "redirect", "re", "text")};
  case 6:
    return (struct test_condition){"alt", (int)(EQ + below(3)), 0, "picture"};
  case 7:
    return (struct test_condition){PICK("nofollow", "original"), (int)(EQ + below(2)), below(2),
                                   NULL};
  case 8:
    condition = (struct test_condition){PICK("first_seen", "last_visited"), (int)below(6),
                                        moment(4, 100) + (below(3) ? 1 : 0), NULL};
    if (condition.number % 86400 == 0) /* is written as a day */
      condition.op %= EQ;
    return condition;
  default:
    return (struct test_condition){"type", (int)(EQ + below(2)), below(2), NULL};
  }
}

static void write_condition(struct text *out, const struct test_condition *condition) {
  const char *column = condition->column;
  bool is_day = !strcmp(column, "date"), is_truth = strstr("nofollow original", column);
  bool is_time = !strcmp(column, "first_seen") || !strcmp(column, "last_visited");
  char time[24];
  if (condition->op == SUBSTRING) {
    text_printf(out, "substring(%s,\"%s\")", column, condition->text);
    return;
  }
  text_printf(out, "%s%s", column, ops[condition->op]);
  web_time(is_day ? condition->number * 86400 : condition->number, time);
  if (condition->text)
    text_printf(out, "\"%s\"", condition->text);
  else if (is_time && condition->number % 86400)
    text_printf(out, "\"%s\"", time);
  else if (is_day || is_time)
    text_printf(out, "\"%.10s\"", time);
  else if (is_truth)
    text_add(out, condition->number ? VIEW("true") : VIEW("false"));
  else if (!strcmp(column, "type"))
    text_add(out, condition->number ? VIEW("\"new\"") : VIEW("\"lost\""));
  else
    text_printf(out, "%" PRId64, condition->number);
}

static void put(struct text *args, const char *name, struct text *value) {
  text_printf(args, "&%s=", name);
  form_encode(args, text_view(value));
  text_free(value);
}

static bool is_among(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(names[i], name))
      return true;
  return false;
}

static void make_order(struct test_query *query) {
  struct text text = {0};
  query->order_count = below(4);
  for (size_t i = 0; i < query->order_count; i++) {
    do
      query->order[i] = orders[below(COUNT(orders))];
    while (is_among(query->order, i, query->order[i]));
    query->descending[i] = below(2);
    text_printf(&text, "%s%s%s", i ? "," : "", query->order[i],
                query->descending[i] ? ":desc" : "");
  }
  if (query->order_count)
    put(&query->args, "order_by", &text);
}

/* Columns, in the order of v2's table, in which an answer has them. */
static const char *const names[] = {"date",       "type",     "ahrefs_rank", "domain_rating",
                                    "first_seen", "original", "link_type",   "redirect",
                                    "alt",        "anchor"};

static void make_select(struct test_query *query) {
  struct text text = {0};
  query->select_count = 1 + below(4);
  for (size_t i = 0; i < query->select_count; i++) {
    do
      query->select[i] = names[below(COUNT(names))];
    while (is_among(query->select, i, query->select[i]));
    text_printf(&text, "%s%s", i ? "," : "", query->select[i]);
  }
  put(&query->args, "select", &text);
}

static void make_conditions(struct test_query *query) {
  struct text where = {0}, having = {0};
  query->condition_count = below(4);
  for (size_t i = 0; i < query->condition_count; i++) {
    struct text *text = below(3) ? &where : &having;
    query->conditions[i] = make_condition();
    if (text->length)
      text_add_char(text, ',');
    write_condition(text, &query->conditions[i]);
  }
  if (where.length)
    put(&query->args, "where", &where);
  if (having.length)
    put(&query->args, "having", &having);
}

static void make_query(struct test_query *query) {
  *query = (struct test_query){0};
  text_add(&query->args, VIEW("from=backlinks_new_lost&mode=domain&target=target.example"));
  make_order(query);
  make_select(query);
  make_conditions(query);
  query->limit = below(4) ? 1 + below(20) : 1000;
  query->offset = below(3) ? 0 : below(15);
  text_printf(&query->args, "&limit=%" PRId64, query->limit);
  if (query->offset)
    text_printf(&query->args, "&offset=%" PRId64, query->offset);
}

/* --- what v2 would answer --- */

static bool is_wanted(const struct test_query *query, const struct v2_row *row) {
  bool has_bound = false;
  for (size_t i = 0; i < query->condition_count; i++) {
    const struct test_condition *condition = &query->conditions[i];
    if (!holds(condition, row))
      return false;
    has_bound = has_bound || (!strcmp(condition->column, "date") &&
                              (condition->op == GE || condition->op == GT || condition->op == EQ));
  }
  return has_bound || row->time / 86400 >= TODAY - 60;
}

static size_t list_rows(const struct web *web, const struct test_query *query,
                        struct v2_row *rows) {
  size_t count = 0;
  for (size_t i = 0; i < web->count; i++) {
    const struct web_link *link = &web->links[i];
    struct v2_row found = {link, true, link->found}, lost = {link, false, link->lost};
    if (is_wanted(query, &found))
      rows[count++] = found;
    if (link->lost && is_wanted(query, &lost))
      rows[count++] = lost;
  }
  return count;
}

static int by_order(const void *a, const void *b, void *context) {
  const struct test_query *query = context;
  for (size_t i = 0; i < query->order_count; i++) {
    int64_t left = number_of(a, query->order[i]), right = number_of(b, query->order[i]);
    if (left != right)
      return (left < right) == query->descending[i] ? 1 : -1;
  }
  return 0;
}

static void write_row(struct text *out, const struct test_query *query, const struct v2_row *row) {
  bool has_any = false;
  for (size_t i = 0; i < COUNT(names); i++) {
    if (!is_among(query->select, query->select_count, names[i]))
      continue;
    text_add_char(out, has_any ? ',' : '{');
    write_value(out, row, names[i]);
    has_any = true;
  }
  text_add_char(out, '}');
}

/* --- comparing --- */

/* Takes the next row of the answer off `rest`: it is that of one row of v2 that may stand at `place`,
 * as it ties with the one there, and that was not taken before. */
static bool take_row(struct view *rest, const struct test_query *query, const struct v2_row *rows,
                     bool *taken, size_t count, size_t place) {
  for (size_t i = 0; i < count; i++) {
    scope_text struct text text = {0};
    if (taken[i] || by_order(&rows[i], &rows[place], (void *)query) != 0)
      continue;
    write_row(&text, query, &rows[i]);
    if (!view_starts(*rest, text_view(&text)))
      continue;
    *rest = view_from(*rest, text.length + 1);
    taken[i] = true;
    return true;
  }
  return false;
}

static void compare(const struct web *web, struct test_query *query, struct view answer,
                    int64_t results) {
  struct v2_row rows[2 * LINKS_MOST];
  bool taken[2 * LINKS_MOST] = {false};
  size_t count = list_rows(web, query, rows);
  qsort_r(rows, count, sizeof *rows, by_order, query);
  size_t from = (size_t)query->offset < count ? (size_t)query->offset : count;
  size_t to = from + (size_t)query->limit < count ? from + (size_t)query->limit : count;
  if (results != (int64_t)(to - from))
    fail_msg("%s: %" PRId64 " rows, not %zu", query->args.at, results, to - from);
  struct view rest = view_from(answer, strlen("{\"refpages\":["));
  for (size_t i = from; i < to; i++)
    if (!take_row(&rest, query, rows, taken, count, i))
      fail_msg("%s: row %zu: %.*s", query->args.at, i, 200, rest.at);
  assert_true(rest.length <= 2);
}

/* --- translating --- */

static bool feed(struct translation *translation, struct view body, struct fault *fault) {
  bool ok = true;
  while (ok && body.length) {
    size_t length = 1 + below(400);
    ok = translate_feed(translation, view_first(body, length), fault);
    body = view_from(body, length);
  }
  return ok;
}

/* False: the translation has failed. */
static bool run(struct web *web, struct translation *translation, int64_t cap,
                struct fault *fault) {
  for (int page = 0; page < 2000; page++) {
    struct query *asked;
    scope_text struct text body = {0};
    enum translate_step step =
        translate_next(translation, cap, below(8) ? -1 : (int)below(30), &asked, fault);
    if (step != TRANSLATE_ASK)
      return step == TRANSLATE_DONE;
    web_answer(web, asked, &body);
    if (getenv("SHOW"))
      fprintf(stderr, "%.*s\n  -> %s\n", VIEW_ARGS(query_normal(asked)), text_string(&body));
    if (getenv("SHOW"))
      fprintf(stderr, "%.*s\n  -> %s\n", VIEW_ARGS(query_normal(asked)), text_string(&body));
    query_release(&asked);
    if (!below(20)) {
      bool ok = feed(translation, view_first(text_view(&body), body.length / 2), fault);
      translate_drop_page(translation);
      if (!ok)
        return false;
      continue;
    }
    if (!feed(translation, text_view(&body), fault) || !translate_end_page(translation, fault))
      return false;
  }
  fail_msg("it does not end");
  return false;
}

/* The fault tells of a time on the day of a bound. */
static bool is_on_bound(const struct test_query *query, const char *fault) {
  for (size_t i = 0; i < query->condition_count; i++) {
    char time[24];
    web_time(query->conditions[i].number, time);
    time[10] = '\0';
    if (query->conditions[i].number > TODAY && strstr(fault, time))
      return true;
  }
  return false;
}

static void try_query(struct web *web, struct test_query *query, int64_t cap, int *failed) {
  struct query *parsed;
  struct fault fault = {0};
  struct translate_limits limits = {TODAY, 1 << 20, 0};
  assert_true(query_parse(text_view(&query->args), VIEW(""), &parsed, &fault));
  if (!translate_check(parsed, &fault))
    fail_msg("%s: %s", query->args.at, fault.text);
  struct translation *translation = translate_create(parsed, &limits, &fault);
  assert_non_null(translation);
  if (run(web, translation, cap, &fault))
    compare(web, query, translate_answer(translation), translate_results(translation));
  else if (strstr(fault.text, "alike in all columns") || is_on_bound(query, fault.text))
    ++*failed;
  else
    fail_msg("%s: %s", query->args.at, fault.text);
  translate_release(&translation);
  query_release(&parsed);
  text_free(&query->args);
}

static struct web_readings make_readings(void) {
  return (struct web_readings){.since_excludes = below(2),
                               .zone = (int)below(3) * 7 - 5,
                               .nulls_first = below(2),
                               .nulls = (enum web_nulls)below(WEB_NULLS),
                               .noise = (int)below(2) * 2};
}

/* What the caller knows of a cap. */
static int64_t told_of(int64_t cap) {
  if (!below(3) && (!cap || cap >= PLANS_CAP_LEAST))
    return -1;
  return (cap == 25 || cap == 100) && below(2) ? 0 : cap;
}

static void test_random(void **state) {
  static const int64_t caps[] = {0, 0, 3, 5, 10, 25, 33, 100};
  static struct web_link links[LINKS_MOST];
  int failed = 0;
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    seed = round;
    int variety = (int)PICK("\1", "\3", "\40", "\177")[0];
    struct web web = {.links = links, .count = below(LINKS_MOST), .readings = make_readings()};
    for (size_t i = 0; i < web.count; i++)
      links[i] = i && !below(20) ? links[i - 1] : make_link(variety);
    web.cap = caps[below(COUNT(caps))];
    struct test_query query;
    make_query(&query);
    try_query(&web, &query, told_of(web.cap), &failed);
  }
  assert_true(failed < ROUNDS / 10);
}

/* --- what is bought --- */

static struct web_link plain_link(int number) {
  return (struct web_link){.found = TODAY * INT64_C(86400) - number * 977,
                           .visited = TODAY * INT64_C(86400) + number,
                           .url_rating = number % 1000,
                           .domain_rating = number * 7 % 1000,
                           .http = 200,
                           .redirect = -1,
                           .external = number,
                           .rank = number,
                           .url = number,
                           .anchor = "home",
                           .kind = "text"};
}

/* The number of rows of the answer to a query; without drops, and with all that can be paid. */
static int64_t answer_for(struct web *web, const char *args, int64_t cap) {
  scope_text struct text all = {0};
  struct query *parsed, *asked;
  struct fault fault = {0};
  struct translate_limits limits = {TODAY, 1 << 20, 0};
  text_printf(&all, "from=backlinks_new_lost&mode=domain&target=target.example%s", args);
  assert_true(query_parse(text_view(&all), VIEW(""), &parsed, &fault));
  assert_true(translate_check(parsed, &fault));
  struct translation *translation = translate_create(parsed, &limits, &fault);
  while (translate_next(translation, cap, -1, &asked, &fault) == TRANSLATE_ASK) {
    scope_text struct text body = {0};
    web_answer(web, asked, &body);
    query_release(&asked);
    assert_true(translate_feed(translation, text_view(&body), &fault));
    assert_true(translate_end_page(translation, &fault));
  }
  int64_t results = translate_results(translation);
  translate_release(&translation);
  query_release(&parsed);
  return results;
}

struct purchase {
  const char *args;
  int64_t cap, told;
  int64_t results, rows, pages;
  void (*change)(struct web_link *links, size_t count);
};

static void on_one_day(struct web_link *links, size_t count) {
  for (size_t i = 0; i < count; i++)
    links[i].found = TODAY * INT64_C(86400) + (int64_t)i;
}

static void lost_each_day(struct web_link *links, size_t count) {
  for (size_t i = 0; i < count; i++)
    links[i].lost = (TODAY - (int64_t)i % 50) * 86400 + 40000;
}

static void at_one_moment(struct web_link *links, size_t count) {
  for (size_t i = 0; i < count; i++)
    links[i].found = links[0].found;
}

/* Of 400 links. */
static const struct purchase purchases[] = {
    {"", 0, 0, 400, 400, 1, NULL},
    {"&limit=30", 0, 0, 30, 30, 1, NULL},
    {"&limit=30&offset=10", 0, 0, 30, 40, 1, NULL},
    {"&limit=30", 10, 10, 30, 34, 4, NULL},
    /* a page of as many rows as some plan gives may be cut: the next one tells */
    {"", 100, 0, 400, 404, 5, NULL},
    {"&where=links_external<100", 0, 0, 100, 101, 2, NULL},
    {"&where=links_external<99", 0, 0, 99, 99, 1, NULL},
    {"", 250, 100, 400, 404, 5, NULL},
    /* a cap that nobody knows */
    {"", 130, -1, 400, 403, 4, NULL},
    {"", 0, -1, 400, 401, 2, NULL},
    {"&where=links_external<0", 0, -1, 0, 0, 1, NULL},
    {"", 130, -1, 400, 533, 6, at_one_moment},
    /* conditions that v3 judges cost no row; others do */
    {"&where=links_external>=390", 0, 0, 10, 10, 1, NULL},
    {"&where=links_external<>0&limit=10", 0, 0, 10, 13, 2, NULL},
    /* of a crowded day only what is needed, by the next column */
    {"&order_by=date,domain_rating:desc&where=type=\"new\"&limit=10", 0, 0, 10, 20, 2, on_one_day},
    {"&order_by=http_code,links_external&where=type=\"new\"&limit=10", 0, 0, 10, 20, 2, NULL},
    {"&order_by=http_code,nofollow&where=type=\"new\"&limit=10", 0, 0, 10, 435, 9, NULL},
    /* of the other kind of event only the days that count */
    {"&order_by=date:desc&limit=20", 0, 0, 20, 36, 2, lost_each_day},
    /* where a row may show that a query is to be refused, ten rows are bought first */
    {"&where=anchor=\"home\"", 0, 0, 400, 401, 2, NULL},
    {"&where=anchor=\"home\"&limit=5", 0, 0, 5, 5, 1, NULL},
    {"&where=anchor=\"home\"&order_by=http_code", 0, 0, 400, 410, 2, NULL},
    /* a moment that fills a page */
    {"", 25, 25, 400, 441, 19, at_one_moment},
};

static void test_purchases(void **state) {
  static struct web_link links[400];
  (void)state;
  for (size_t i = 0; i < COUNT(purchases); i++) {
    const struct purchase *purchase = &purchases[i];
    struct web web = {.links = links, .count = COUNT(links), .cap = purchase->cap};
    for (size_t j = 0; j < COUNT(links); j++)
      links[j] = plain_link((int)j);
    if (purchase->change)
      purchase->change(links, COUNT(links));
    int64_t results = answer_for(&web, purchase->args, purchase->told);
    if (results != purchase->results || web.rows != purchase->rows || web.pages != purchase->pages)
      fail_msg("%s, cap %" PRId64 ": %" PRId64 " results, %" PRId64 " rows, %" PRId64 " pages",
               purchase->args, purchase->cap, results, web.rows, web.pages);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                     cmocka_unit_test(test_purchases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

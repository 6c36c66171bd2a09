#include "probe/ask.h"

#include "base/json.h"
#include "base/num.h"
#include "query/form.h"
#include "query/query.h"
#include "translate/translate.h"

#include <stdio.h>

#define MOST_ANCHOR 100 /* bytes */
#define MOST_TRANSLATED ((size_t)1024 * 1024)
#define QUERY_OF_V2 "from=backlinks_new_lost&mode=domain&limit=50&target=" ASK_TARGET
#define LONG_AGO "2000-01-01T00:00:00Z"

const char *const ask_mapping[] = {
#define V3(name) #name,
#include "tables/translate.def"
#undef V3
    NULL};

/* --- rows of samples --- */

/* The row whose time of day is the least, or the greatest (`sign` -1). */
static int64_t find_time(const struct reading *sample, const char *column, const char *above,
                         int sign) {
  const char *best = NULL;
  int64_t found = -1;
  for (int64_t i = 0; i < reading_count(sample); i++) {
    const char *time = reading_string(sample, i, column);
    if (!time || !reading_is_time(time))
      continue;
    const char *clock = time + READING_DAY;
    if (strcmp(clock, above) > 0 && (!best || sign * strcmp(clock, best) < 0)) {
      best = clock;
      found = i;
    }
  }
  return found;
}

int64_t ask_earliest(const struct reading *sample, const char *column, bool behind_midnight) {
  return find_time(sample, column, behind_midnight ? "T00:00:00Z" : "", 1);
}

int64_t ask_latest(const struct reading *sample, const char *column) {
  return find_time(sample, column, "", -1);
}

static bool is_lettered(struct view anchor) {
  bool found = false;
  for (size_t i = 0; i < anchor.length; i++) {
    if (anchor.at[i] < ' ' || anchor.at[i] > '~')
      return false;
    found = found || num_is_alpha(anchor.at[i]);
  }
  return found && anchor.length <= MOST_ANCHOR;
}

int64_t ask_lettered(const struct reading *sample) {
  for (int64_t i = 0; i < reading_count(sample); i++) {
    const char *anchor = reading_string(sample, i, "anchor");
    if (anchor && is_lettered(view_of(anchor)) && reading_string(sample, i, "url_from"))
      return i;
  }
  return -1;
}

bool ask_has_column(const struct reading readings[ASKS], const char *column) {
  const struct reading *list = &readings[ASK_COLUMNS];
  bool is_list = list->state == READING_REFUSED && list->status == 400 &&
                 reading_names(list, VIEW("url_from"));
  return !is_list || reading_names(list, view_of(column));
}

/* --- parameters --- */

static void add(struct text *out, const char *name, const char *value) {
  text_printf(out, "%s%s=", out->length ? "&" : "", name);
  form_encode(out, view_of(value));
}

static void begin(struct text *out, const char *select, int limit) {
  add(out, "target", ASK_TARGET);
  add(out, "aggregation", "all");
  add(out, "select", select);
  text_printf(out, "&limit=%d", limit);
}

struct condition {
  const char *field, *op, *value;
};

static void write_condition(struct json *json, const struct condition *condition) {
  json_map(json, NULL);
  json_text(json, "field", view_of(condition->field));
  json_list(json, "is");
  json_text(json, NULL, view_of(condition->op));
  json_text(json, NULL, view_of(condition->value));
  json_list_end(json);
  json_map_end(json);
}

/* All of the conditions hold. */
static bool add_where(struct text *out, const struct condition *conditions, size_t count) {
  scope_text struct text where = {0};
  struct json json;
  json_begin(&json, &where);
  json_map(&json, NULL);
  json_list(&json, "and");
  for (size_t i = 0; i < count; i++)
    write_condition(&json, &conditions[i]);
  json_list_end(&json);
  json_map_end(&json);
  if (!json_end(&json, NULL))
    return false;
  add(out, "where", text_string(&where));
  return true;
}

/* The day of a time, or the day after it. */
static const char *day_of(const char *time, int32_t later, char out[NUM_DATE_SIZE]) {
  int32_t day = 0;
  CHECK(num_date((struct view){time, READING_DAY}, &day));
  num_print_date(day + later, out);
  return out;
}

/* --- the calls --- */

/* What a call asks for; fields that its function does not read are left out. */
struct plan {
  bool (*write)(const struct plan *plan, const struct ask_sources *sources, struct text *out);
  enum ask sample;    /* has the row that it asks about */
  const char *column; /* a time of it */
  enum { EARLIEST, EARLIEST_BEHIND_MIDNIGHT, LATEST } which;
  enum { NOT_AT_ALL, HISTORY, FROM_DAY, TO_DAY } bound; /* by the day of this time, */
  int32_t later;                                        /* so many days later */
  const char *select, *order, *op, *value;
  int rows;
  bool is_flipped; /* the letters are in the other case */
};

static bool write_one(const struct plan *plan, const struct ask_sources *sources,
                      struct text *out) {
  (void)sources;
  begin(out, plan->select, 1);
  return true;
}

/* Pages that are, or are not, that which does not exist. */
static bool write_nowhere(const struct plan *plan, const struct ask_sources *sources,
                          struct text *out) {
  char nowhere[64];
  snprintf(nowhere, sizeof nowhere, "https://%.32s.invalid/", sources->nonce);
  const struct condition condition = {plan->select, plan->op, nowhere};
  begin(out, plan->select, plan->rows);
  return add_where(out, &condition, 1);
}

static bool write_sample(const struct plan *plan, const struct ask_sources *sources,
                         struct text *out) {
  scope_text struct text select = {0};
  (void)plan;
  for (size_t i = 0; ask_mapping[i]; i++)
    if (ask_has_column(sources->readings, ask_mapping[i]))
      text_printf(&select, "%s%s", select.length ? "," : "", ask_mapping[i]);
  begin(out, text_string(&select), ASK_ROWS);
  return text_ok(&select);
}

bool ask_translate(int32_t today, struct ask_translation *made) {
  const struct translate_limits limits = {.today = today, .most = MOST_TRANSLATED};
  *made = (struct ask_translation){0};
  if (query_parse(VIEW(QUERY_OF_V2), VIEW(""), &made->query, NULL) &&
      translate_check(made->query, NULL))
    made->translation = translate_create(made->query, &limits, NULL);
  return made->translation &&
         translate_next(made->translation, ASK_ROWS, ASK_ROWS, &made->page, NULL) == TRANSLATE_ASK;
}

void ask_end_translation(struct ask_translation *made) {
  translate_release(&made->translation);
  query_release(&made->page);
  query_release(&made->query);
}

static bool write_page(const struct plan *plan, const struct ask_sources *sources,
                       struct text *out) {
  struct ask_translation made;
  (void)plan;
  bool ok = ask_translate(sources->today, &made);
  struct view normal = ok ? query_normal(made.page) : VIEW("");
  const char *mark = normal.length ? memchr(normal.at, '?', normal.length) : NULL;
  if (mark)
    text_add(out, view_from(normal, (size_t)(mark + 1 - normal.at)));
  ask_end_translation(&made);
  return mark != NULL;
}

static bool write_order(const struct plan *plan, const struct ask_sources *sources,
                        struct text *out) {
  (void)sources;
  begin(out, plan->select, ASK_ROWS);
  add(out, "order_by", plan->order);
  return true;
}

static bool write_filter(const struct plan *plan, const struct ask_sources *sources,
                         struct text *out) {
  (void)sources;
  begin(out, plan->select, ASK_ROWS);
  const struct condition condition = {plan->column, plan->op, plan->value};
  return add_where(out, &condition, 1);
}

static int64_t row_of(const struct plan *plan, const struct reading *sample) {
  if (plan->which == LATEST)
    return ask_latest(sample, plan->column);
  return ask_earliest(sample, plan->column, plan->which == EARLIEST_BEHIND_MIDNIGHT);
}

/* One row, by its time; perhaps only from a day on, or up to it. */
static bool write_pinned(const struct plan *plan, const struct ask_sources *sources,
                         struct text *out) {
  const struct reading *sample = &sources->readings[plan->sample];
  int64_t row = row_of(plan, sample);
  char day[NUM_DATE_SIZE], history[32];
  if (row < 0)
    return false;
  const char *time = reading_string(sample, row, plan->column);
  day_of(time, plan->later, day);
  begin(out, plan->select, ASK_ROWS);
  if (plan->bound == HISTORY) {
    snprintf(history, sizeof history, "since:%.10s", day);
    add(out, "history", history);
  }
  const struct condition conditions[] = {
      {plan->column, "gte", time},
      {plan->column, "lte", time},
      {plan->column, plan->bound == TO_DAY ? "lte" : "gte", day}};
  return add_where(out, conditions, plan->bound >= FROM_DAY ? 3 : 2);
}

static char flip(char c) {
  return num_is_alpha(c) ? (char)(c ^ ('a' ^ 'A')) : c;
}

/* One row, by its page and an operator on its anchor. */
static bool write_lettered(const struct plan *plan, const struct ask_sources *sources,
                           struct text *out) {
  const struct reading *sample = &sources->readings[ASK_SAMPLE];
  int64_t row = ask_lettered(sample);
  char anchor[MOST_ANCHOR + 1];
  if (row < 0)
    return false;
  snprintf(anchor, sizeof anchor, "%s", reading_string(sample, row, "anchor"));
  for (char *c = anchor; *c && plan->is_flipped; c++)
    *c = flip(*c);
  begin(out, "anchor,url_from", ASK_ROWS);
  const struct condition conditions[] = {
      {"url_from", "eq", reading_string(sample, row, "url_from")}, {"anchor", plan->op, anchor}};
  return add_where(out, conditions, 2);
}

#define LOST(which_, bound_, later_)                                                \
  {                                                                                 \
    write_pinned, .sample = ASK_LOST, .column = "last_seen", .select = "last_seen", \
                  .which = (which_), .bound = (bound_), .later = (later_)           \
  }
#define FOUND(which_, bound_, later_)                                                             \
  {                                                                                               \
    write_pinned, .sample = ASK_SAMPLE, .column = "first_seen_link", .select = "first_seen_link", \
                  .which = (which_), .bound = (bound_), .later = (later_)                         \
  }
#define ORDER(select_, order_) \
  { write_order, .select = (select_), .order = (order_) }
#define LETTERS(op_, flipped) \
  { write_lettered, .op = (op_), .is_flipped = (flipped) }

static const struct plan plans[ASKS] = {
    [ASK_CANARY] = {write_nowhere, .select = "url_from", .op = "neq", .rows = 1},
    [ASK_COLUMNS] = {write_one, .select = "__probe__"},
    [ASK_SAMPLE] = {write_sample},
    [ASK_PAGE] = {write_page},
    [ASK_LOST] = {write_filter, .select = "last_seen", .column = "last_seen", .op = "gte",
                  .value = LONG_AGO},
    [ASK_EMPTY] = {write_nowhere, .select = "url_from", .op = "eq", .rows = ASK_ROWS},
    [ASK_SINCE_CONTROL] = LOST(LATEST, NOT_AT_ALL, 0),
    [ASK_SINCE_EARLY] = LOST(EARLIEST, HISTORY, 0),
    [ASK_SINCE_LATE] = LOST(LATEST, HISTORY, 0),
    [ASK_SINCE_NEXT] = LOST(LATEST, HISTORY, 1),
    [ASK_DAY_CONTROL] = FOUND(EARLIEST, NOT_AT_ALL, 0),
    [ASK_DAY_FROM] = FOUND(EARLIEST, FROM_DAY, 0),
    [ASK_DAY_BEFORE] = FOUND(LATEST, FROM_DAY, 1),
    [ASK_DAY_TO] = FOUND(EARLIEST_BEHIND_MIDNIGHT, TO_DAY, 0),
    [ASK_NULLS_UP] = ORDER("last_seen", "last_seen:asc"),
    [ASK_NULLS_DOWN] = ORDER("last_seen", "last_seen:desc"),
    [ASK_SECOND_UP] = ORDER("is_nofollow,first_seen_link", "is_nofollow:asc,first_seen_link:asc"),
    [ASK_SECOND_DOWN] =
        ORDER("is_nofollow,first_seen_link", "is_nofollow:asc,first_seen_link:desc"),
    [ASK_TIES] = ORDER("is_nofollow,url_from", "is_nofollow:asc"),
    [ASK_TIES_AGAIN] = ORDER("is_nofollow,url_from,url_to", "is_nofollow:asc"),
    [ASK_CASE_CONTROL] = LETTERS("substring", false),
    [ASK_EQ] = LETTERS("eq", true),
    [ASK_SUBSTRING] = LETTERS("substring", true),
    [ASK_ISUBSTRING] = LETTERS("isubstring", true),
    [ASK_PHRASE_CONTROL] = LETTERS("phrase_match", false),
    [ASK_PHRASE] = LETTERS("phrase_match", true),
};

bool ask_write(enum ask ask, const struct ask_sources *sources, struct text *out) {
  return plans[ask].write(&plans[ask], sources, out) && text_ok(out);
}

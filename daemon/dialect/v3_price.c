#include "dialect/v3_price.h"

#include "query/call.h"
#include "translate/translate.h"

#define COLUMNS_MOST 256
#define FREE_ROWS 100

/* The columns that a call names. */
struct named {
  const struct endpoint *endpoint;
  bool columns[COLUMNS_MOST]; /* those of the endpoint */
  int64_t unknown;            /* names of none, and texts that may hold one */
};

static void name_column(void *context, struct view name) {
  struct named *named = context;
  const struct endpoint_column *column = endpoint_column(named->endpoint, name);
  if (column)
    named->columns[column - named->endpoint->columns] = true;
  else
    named->unknown++;
}

static void name_all(struct named *named) {
  for (size_t i = 0; i < named->endpoint->column_count; i++)
    named->columns[i] = named->columns[i] || named->endpoint->columns[i].selectable;
  named->unknown++;
}

/* A name may be hidden behind escapes of JSON. */
static void name_text(struct named *named, struct view text) {
  bool has_escapes = text.length && memchr(text.at, '\\', text.length);
  for (size_t i = 0; i < named->endpoint->column_count; i++) {
    struct view name = named->endpoint->columns[i].name;
    bool may_be_there = has_escapes || memmem(text.at, text.length, name.at, name.length);
    named->columns[i] = named->columns[i] || may_be_there;
  }
  named->unknown++;
}

static void name_list(struct named *named, const struct columns *list) {
  for (size_t i = 0; i < list->count; i++)
    name_column(named, list->items[i].name);
}

static void find_names(const struct call *call, struct named *named) {
  struct view where = call_value(call, "where");
  if (call->select.parsed)
    name_list(named, &call->select);
  else
    name_all(named); /* upstream's own choice, or a text such as `*` */
  if (call->order.parsed)
    name_list(named, &call->order);
  else if (call->order.present)
    name_text(named, call->order.raw);
  if (call->where)
    filter_each_field(call->where, name_column, named);
  else if (call->has_where)
    name_text(named, where);
}

static int64_t row_cost(const struct named *named) {
  int64_t sum = 0, dearest = 0;
  for (size_t i = 0; i < named->endpoint->column_count; i++) {
    int64_t price = named->endpoint->columns[i].price;
    sum += named->columns[i] ? price : 0;
    dearest = price > dearest ? price : dearest;
  }
  return sum + named->unknown * dearest;
}

int64_t v3_limit(const struct settings *settings, const struct call *call) {
  bool is_capped = settings->max_rows > 0 && call->limit > settings->max_rows;
  return is_capped ? settings->max_rows : call->limit;
}

static struct tariff price_rows(const struct settings *settings, const struct call *call) {
  struct named named = {.endpoint = call->endpoint};
  int64_t limit = v3_limit(settings, call);
  int64_t most = settings->max_rows > 0 ? settings->max_rows : QUERY_LIMIT_MAX;
  CHECK(call->endpoint->column_count <= COLUMNS_MOST);
  find_names(call, &named);
  return (struct tariff){.fixed = amount_zero(CURRENCY_UNITS),
                         .result = amount_of_units(UNITS(row_cost(&named))),
                         .least = amount_of_units(V3_LEAST),
                         .limit = limit < 0 ? most : limit,
                         .estimated = named.unknown > 0};
}

static struct tariff price_other(const struct settings *settings) {
  return (struct tariff){.fixed = amount_of_units(settings->tariff_other_units),
                         .result = amount_zero(CURRENCY_UNITS),
                         .least = amount_zero(CURRENCY_UNITS),
                         .may_be_free = true,
                         .limit = QUERY_LIMIT_MAX,
                         .estimated = true};
}

static struct tariff price_pages(const struct settings *settings, const struct query *query) {
  struct fault fault;
  if (!translate_check(query, &fault))
    return price_other(settings);
  struct translate_price price = translate_price(query);
  return (struct tariff){.fixed = amount_zero(CURRENCY_UNITS),
                         .result = amount_of_units(UNITS(price.row_cost)),
                         .least = amount_of_units(V3_LEAST),
                         .limit = price.rows,
                         .estimated = true};
}

/* Ahrefs' own sites are free, up to a limit (v3's reference, "Price"). They are priced like all
 * others: only the answer says what was charged. */
static bool may_be_free(const struct question *question, const struct tariff *tariff) {
  static const struct view sites[] = {VIEW("ahrefs.com"), VIEW("yep.com"), VIEW("firehose.com")};
  for (size_t i = 0; tariff->limit <= FREE_ROWS && i < sizeof sites / sizeof *sites; i++)
    if (view_equal(question->host, sites[i]))
      return true;
  return false;
}

static struct tariff price_known(const struct settings *settings, const struct question *question) {
  struct tariff tariff = question->kind == QUESTION_CALL ? price_rows(settings, question->call)
                                                         : price_pages(settings, question->query);
  tariff.may_be_free = tariff.may_be_free || may_be_free(question, &tariff);
  return tariff;
}

struct tariff v3_price(const struct settings *settings, const struct question *question) {
  bool is_call = question->kind == QUESTION_CALL && question->call->endpoint;
  if (is_call || (question->kind == QUESTION_RESULTS && question->query))
    return price_known(settings, question);
  if (question->kind != QUESTION_SUBSCRIPTION)
    return price_other(settings);
  struct amount nothing = amount_zero(CURRENCY_UNITS);
  return (struct tariff){
      .fixed = nothing, .result = nothing, .least = nothing, .limit = QUERY_LIMIT_MAX};
}

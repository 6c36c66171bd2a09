#include "translate/asking.h"

#include "base/num.h"
#include "query/form.h"
#include "translate/compare.h"
#include "translate/filters.h"
#include "translate/scalar.h"

#include <inttypes.h>

/* `history=since:D` is what is live and what was lost since D, whenever it was found. If D itself
 * is included is not known, nor whose day it is: two days before the window, all of it is there in
 * every time zone. `where` cuts off the rest, so it costs nothing. (Links that were found and lost
 * in the window are missing without it: so it is asked for new links, too.) */
#define HISTORY_DAYS 2

static void put(struct text *args, const char *name, struct view value) {
  if (args->length)
    text_add_char(args, '&');
  text_add(args, view_of(name));
  text_add_char(args, '=');
  form_encode(args, value);
}

static void put_text(struct text *args, const char *name, const struct text *value) {
  put(args, name, text_view(value));
  args->failed = args->failed || !text_ok(value);
}

/* v2's and v3's name of a mode. */
static struct view mode_name(enum query_mode mode) {
  static const struct view names[QUERY_MODE_UNKNOWN] = {
      [QUERY_EXACT] = VIEW("exact"),
      [QUERY_DOMAIN] = VIEW("domain"),
      [QUERY_SUBDOMAINS] = VIEW("subdomains"),
      [QUERY_PREFIX] = VIEW("prefix"),
  };
  CHECK(mode < QUERY_MODE_UNKNOWN);
  return names[mode];
}

/* --- where --- */

/* Whole times, as it is not known if a day alone is its midnight. */
static void put_days(struct text *out, const struct window *window, enum change change) {
  enum mapping_source time = mapping_of(SCHEMA_date)->from[change];
  bool is_bounded = window->to < NUM_LAST_DAY;
  if (is_bounded)
    text_add(out, VIEW("{\"and\":["));
  compare_write_scalar(out, time, "gte", window->from * SCALAR_DAY);
  if (is_bounded) {
    text_add_char(out, ',');
    compare_write_scalar(out, time, "lt", (window->to + 1) * SCALAR_DAY);
    text_add(out, VIEW("]}"));
  }
}

static void put_window(struct text *out, const struct window *window, unsigned changes) {
  if (changes == CHANGES_BOTH)
    text_add(out, VIEW("{\"or\":["));
  if (changes & 1u << CHANGE_NEW)
    put_days(out, window, CHANGE_NEW);
  if (changes == CHANGES_BOTH)
    text_add_char(out, ',');
  if (changes & 1u << CHANGE_LOST)
    put_days(out, window, CHANGE_LOST);
  if (changes == CHANGES_BOTH)
    text_add(out, VIEW("]}"));
}

/* The filters behind the window, each with a comma in front. */
static void put_filters(struct text *out, const struct query *query, const struct pages *pages) {
  const struct stream *stream = pages->stream;
  filters_write(query, out);
  for (size_t i = 0; i < stream->narrowed_count; i++) {
    text_add_char(out, ',');
    text_add(out, view_of(stream->narrowed[i]));
  }
  pages_filter(pages, out);
}

static void write_where(const struct query *query, const struct window *window,
                        const struct pages *pages, struct text *where) {
  scope_text struct text filters = {0};
  put_filters(&filters, query, pages);
  if (filters.length)
    text_add(where, VIEW("{\"and\":["));
  put_window(where, window, pages->stream->changes);
  text_add(where, text_view(&filters));
  if (filters.length)
    text_add(where, VIEW("]}"));
  where->failed = where->failed || !text_ok(&filters);
}

/* --- the rest --- */

static void write_select(uint32_t sources, struct text *select) {
  for (int i = 0; i < MAPPING_SOURCES; i++)
    if (sources >> i & 1) {
      if (select->length)
        text_add_char(select, ',');
      text_add(select, mapping_name((enum mapping_source)i));
    }
}

static void put_history(struct text *args, const struct window *window) {
  char date[NUM_DATE_SIZE];
  scope_text struct text history = {0};
  num_print_date(window->from - HISTORY_DAYS, date);
  text_printf(&history, "since:%s", date);
  put_text(args, "history", &history);
}

static void put_limit(struct text *args, int64_t limit) {
  scope_text struct text digits = {0};
  text_printf(&digits, "%" PRId64, limit);
  put_text(args, "limit", &digits);
}

bool asking_write(const struct query *query, const struct window *window, const struct pages *pages,
                  int64_t limit, struct query **page, struct fault *fault) {
  scope_text struct text args = {0}, select = {0}, where = {0}, order = {0};
  write_select(pages_sources(pages), &select);
  write_where(query, window, pages, &where);
  pages_order(pages, &order);
  put(&args, "aggregation", VIEW("all"));
  put_history(&args, window);
  put_limit(&args, limit);
  put(&args, "mode", mode_name(query_mode(query)));
  put_text(&args, "order_by", &order);
  put_text(&args, "select", &select);
  put(&args, "target", query_target_text(query));
  put_text(&args, "where", &where);
  if (!text_ok(&args))
    return fault_no_memory(fault);
  return query_parse_call(mapping_endpoint()->path, text_view(&args), query_token(query), page,
                          fault);
}

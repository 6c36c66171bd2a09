#include "ctl/tally.h"

#include "base/visible.h"

#include <inttypes.h>

void tally_add(struct tally *tally, const struct tally_query *query) {
  bool failed = query->outcome == OUTCOME_ERROR;
  bool is_hit = !failed && outcome_is_hit(query->outcome);
  tally->asked++;
  tally->hits += is_hit;
  tally->failed += failed;
  tally->misses += !failed && !is_hit;
  tally->unknown += !query->has_spent || !query->is_exact;
  if (query->has_spent)
    tally->spent = amount_add(tally->spent, query->spent);
}

struct amount tally_left(const struct tally *tally) {
  CHECK(tally->has_limit);
  struct amount left = amount_subtract(tally->limit, tally->spent);
  return amount_is_negative(left) ? amount_zero(left.currency) : left;
}

static void show_cost(const struct tally_query *query, struct text *out) {
  if (query->has_spent)
    text_printf(out, ", %s%s %s", query->is_exact ? "" : "at most ", AMOUNT_TEXT(query->spent),
                currency_words[query->spent.currency]);
  else
    text_add(out, VIEW(", at an unknown cost"));
}

void tally_show(const struct tally *tally, const struct tally_query *query, struct text *out) {
  text_printf(out, "line %" PRId64 ": %s", query->line, outcome_word(query->outcome));
  if (query->status && query->status != 200)
    text_printf(out, " %ld", query->status);
  if (!query->has_spent || !amount_is_zero(query->spent) || query->outcome != OUTCOME_ERROR)
    show_cost(query, out);
  if (tally->has_limit)
    text_printf(out, "; %s left", AMOUNT_TEXT(tally_left(tally)));
  if (query->error.length) {
    text_add(out, VIEW(": "));
    visible_add(out, query->error);
  }
  text_add_char(out, '\n');
}

void tally_write_query(const struct tally_query *query, struct json *json) {
  json_map(json, NULL);
  json_integer(json, "line", query->line);
  json_text(json, "outcome", view_of(outcome_word(query->outcome)));
  if (query->status)
    json_integer(json, "status", query->status);
  else
    json_null(json, "status");
  if (query->has_spent)
    json_amount(json, "spent", query->spent);
  else
    json_null(json, "spent");
  json_bool(json, "known", query->has_spent && query->is_exact);
  if (query->error.length)
    json_text(json, "error", query->error);
  else
    json_null(json, "error");
  json_map_end(json);
}

void tally_write(const struct tally *tally, struct json *json) {
  json_integer(json, "asked", tally->asked);
  json_integer(json, "hits", tally->hits);
  json_integer(json, "misses", tally->misses);
  json_integer(json, "failed", tally->failed);
  json_text(json, "currency", view_of(currency_words[tally->spent.currency]));
  json_amount(json, "spent", tally->spent);
  json_integer(json, "unknown", tally->unknown);
  if (!tally->has_limit) {
    json_null(json, "limit");
    json_null(json, "left");
    return;
  }
  json_amount(json, "limit", tally->limit);
  json_amount(json, "left", tally_left(tally));
}

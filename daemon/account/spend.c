#include "account/account.h"

#include "base/num.h"

/* By enum report_by: the word for by=, also the name of the label's member; the name of the list. */
static const struct {
  const char *word, *list;
} groups[] = {
    [REPORT_BY_TOKEN] = {"token", "tokens"},
    [REPORT_BY_TARGET] = {"target", "targets"},
    [REPORT_BY_DAY] = {"day", "days"},
};
#define GROUPS (sizeof groups / sizeof *groups)

static bool read_group(struct view word, enum report_by *by, struct fault *fault) {
  for (size_t i = 0; i < GROUPS; i++)
    if (view_is(word, groups[i].word)) {
      *by = (enum report_by)i;
      return true;
    }
  return fault_set(fault, FAULT_MALFORMED, "'by' is token, target or day");
}

static bool read_day(const char *name, struct view date, int32_t *day, struct fault *fault) {
  return num_date(date, day) ||
         fault_set(fault, FAULT_MALFORMED, "'%s' is no date; write YYYY-MM-DD", name);
}

bool account_read_period(const struct form *form, struct report_period *out, struct fault *fault) {
  const struct view *by = form_get(form, "by"), *since = form_get(form, "since"),
                    *until = form_get(form, "until");
  *out = REPORT_FOREVER(REPORT_BY_TOKEN);
  if ((by && !read_group(*by, &out->by, fault)) ||
      (since && !read_day("since", *since, &out->since, fault)) ||
      (until && !read_day("until", *until, &out->until, fault)))
    return false;
  return out->since <= out->until ||
         fault_set(fault, FAULT_MALFORMED, "'since' is later than 'until'");
}

struct writer {
  struct json json;
  enum report_by by;
};

static void write_sums(struct json *json, const struct report_row *row) {
  json_integer(json, "requests", row->requests);
  json_integer(json, "hits", row->hits);
  json_integer(json, "misses", row->misses);
  json_integer(json, "errors", row->errors);
  json_integer(json, "results", row->results);
  for (enum currency currency = 0; currency < CURRENCIES; currency++) {
    const struct report_money *money = &row->money[currency];
    json_amount_in(json, currency, "spent", money->spent);
    json_amount_in(json, currency, "unknown", money->unknown);
    json_amount_in(json, currency, "saved", money->saved);
  }
}

static void write_row(void *context, const struct report_row *row) {
  struct writer *writer = context;
  json_map(&writer->json, NULL);
  json_text(&writer->json, groups[writer->by].word, row->label);
  write_sums(&writer->json, row);
  if (writer->by == REPORT_BY_TOKEN)
    account_write_budget(&writer->json, "budget", &row->account);
  json_map_end(&writer->json);
}

bool account_spend(const struct account_call *call, struct text *out, struct fault *fault) {
  struct report_period period;
  struct report_row total;
  if (!account_read_period(call->form, &period, fault))
    return false;
  struct writer writer = {.by = period.by};
  json_begin(&writer.json, out);
  json_map(&writer.json, NULL);
  json_list(&writer.json, groups[period.by].list);
  bool ok = report_run(call->ledger, &period, write_row, &writer, &total, fault);
  json_list_end(&writer.json);
  if (ok) {
    json_map(&writer.json, "total");
    write_sums(&writer.json, &total);
    json_map_end(&writer.json);
  }
  json_text(&writer.json, "currency", view_of(currency_words[call->currency]));
  json_map_end(&writer.json);
  return json_end(&writer.json, ok ? fault : NULL) && ok;
}

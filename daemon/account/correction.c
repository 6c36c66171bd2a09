/* Corrections: made with a reason, and listed. */
#include "account/account.h"

#include "base/clock.h"
#include "base/num.h"
#include "ledger/correction.h"

/* --- making one --- */

static bool read_amount(const struct account_call *call, const char *name, struct amount *amount,
                        struct fault *fault) {
  static const char *const forms[CURRENCIES] = {"number of rows, such as -189.0 or 12",
                                                "whole number of units, such as -189 or 12"};
  const struct view *text = form_get(call->form, name);
  *amount = amount_zero(call->currency);
  return !text || amount_parse_signed(*text, call->currency, amount) ||
         fault_set(fault, FAULT_MALFORMED, "'%s' is a %s", name, forms[call->currency]);
}

static bool read_day(const struct form *form, int32_t *day, struct fault *fault) {
  const struct view *date = form_get(form, "day");
  *day = report_day(clock_milliseconds());
  return !date || num_date(*date, day) ||
         fault_set(fault, FAULT_MALFORMED, "'day' is no date; write YYYY-MM-DD");
}

static bool read_correction(const struct account_call *call, struct ledger_correction *correction,
                            struct fault *fault) {
  const struct form *form = call->form;
  const struct view *token = form_get(form, "token"), *reason = form_get(form, "reason");
  *correction = (struct ledger_correction){.reason = reason ? *reason : VIEW("")};
  if (!token)
    return fault_set(fault, FAULT_MALFORMED, "'token' is missing");
  correction->token = *token;
  return read_amount(call, "spent", &correction->spent, fault) &&
         read_amount(call, "unknown", &correction->unknown, fault) &&
         read_day(form, &correction->day, fault);
}

static void write_amounts(struct json *json, const struct ledger_correction *correction) {
  char day[NUM_DATE_SIZE];
  num_print_date(correction->day, day);
  json_text(json, "day", view_of(day));
  json_text(json, "token", correction->token);
  for (enum currency currency = 0; currency < CURRENCIES; currency++) {
    json_amount_in(json, currency, "spent", correction->spent);
    json_amount_in(json, currency, "unknown", correction->unknown);
  }
  json_text(json, "reason", correction->reason);
  json_text(json, "currency", view_of(currency_words[correction->spent.currency]));
}

bool account_correct(const struct account_call *call, struct text *out, struct fault *fault) {
  struct ledger_correction correction;
  struct json json;
  if (!read_correction(call, &correction, fault) ||
      !ledger_correct(call->ledger, &correction, fault))
    return false;
  json_begin(&json, out);
  json_map(&json, NULL);
  write_amounts(&json, &correction);
  json_map_end(&json);
  return json_end(&json, fault);
}

/* --- the list --- */

static void write_correction(void *context, const struct ledger_correction *correction,
                             int64_t at) {
  struct json *json = context;
  json_map(json, NULL);
  json_integer(json, "at", at / 1000);
  write_amounts(json, correction);
  json_map_end(json);
}

bool account_corrections(const struct account_call *call, struct text *out, struct fault *fault) {
  struct report_period period;
  struct json json;
  if (!account_read_period(call->form, &period, fault))
    return false;
  json_begin(&json, out);
  json_map(&json, NULL);
  json_list(&json, "corrections");
  bool ok =
      ledger_corrections(call->ledger, period.since, period.until, write_correction, &json, fault);
  json_list_end(&json);
  json_text(&json, "currency", view_of(currency_words[call->currency]));
  json_map_end(&json);
  return json_end(&json, ok ? fault : NULL) && ok;
}

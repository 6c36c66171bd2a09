/* `correction`: adds entries to the account by hand, and lists them. */
#include "ctl/amounts.h"
#include "ctl/answer.h"
#include "ctl/ask.h"

static const struct print_column columns[] = {
    {"day", "day", PRINT_TEXT},
    {"token", "token", PRINT_LABEL},
    {"rows_spent", "rows spent", PRINT_ROWS},
    {"rows_unknown", "rows unknown", PRINT_ROWS},
    {"units_spent", "units spent", PRINT_UNITS},
    {"units_unknown", "units unknown", PRINT_UNITS},
    {"reason", "reason", PRINT_TEXT},
};

static void print_corrections(struct text *out, yajl_val answer) {
  amounts_table(out, columns, sizeof columns / sizeof *columns, answer, "corrections");
}

enum ending command_correction_list(const struct command_call *call, struct fault *fault) {
  scope_text struct text form = {0};
  const struct ask ask = {
      .method = "GET", .path = "/api/correction", .form = &form, .function = account_corrections};
  ask_add(&form, "since", call->since);
  ask_add(&form, "until", call->until);
  return ask_show(call, &ask, print_corrections, fault);
}

struct words {
  const char *before, *member;
};

static void add_words(struct text *out, const struct words words[2], yajl_val answer) {
  for (size_t i = 0; i < 2; i++) {
    text_add(out, view_of(words[i].before));
    print_value(out, PRINT_TEXT, answer_get(answer, words[i].member));
  }
}

static void print_corrected(struct text *out, yajl_val answer) {
  static const struct words whose[] = {{"", "token"}, {" on ", "day"}},
                            rows[] = {{": spent ", "rows_spent"}, {", unknown ", "rows_unknown"}},
                            units[] = {{": spent ", "units_spent"},
                                       {", unknown ", "units_unknown"}};
  bool is_units = answer_equals(answer, "currency", "units");
  add_words(out, whose, answer);
  add_words(out, is_units ? units : rows, answer);
  text_add(out, is_units ? VIEW(" units\n") : VIEW("\n"));
}

enum ending command_correction_add(const struct command_call *call, struct fault *fault) {
  scope_text struct text form = {0};
  const struct ask ask = {
      .method = "POST", .path = "/api/correction", .form = &form, .function = account_correct};
  if (!call->reason) {
    fault_set(fault, FAULT_MALFORMED, "a correction needs a reason: --reason TEXT");
    return ENDING_MISUSED;
  }
  ask_add(&form, "token", call->arguments[0]);
  ask_add(&form, "spent", call->spent);
  ask_add(&form, "unknown", call->unknown);
  ask_add(&form, "day", call->day);
  ask_add(&form, "reason", call->reason);
  return ask_show(call, &ask, print_corrected, fault);
}

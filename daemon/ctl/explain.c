#include "base/money.h"
#include "ctl/answer.h"
#include "ctl/argument.h"
#include "ctl/show.h"
#include "query/form.h"

static const struct print_column lines[] = {
    {"outcome", "outcome", PRINT_TEXT},
    {"token", "token", PRINT_TEXT},
    {"status", "status", PRINT_TEXT},
    {"error", "error", PRINT_TEXT},
    {"normal", "query", PRINT_TEXT},
    {"key", "key", PRINT_TEXT},
    {"stored", "stored", PRINT_TEXT},
    {"derived", "derived", PRINT_TEXT},
    {"age", "age", PRINT_DURATION},
    {"freshness", "fresh for", PRINT_DURATION},
    {"source.key", "computed from", PRINT_TEXT},
    {"asked", "asks for", PRINT_TEXT},
    {"whole.normal", "buys first", PRINT_TEXT},
};

#define COST_LINES 3
static const struct print_column cost_lines[CURRENCIES][COST_LINES] = {
    [CURRENCY_ROWS] = {{"least", "least rows", PRINT_NUMBER},
                       {"most", "most rows", PRINT_NUMBER},
                       {"estimated", "estimated", PRINT_TEXT}},
    [CURRENCY_UNITS] = {{"least", "least units", PRINT_NUMBER},
                        {"most", "most units", PRINT_NUMBER},
                        {"estimated", "estimated", PRINT_TEXT}},
};

static const struct print_column candidate_columns[] = {
    {"key", "candidate", PRINT_DIGITS},
    {"age", "age", PRINT_DURATION},
    {"freshness", "fresh for", PRINT_DURATION},
    {"why", "verdict", PRINT_TEXT},
    {"normal", "query", PRINT_TEXT},
};

static void print_explanation(struct text *out, yajl_val answer) {
  yajl_val candidates = answer_get(answer, "candidates");
  enum currency currency =
      answer_equals(answer, "currency", "units") ? CURRENCY_UNITS : CURRENCY_ROWS;
  print_lines(out, lines, sizeof lines / sizeof *lines, answer);
  print_lines(out, cost_lines[currency], COST_LINES, answer);
  if (!YAJL_IS_ARRAY(candidates) || !YAJL_GET_ARRAY(candidates)->len)
    return;
  text_add_char(out, '\n');
  print_table(out, candidate_columns, sizeof candidate_columns / sizeof *candidate_columns,
              candidates, NULL);
}

enum ending command_explain(const struct command_call *call, struct fault *fault) {
  scope_text struct text path = {0};
  struct argument argument;
  bool ok = argument_read(view_of(call->arguments[0]), &argument, fault);
  text_add(&path, VIEW("/api/explain?"));
  argument_add(&argument, &path);
  argument_free(&argument);
  if (!ok)
    return ENDING_MISUSED;
  if (call->token) {
    text_add(&path, VIEW("&token="));
    form_encode_but(&path, view_of(call->token), VIEW(""));
  }
  if (!text_ok(&path)) {
    fault_no_memory(fault);
    return ENDING_FAILED;
  }
  return show_remote(call, "GET", text_string(&path), print_explanation, fault);
}

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
    {"age", "age", PRINT_DURATION},
    {"freshness", "fresh for", PRINT_DURATION},
    {"least", "least rows", PRINT_NUMBER},
    {"most", "most rows", PRINT_NUMBER},
    {"estimated", "estimated", PRINT_TEXT},
};

static void print_explanation(struct text *out, yajl_val answer) {
  print_lines(out, lines, sizeof lines / sizeof *lines, answer);
}

enum ending command_explain(const struct command_call *call, struct fault *fault) {
  scope_text struct text path = {0};
  text_add(&path, VIEW("/api/explain?"));
  argument_clean(view_of(call->arguments[0]), &path);
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

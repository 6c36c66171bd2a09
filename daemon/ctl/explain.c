#include "ctl/answer.h"
#include "ctl/argument.h"
#include "ctl/show.h"

static const struct {
  const char *label, *member;
  enum print_kind kind;
} lines[] = {
    {"outcome", "outcome", PRINT_TEXT},
    {"normal", "normal", PRINT_TEXT},
    {"key", "key", PRINT_TEXT},
    {"stored", "stored", PRINT_TEXT},
    {"age", "age", PRINT_DURATION},
    {"fresh for", "freshness", PRINT_DURATION},
    {"least rows", "least", PRINT_NUMBER},
    {"most rows", "most", PRINT_NUMBER},
    {"estimated", "estimated", PRINT_TEXT},
};

static void print_explanation(struct text *out, yajl_val answer) {
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    print_label(out, lines[i].label);
    print_value(out, lines[i].kind, answer_get(answer, lines[i].member));
    text_add_char(out, '\n');
  }
}

enum ending command_explain(const struct call *call, struct fault *fault) {
  scope_text struct text path = {0};
  text_add(&path, VIEW("/api/explain?"));
  argument_clean(view_of(call->argument), &path);
  if (!text_ok(&path)) {
    fault_no_memory(fault);
    return ENDING_FAILED;
  }
  return show_remote(call, "GET", text_string(&path), print_explanation, fault);
}

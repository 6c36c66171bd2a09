/* `check-upstream`: whether upstream works as configured. */
#include "ctl/answer.h"
#include "ctl/remote.h"
#include "ctl/show.h"

/* Each request may wait for its turn, as the pace of a key also counts what is free. */
#define LONGEST INT64_C(1800) /* seconds */

static const struct print_column columns[] = {
    {"check", "check", PRINT_TEXT},
    {"statement", "statement", PRINT_TEXT},
    {"result", "result", PRINT_TEXT},
    {"detail", "detail", PRINT_TEXT},
};
static const struct print_column lines[] = {
    {"api", "api", PRINT_TEXT},
    {"url", "upstream", PRINT_TEXT},
    {"requests", "requests", PRINT_NUMBER},
};

static void print_checks(struct text *out, yajl_val answer) {
  print_lines(out, lines, sizeof lines / sizeof *lines, answer);
  text_add_char(out, '\n');
  print_table(out, columns, sizeof columns / sizeof *columns, answer_get(answer, "checks"), NULL);
}

static bool is_true(yajl_val value) {
  return value && YAJL_IS_TRUE(value);
}

/* The words of the checks that are required and did not come out well. */
static void add_failures(struct text *out, yajl_val checks) {
  for (size_t i = 0; YAJL_IS_ARRAY(checks) && i < YAJL_GET_ARRAY(checks)->len; i++) {
    yajl_val check = YAJL_GET_ARRAY(checks)->values[i];
    yajl_val result = answer_get(check, "result");
    const char *word = result ? YAJL_GET_STRING(result) : NULL;
    bool is_well = word && strcmp(word, "yes") == 0;
    if (is_well || !is_true(answer_get(check, "required")))
      continue;
    text_add(out, out->length ? VIEW(", ") : VIEW(""));
    print_value(out, PRINT_TEXT, answer_get(check, "check"));
  }
}

static bool works(struct view body, struct fault *fault) {
  scope_text struct text failures = {0};
  yajl_val answer;
  if (!answer_parse(body, &answer, fault))
    return false;
  bool ok = is_true(answer_get(answer, "works"));
  add_failures(&failures, answer_get(answer, "checks"));
  yajl_tree_free(answer);
  return ok || fault_set(fault, FAULT_UPSTREAM, "required, and not found to be so: %s",
                         text_string(&failures));
}

enum ending command_check_upstream(const struct command_call *call, struct fault *fault) {
  const struct remote_request request = {
      .method = "POST", .path = "/api/check-upstream", .timeout = LONGEST};
  struct remote remote;
  enum ending ending = ENDING_FAILED;
  if (remote_ask(call->settings, &request, &remote, fault))
    ending = show_answer(call, text_view(&remote.body), print_checks, fault);
  if (ending == ENDING_GOOD && !works(text_view(&remote.body), fault))
    ending = ENDING_FAILED;
  text_free(&remote.body);
  return ending;
}

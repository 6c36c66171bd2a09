/* `token`: the list, and each change. */
#include "ctl/amounts.h"
#include "ctl/answer.h"
#include "ctl/ask.h"

#include "base/token_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MOST (TOKEN_TEXT_MOST + 76) /* bytes of a typed line: more than a token */

/* --- the list --- */

static const struct print_column columns[] = {
    {"token", "token", PRINT_LABEL},
    {"fingerprint", "digits", PRINT_TEXT},
    {"kind", "kind", PRINT_TEXT},
    {"revoked", "revoked", PRINT_TEXT},
    {"no_cache", "no-cache", PRINT_TEXT},
    {"last_used", "last used", PRINT_TEXT},
    {"budget.rows", "rows budget", PRINT_ROWS},
    {"budget.units", "units budget", PRINT_UNITS},
    {"budget.per", "per", PRINT_TEXT},
    {"budget.spent", "spent", PRINT_NUMBER},
    {"budget.reserved", "reserved", PRINT_NUMBER},
    {"budget.left", "left", PRINT_NUMBER},
    {"budget.warning", "warning", PRINT_TEXT},
    {"budget.begins_anew", "begins anew", PRINT_TEXT},
};

static void print_tokens(struct text *out, yajl_val answer) {
  amounts_table(out, columns, sizeof columns / sizeof *columns, answer, "tokens");
}

enum ending command_token_list(const struct command_call *call, struct fault *fault) {
  const struct text no_form = {0};
  const struct ask ask = {
      .method = "GET", .path = "/api/token", .form = &no_form, .function = account_tokens};
  return ask_show(call, &ask, print_tokens, fault);
}

/* --- changes --- */

/* A new token is alone on its line, so that a script can read it; it is printed only once. */
static void print_changed(struct text *out, yajl_val answer) {
  yajl_val token = answer_get(answer, "token");
  print_value(out, PRINT_TEXT, token ? token : answer_get(answer, "name"));
  text_add(out, token ? VIEW("\n") : VIEW(": done\n"));
}

/* The action is the last word of the command. */
static struct view action_of(const struct command *command) {
  struct view words = view_of(command->words), word = {0};
  while (view_split(&words, ' ', &word))
    ;
  return word;
}

/* The parameter that the second argument is sent as; NULL where there is none. */
static const char *second_of(struct view action) {
  static const struct {
    const char *action, *parameter;
  } seconds[] = {
#define TOKEN_ACTION(word, command, second, parameters, options, usage, help) {#word, second},
#include "tables/token_actions.def"
#undef TOKEN_ACTION
  };
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    if (view_is(action, seconds[i].action))
      return seconds[i].parameter;
  return NULL;
}

/* `form` may hold parameters already, and `is_secret` because of them. */
static enum ending change(const struct command_call *call, struct text *form, bool is_secret,
                          struct fault *fault) {
  const struct ask ask = {.method = "POST",
                          .path = "/api/token/",
                          .rest = action_of(call->command),
                          .form = form,
                          .is_secret = is_secret,
                          .function = account_token};
  ask_add(form, "name", call->arguments[0]);
  ask_add(form, second_of(ask.rest), call->arguments[1]);
  ask_add(form, "budget", call->budget);
  ask_add(form, "per", call->per);
  return ask_show(call, &ask, print_changed, fault);
}

enum ending command_token_change(const struct command_call *call, struct fault *fault) {
  scope_text struct text form = {0};
  return change(call, &form, false, fault);
}

/* --- registering --- */

/* Hides a token that is typed. ^C and its like become bytes: they end the line and make the token
 * invalid, so that the terminal never stays in this state. False: nothing must be restored. */
static bool hide_typing(struct termios *before) {
  struct termios hidden;
  if (tcgetattr(STDIN_FILENO, before) != 0)
    return false;
  hidden = *before;
  hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
  hidden.c_cc[VEOL] = before->c_cc[VINTR];
  if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
    return false;
  fputs("Ahrefs token: ", stderr);
  return true;
}

/* Reads up to ^C, too, where fgets() would wait for the end of the line. */
static bool read_typed(char line[LINE_MOST]) {
  ssize_t length = read(STDIN_FILENO, line, LINE_MOST - 1);
  line[length > 0 ? length : 0] = '\0';
  return length > 0;
}

static bool read_line(char line[LINE_MOST], struct fault *fault) {
  struct termios before;
  bool hidden = isatty(STDIN_FILENO) && hide_typing(&before);
  bool ok = hidden ? read_typed(line) : fgets(line, LINE_MOST, stdin) != NULL;
  if (hidden) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
  }
  line[ok ? strcspn(line, "\r\n") : 0] = '\0';
  return *line || fault_set(fault, FAULT_MALFORMED,
                            "no token came; write it to standard input, as one line");
}

enum ending command_token_register(const struct command_call *call, struct fault *fault) {
  scope_text struct text form = {0};
  char token[LINE_MOST] = "";
  enum ending ending = ENDING_FAILED;
  if (read_line(token, fault)) {
    ask_add(&form, "token", token);
    ending = change(call, &form, true, fault);
  }
  explicit_bzero(token, sizeof token);
  if (form.at)
    explicit_bzero(form.at, form.length);
  return ending;
}

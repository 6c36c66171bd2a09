/* `token`: the list, and each change. */
#include "ctl/account.h"
#include "ctl/answer.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MOST 1100 /* a token and a line's end, and more than that */

/* --- the list --- */

static const struct print_column columns[] = {
    {"token", "token", PRINT_LABEL},
    {"fingerprint", "digits", PRINT_TEXT},
    {"kind", "kind", PRINT_TEXT},
    {"revoked", "revoked", PRINT_TEXT},
    {"no_cache", "no-cache", PRINT_TEXT},
    {"last_used", "last used", PRINT_TEXT},
    {"budget.rows", "budget", PRINT_NUMBER},
    {"budget.per", "per", PRINT_TEXT},
    {"budget.spent", "spent", PRINT_NUMBER},
    {"budget.reserved", "reserved", PRINT_NUMBER},
    {"budget.left", "left", PRINT_NUMBER},
    {"budget.warning", "warning", PRINT_TEXT},
    {"budget.begins_anew", "begins anew", PRINT_TEXT},
};

static void print_tokens(struct text *out, yajl_val answer) {
  print_table(out, columns, sizeof columns / sizeof *columns, answer_get(answer, "tokens"), NULL);
}

enum ending command_token_list(const struct call *call, struct fault *fault) {
  const struct text no_form = {0};
  const struct account_ask ask = {
      .method = "GET", .path = "/api/token", .form = &no_form, .function = account_tokens};
  return account_show(call, &ask, print_tokens, fault);
}

/* --- changes --- */

/* The token alone, so that a script can take it; this is the only time that it is told. */
static void print_made(struct text *out, yajl_val answer) {
  print_value(out, PRINT_TEXT, answer_get(answer, "token"));
  text_add_char(out, '\n');
}

static void print_done(struct text *out, yajl_val answer) {
  print_value(out, PRINT_TEXT, answer_get(answer, "name"));
  text_add(out, VIEW(": done\n"));
}

static const struct account_ask change = {
    .method = "POST", .path = "/api/token/", .function = account_token};

static enum ending ask_change(const struct call *call, const char *action, struct text *form,
                              show_print *print, struct fault *fault) {
  struct account_ask ask = change;
  ask.rest = view_of(action);
  ask.form = form;
  return account_show(call, &ask, print, fault);
}

/* Begins a form with the command's first argument. */
static void add_name(const struct call *call, struct text *form) {
  account_add(form, "name", call->arguments[0]);
}

static void add_budget(const struct call *call, struct text *form) {
  account_add(form, "budget", call->budget);
  account_add(form, "per", call->per);
}

enum ending command_token_add(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  add_budget(call, &form);
  return ask_change(call, "add", &form, print_made, fault);
}

enum ending command_token_rotate(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  return ask_change(call, "rotate", &form, print_made, fault);
}

enum ending command_token_revoke(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  return ask_change(call, "revoke", &form, print_done, fault);
}

enum ending command_token_rename(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  account_add(&form, "new", call->arguments[1]);
  return ask_change(call, "rename", &form, print_done, fault);
}

enum ending command_token_budget(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  account_add(&form, "rows", call->arguments[1]);
  account_add(&form, "per", call->per);
  return ask_change(call, "budget", &form, print_done, fault);
}

enum ending command_token_allow(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  account_add(&form, "right", call->arguments[1]);
  return ask_change(call, "allow", &form, print_done, fault);
}

enum ending command_token_deny(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  add_name(call, &form);
  account_add(&form, "right", call->arguments[1]);
  return ask_change(call, "deny", &form, print_done, fault);
}

/* --- registering --- */

/* Typed by hand, it does not stay on the screen. False: it was none, and nothing is to be undone.
 */
static bool hide_typing(struct termios *before) {
  struct termios hidden;
  if (tcgetattr(STDIN_FILENO, before) != 0)
    return false;
  hidden = *before;
  hidden.c_lflag &= ~(tcflag_t)ECHO;
  fputs("Ahrefs token: ", stderr);
  return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
}

static bool read_line(char line[LINE_MOST], struct fault *fault) {
  struct termios before;
  bool hidden = isatty(STDIN_FILENO) && hide_typing(&before);
  bool ok = fgets(line, LINE_MOST, stdin) != NULL;
  if (hidden) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
  }
  line[ok ? strcspn(line, "\r\n") : 0] = '\0';
  return *line || fault_set(fault, FAULT_MALFORMED,
                            "no token came; write it to standard input, as one line");
}

enum ending command_token_register(const struct call *call, struct fault *fault) {
  scope_text struct text form = {0};
  char token[LINE_MOST] = "";
  enum ending ending = ENDING_FAILED;
  if (read_line(token, fault)) {
    add_name(call, &form);
    add_budget(call, &form);
    account_add(&form, "token", token);
    ending = ask_change(call, "register", &form, print_done, fault);
  }
  explicit_bzero(token, sizeof token);
  if (form.at)
    explicit_bzero(form.at, form.length);
  return ending;
}

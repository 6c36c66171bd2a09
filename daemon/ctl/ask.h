/* Asks the running daemon about the account, or the state directory if none runs.
 *
 * The daemon comes first: it has counted hits that it has not written yet. The lock of the state
 * directory tells whether one runs (ctl/link.h). */
#pragma once

#include "account/account.h"
#include "ctl/command.h"
#include "ctl/show.h"

struct ask {
  const char *method, *path;  /* of the daemon's route, without `rest` */
  struct view rest;           /* the rest of the path */
  const struct text *form;    /* the parameters, encoded */
  bool is_secret;             /* the parameters hold a token */
  account_function *function; /* answers from the state directory */
};

/* Appends a parameter to `form`; does nothing if `value` is NULL. */
void ask_add(struct text *form, const char *name, const char *value);

/* Asks, and prints the answer: as JSON with --json, else by `print`. Blocks. */
enum ending ask_show(const struct command_call *call, const struct ask *ask, show_print *print,
                     struct fault *fault);

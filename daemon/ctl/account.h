/* Questions about the account: to the running daemon, which has counted hits that it has not
 * written yet; where none runs, to the state directory. The directory's lock says which
 * (ctl/remote.h). */
#pragma once

#include "account/account.h"
#include "ctl/command.h"
#include "ctl/show.h"

struct account_ask {
  const char *method, *path;  /* of the daemon's route; without `rest` */
  struct view rest;           /* what follows the path */
  const struct text *form;    /* the parameters, encoded */
  bool is_secret;             /* the parameters hold a token */
  account_function *function; /* what answers from the state directory */
};

/* Appends a parameter; `value` NULL: none. */
void account_add(struct text *form, const char *name, const char *value);

/* Asks, and prints the answer: as JSON with --json, else by `print`. What changes something locks
 * the state directory and makes it where it is missing. Blocks. */
enum ending account_show(const struct call *call, const struct account_ask *ask, show_print *print,
                         struct fault *fault);

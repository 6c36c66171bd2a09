#include "ctl/account.h"

#include "base/scope.h"
#include "base/visible.h"
#include "ctl/remote.h"
#include "db/directory.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void account_add(struct text *form, const char *name, const char *value) {
  if (!value)
    return;
  text_printf(form, "%s%s=", form->length ? "&" : "", name);
  form_encode(form, view_of(value));
}

static bool is_reading(const struct account_ask *ask) {
  return strcmp(ask->method, "GET") == 0;
}

/* --- the daemon --- */

static bool ask_daemon(const struct call *call, const struct account_ask *ask,
                       struct remote *remote, struct fault *fault) {
  scope_text struct text path = {0};
  bool in_path = is_reading(ask) && ask->form->length;
  text_printf(&path, "%s%.*s%s%s", ask->path, VIEW_ARGS(ask->rest), in_path ? "?" : "",
              in_path ? text_string(ask->form) : "");
  if (!text_ok(&path) || !text_ok(ask->form))
    return fault_no_memory(fault);
  const struct remote_request request = {.method = ask->method,
                                         .path = text_string(&path),
                                         .form = is_reading(ask) ? NULL : text_string(ask->form),
                                         .is_secret = ask->is_secret};
  return remote_ask(call->settings, &request, remote, fault);
}

/* --- the state directory --- */

/* What root makes there must not be root's: the daemon is somebody else. */
static bool become_owner(const char *directory, struct fault *fault) {
  struct stat status;
  if (geteuid() != 0 || !directory_stat(directory, &status) || status.st_uid == 0)
    return true;
  return (setgroups(0, NULL) == 0 && setegid(status.st_gid) == 0 && seteuid(status.st_uid) == 0) ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot become the owner of '%s': %s", directory,
                   strerror(errno));
}

static bool answer(struct ledger *ledger, const struct account_ask *ask, struct text *body,
                   struct fault *fault) {
  struct form form = {.count = 0};
  text_clear(body);
  bool ok = form_parse(&form, text_view(ask->form), fault) &&
            ask->function(ledger, ask->rest, &form, body, fault);
  form_free(&form);
  return ok;
}

static bool read_directory(const struct call *call, const struct account_ask *ask,
                           struct text *body, struct fault *fault) {
  const struct ledger_options options = ledger_options_of(call->settings);
  struct ledger *ledger = NULL;
  bool ok = become_owner(call->settings->state_directory, fault) &&
            directory_check(call->settings->state_directory, fault) &&
            ledger_open_readonly(call->settings->state_directory, &options, &ledger, fault) &&
            answer(ledger, ask, body, fault);
  ledger_close(&ledger);
  return ok;
}

static bool change_directory(const struct call *call, const struct account_ask *ask,
                             struct text *body, struct fault *fault) {
  const char *directory = call->settings->state_directory;
  const struct ledger_options options = ledger_options_of(call->settings);
  struct ledger *ledger = NULL;
  int lock = -1;
  bool ok = become_owner(directory, fault) && directory_make(directory, fault) &&
            directory_lock(directory, &lock, fault) &&
            ledger_open(directory, &options, &ledger, fault) && answer(ledger, ask, body, fault);
  ledger_close(&ledger);
  if (lock >= 0)
    close(lock);
  return ok;
}

static void note(const struct call *call, const struct account_ask *ask) {
  scope_text struct text directory = {0};
  visible_add(&directory, view_of(call->settings->state_directory));
  fprintf(stderr, "rowcachectl: %s: the daemon is not asked; %s '%s'\n", call->command->words,
          is_reading(ask) ? "read from" : "changed in", text_string(&directory));
}

/* A daemon that runs, but listens elsewhere, has the directory locked: reading goes on. */
static bool work_in_directory(const struct call *call, const struct account_ask *ask,
                              struct text *body, struct fault *fault) {
  struct fault no_daemon = *fault, why;
  if (is_reading(ask) ? read_directory(call, ask, body, &why)
                      : change_directory(call, ask, body, &why)) {
    note(call, ask);
    return true;
  }
  if (why.kind == FAULT_MALFORMED) { /* it would be wrong with a daemon, too */
    *fault = why;
    return false;
  }
  return fault_set(fault, FAULT_UNAVAILABLE, "%.200s; and without it: %.280s", no_daemon.text,
                   why.text);
}

/* --- both --- */

static bool get(const struct call *call, const struct account_ask *ask, struct text *body,
                struct fault *fault) {
  struct remote remote;
  bool ok = ask_daemon(call, ask, &remote, fault) ||
            (remote.absent && work_in_directory(call, ask, &remote.body, fault));
  *body = remote.body;
  return ok;
}

enum ending account_show(const struct call *call, const struct account_ask *ask, show_print *print,
                         struct fault *fault) {
  scope_text struct text body = {0};
  if (!get(call, ask, &body, fault))
    return ENDING_FAILED;
  return show_answer(call, text_view(&body), print, fault);
}

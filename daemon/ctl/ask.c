#include "ctl/ask.h"

#include "base/scope.h"
#include "base/visible.h"
#include "ctl/local.h"
#include "ctl/remote.h"

#include <stdio.h>
#include <string.h>

void ask_add(struct text *form, const char *name, const char *value) {
  if (!value)
    return;
  text_printf(form, "%s%s=", form->length ? "&" : "", name);
  form_encode(form, view_of(value));
}

static bool is_reading(const struct ask *ask) {
  return strcmp(ask->method, "GET") == 0;
}

static bool ask_daemon(const struct command_call *call, const struct ask *ask,
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

/* Tells that the answer is the directory's. */
static void note(const struct command_call *call, const struct ask *ask) {
  scope_text struct text directory = {0};
  visible_add(&directory, view_of(call->settings->state_directory));
  fprintf(stderr, "rowcachectl: %s: the daemon is not asked; %s '%s'\n", call->command->words,
          is_reading(ask) ? "read from" : "changed in", text_string(&directory));
}

/* A daemon that runs but listens elsewhere holds the lock of the directory: reading works then, too. */
static bool work_in_directory(const struct command_call *call, const struct ask *ask,
                              struct text *body, struct fault *fault) {
  struct fault no_daemon = *fault, why;
  if (is_reading(ask) ? local_read(call->settings, ask, body, &why)
                      : local_change(call->settings, ask, body, &why)) {
    note(call, ask);
    return true;
  }
  if (why.kind == FAULT_MALFORMED) { /* a daemon would refuse it, too */
    *fault = why;
    return false;
  }
  return fault_set(fault, FAULT_UNAVAILABLE, "%.200s; and without it: %.280s", no_daemon.text,
                   why.text);
}

static bool get(const struct command_call *call, const struct ask *ask, struct text *body,
                struct fault *fault) {
  struct remote remote;
  bool ok = ask_daemon(call, ask, &remote, fault) ||
            (remote.absent && work_in_directory(call, ask, &remote.body, fault));
  *body = remote.body;
  return ok;
}

enum ending ask_show(const struct command_call *call, const struct ask *ask, show_print *print,
                     struct fault *fault) {
  scope_text struct text body = {0};
  if (!get(call, ask, &body, fault))
    return ENDING_FAILED;
  return show_answer(call, text_view(&body), print, fault);
}

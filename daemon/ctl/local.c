#include "ctl/local.h"

#include "db/directory.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

/* Files that root creates there must belong to the daemon's user. */
static bool become_owner(const char *directory, struct fault *fault) {
  struct stat status;
  if (geteuid() != 0 || !directory_stat(directory, &status) || status.st_uid == 0)
    return true;
  return (setgroups(0, NULL) == 0 && setegid(status.st_gid) == 0 && seteuid(status.st_uid) == 0) ||
         fault_set(fault, FAULT_UNAVAILABLE, "cannot become the owner of '%s': %s", directory,
                   strerror(errno));
}

static bool answer(struct ledger *ledger, const struct settings *settings, const struct ask *ask,
                   struct text *body, struct fault *fault) {
  struct form form = {.count = 0};
  const struct account_call call = {
      .ledger = ledger, .currency = settings_currency(settings), .rest = ask->rest, .form = &form};
  text_clear(body);
  bool ok = form_parse(&form, text_view(ask->form), fault) && ask->function(&call, body, fault);
  form_free(&form);
  return ok;
}

bool local_read(const struct settings *settings, const struct ask *ask, struct text *body,
                struct fault *fault) {
  const struct ledger_options options = ledger_options_of(settings);
  struct ledger *ledger = NULL;
  bool ok = become_owner(settings->state_directory, fault) &&
            directory_check(settings->state_directory, fault) &&
            ledger_open_readonly(settings->state_directory, &options, &ledger, fault) &&
            answer(ledger, settings, ask, body, fault);
  ledger_close(&ledger);
  return ok;
}

bool local_change(const struct settings *settings, const struct ask *ask, struct text *body,
                  struct fault *fault) {
  const char *directory = settings->state_directory;
  const struct ledger_options options = ledger_options_of(settings);
  struct ledger *ledger = NULL;
  int lock = -1;
  bool ok = become_owner(directory, fault) && directory_make(directory, fault) &&
            directory_lock(directory, &lock, fault) &&
            ledger_open(directory, &options, &ledger, fault) &&
            answer(ledger, settings, ask, body, fault);
  ledger_close(&ledger);
  if (lock >= 0)
    close(lock);
  return ok;
}

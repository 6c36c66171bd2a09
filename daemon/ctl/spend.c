/* `spend`: from the daemon, which has counted hits that it has not written yet; where none runs,
 * from the state directory. */
#include "admin/spend.h"
#include "admin/json.h"
#include "ctl/answer.h"
#include "ctl/remote.h"
#include "ctl/show.h"

#include "query/form.h"

/* --- asking --- */

static void add_parameter(struct text *path, char before, const char *name, const char *value) {
  if (!value)
    return;
  text_printf(path, "%c%s=", before, name);
  form_encode(path, view_of(value));
}

static bool ask_daemon(const struct call *call, struct remote *remote, struct fault *fault) {
  scope_text struct text path = {0};
  text_add(&path, VIEW("/api/spend"));
  add_parameter(&path, '?', "by", call->by ? call->by : "token");
  add_parameter(&path, '&', "since", call->since);
  add_parameter(&path, '&', "until", call->until);
  return remote_ask(call->settings, "GET", text_string(&path), remote, fault);
}

static bool read_directory(const struct call *call, const struct spend *spend, struct text *body,
                           struct fault *fault) {
  struct ledger *ledger = NULL;
  text_clear(body);
  bool ok = ledger_open_readonly(call->settings->state_directory, NULL, &ledger, fault) &&
            spend_write(ledger, spend, body, fault);
  ledger_close(&ledger);
  return ok;
}

/* A daemon that runs, but listens elsewhere, may have counted hits that are not written yet. */
static void note(const struct call *call) {
  fprintf(stderr, "rowcachectl: spend: the daemon does not run here; read from '%s'\n",
          call->settings->state_directory);
}

static bool get_account(const struct call *call, const struct spend *spend, struct remote *remote,
                        struct fault *fault) {
  struct fault no_ledger;
  if (ask_daemon(call, remote, fault))
    return true;
  if (!remote->absent)
    return false;
  if (read_directory(call, spend, &remote->body, &no_ledger)) {
    note(call);
    return true;
  }
  struct fault no_daemon = *fault;
  return fault_set(fault, FAULT_UNAVAILABLE, "%.200s; and without it: %.250s", no_daemon.text,
                   no_ledger.text);
}

/* --- printing --- */

#define SUMS                                                                       \
  {"requests", "requests", PRINT_NUMBER}, {"hits", "hits", PRINT_NUMBER},          \
      {"misses", "misses", PRINT_NUMBER}, {"errors", "errors", PRINT_NUMBER},      \
      {"results", "results", PRINT_NUMBER}, {"rows_spent", "spent", PRINT_NUMBER}, \
      {"rows_unknown", "unknown", PRINT_NUMBER}, {"rows_saved", "saved", PRINT_NUMBER},

static const struct print_column columns_by_token[] = {{"token", "token", PRINT_LABEL}, SUMS};
static const struct print_column columns_by_target[] = {{"target", "target", PRINT_LABEL}, SUMS};
static const struct print_column columns_by_day[] = {{"day", "day", PRINT_LABEL}, SUMS};
#define COLUMNS (sizeof columns_by_token / sizeof *columns_by_token)

static const struct {
  const char *list;
  const struct print_column *columns;
} tables[] = {
    {"tokens", columns_by_token}, {"targets", columns_by_target}, {"days", columns_by_day}};

static void print_spend(struct text *out, yajl_val answer) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    yajl_val rows = answer_get(answer, tables[i].list);
    if (rows)
      print_table(out, tables[i].columns, COLUMNS, rows, answer_get(answer, "total"));
  }
}

/* Without the total, so that a column can be summed. */
static void print_spend_csv(struct text *out, yajl_val answer) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    yajl_val rows = answer_get(answer, tables[i].list);
    if (rows)
      print_csv(out, tables[i].columns, COLUMNS, rows);
  }
}

/* The daemon would say the same; said here, it is known to be the command line that is wrong. */
static bool read_call(const struct call *call, struct spend *spend, struct fault *fault) {
  struct view by = view_of(call->by), since = view_of(call->since), until = view_of(call->until);
  if (call->csv && call->json)
    return fault_set(fault, FAULT_MALFORMED, "give --csv or --json, not both");
  return spend_read(call->by ? &by : NULL, call->since ? &since : NULL, call->until ? &until : NULL,
                    spend, fault);
}

enum ending command_spend(const struct call *call, struct fault *fault) {
  struct spend spend;
  struct remote remote;
  enum ending ending = ENDING_FAILED;
  if (!read_call(call, &spend, fault))
    return ENDING_MISUSED;
  if (get_account(call, &spend, &remote, fault))
    ending = show_answer(call, text_view(&remote.body), call->csv ? print_spend_csv : print_spend,
                         fault);
  text_free(&remote.body);
  return ending;
}

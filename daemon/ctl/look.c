#include "ctl/look.h"

#include "base/clock.h"
#include "ctl/answer.h"
#include "ctl/print.h"
#include "ctl/remote.h"
#include "query/form.h"

#define PAUSE (100 * CLOCK_MILLISECOND)
#define TRIES 50 /* for an answer that ended, and whose cost is being written */

static bool read_amount(yajl_val tree, const char *member, enum currency currency,
                        struct amount *out) {
  scope_text struct text text = {0};
  print_value(&text, PRINT_NUMBER, answer_get(tree, member));
  return amount_parse(text_view(&text), currency, out);
}

/* --- before --- */

static bool read_look(struct view body, struct look *look, struct fault *fault) {
  yajl_val tree;
  if (!answer_parse(body, &tree, fault))
    return false;
  yajl_val status = answer_get(tree, "status");
  enum currency currency =
      answer_equals(tree, "currency", "units") ? CURRENCY_UNITS : CURRENCY_ROWS;
  look->status = YAJL_IS_INTEGER(status) ? (long)YAJL_GET_INTEGER(status) : 0;
  look->is_hit = answer_equals(tree, "outcome", "hit") || answer_equals(tree, "outcome", "derived");
  look->is_collapsed = answer_equals(tree, "outcome", "collapsed");
  text_add(&look->error, view_of(YAJL_GET_STRING(answer_get(tree, "error"))));
  bool ok = read_amount(tree, "most", currency, &look->most);
  yajl_tree_free(tree);
  return ok || fault_set(fault, FAULT_UPSTREAM, "the daemon does not say what it could cost");
}

bool look_before(const struct settings *settings, const struct argument *argument,
                 struct view token, struct look *look, struct fault *fault) {
  scope_text struct text path = {0};
  struct remote remote;
  *look = (struct look){.status = 0};
  text_add(&path, VIEW("/api/explain?"));
  argument_add(argument, &path);
  if (token.length) {
    text_add(&path, VIEW("&token="));
    form_encode(&path, token);
  }
  if (!text_ok(&path))
    return fault_no_memory(fault);
  const struct remote_request request = {
      .method = "GET", .path = text_string(&path), .is_secret = token.length > 0};
  bool ok = remote_ask(settings, &request, &remote, fault);
  if (ok)
    ok = read_look(text_view(&remote.body), look, fault);
  else
    look->status = remote.status;
  text_free(&remote.body);
  return ok;
}

/* --- after --- */

/* One member for each currency; that of another one than the request's is zero. */
static bool read_spent(yajl_val tree, struct amount *spent) {
  static const char *const members[CURRENCIES] = {
      [CURRENCY_ROWS] = "rows_spent", [CURRENCY_UNITS] = "units_spent"};
  struct amount both[CURRENCIES];
  for (enum currency currency = 0; currency < CURRENCIES; currency++)
    if (!read_amount(tree, members[currency], currency, &both[currency]))
      return false;
  for (enum currency currency = 0; currency < CURRENCIES; currency++)
    if (currency == spent->currency || !amount_is_zero(both[currency]))
      *spent = both[currency];
  return true;
}

/* True if the answer is the last word. */
static bool read_fate(struct view body, struct amount *spent, bool *is_exact) {
  yajl_val tree;
  if (!answer_parse(body, &tree, NULL))
    return false;
  bool is_open = answer_equals(tree, "state", "open");
  *is_exact = !answer_equals(tree, "state", "unknown");
  bool ok = !is_open && read_spent(tree, spent);
  yajl_tree_free(tree);
  return ok;
}

bool look_after(const struct settings *settings, const char *id, struct amount *spent,
                bool *is_exact) {
  scope_text struct text path = {0};
  bool ok = false;
  text_add(&path, VIEW("/api/request/"));
  form_encode(&path, view_of(id));
  for (int i = 0; i < TRIES && !ok && text_ok(&path); i++) {
    const struct remote_request request = {.method = "GET", .path = text_string(&path)};
    struct remote remote;
    struct fault fault;
    bool came = remote_ask(settings, &request, &remote, &fault);
    ok = came && read_fate(text_view(&remote.body), spent, is_exact);
    bool may_come = came || remote.status == 404; /* it is noted a moment after the answer */
    text_free(&remote.body);
    if (!may_come)
      return false;
    if (!ok)
      clock_sleep(clock_monotonic() + PAUSE);
  }
  return ok;
}

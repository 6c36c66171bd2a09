#include "ctl/amounts.h"
#include "ctl/answer.h"
#include "ctl/show.h"

#include "base/clock.h"
#include "base/visible.h"

static const struct print_column lines[] = {
    {"version", "version", PRINT_TEXT},
    {"uptime_seconds", "uptime", PRINT_DURATION},
    {"draining", "draining", PRINT_TEXT},
    {"entries", "entries", PRINT_NUMBER},
    {"bytes", "stored", PRINT_BYTES},
    {"memory_entries", "in memory", PRINT_NUMBER},
    {"memory_bytes", "memory", PRINT_BYTES},
    {"hit_rate", "hit rate", PRINT_PART},
    {"inflight", "in flight", PRINT_NUMBER},
    {"waiting", "of it waiting", PRINT_NUMBER},
    {"upstream.throttled", "throttled", PRINT_NUMBER},
    {"upstream.turned_away", "turned away", PRINT_NUMBER},
    {"ledger", "ledger", PRINT_TEXT},
    {"rows.today.spent", "rows spent today", PRINT_ROWS},
    {"rows.today.saved", "rows saved today", PRINT_ROWS},
    {"rows.all.spent", "rows spent in all", PRINT_ROWS},
    {"rows.all.unknown", "rows of it unknown", PRINT_ROWS},
    {"rows.all.saved", "rows saved in all", PRINT_ROWS},
    {"units.today.spent", "units spent today", PRINT_UNITS},
    {"units.today.saved", "units saved today", PRINT_UNITS},
    {"units.all.spent", "units spent in all", PRINT_UNITS},
    {"units.all.unknown", "units of it unknown", PRINT_UNITS},
    {"units.all.saved", "units saved in all", PRINT_UNITS},
};

/* "14 hit, 3 miss": the outcomes that occurred. */
static void print_requests(struct text *out, yajl_val requests) {
  bool any = false;
  print_heading(out, "requests");
  for (size_t i = 0; YAJL_IS_OBJECT(requests) && i < YAJL_GET_OBJECT(requests)->len; i++) {
    yajl_val count = YAJL_GET_OBJECT(requests)->values[i];
    if (!YAJL_IS_INTEGER(count) || YAJL_GET_INTEGER(count) == 0)
      continue;
    text_printf(out, "%s%s ", any ? ", " : "", YAJL_GET_NUMBER(count));
    visible_add(out, view_of(YAJL_GET_OBJECT(requests)->keys[i]));
    any = true;
  }
  text_add(out, any ? VIEW("\n") : VIEW("none\n"));
}

/* ", answered 5m 3s ago" */
static void print_ago(struct text *out, const char *what, yajl_val at) {
  if (!YAJL_IS_INTEGER(at))
    return;
  int64_t ago;
  if (__builtin_sub_overflow(clock_seconds(), (int64_t)YAJL_GET_INTEGER(at), &ago))
    return;
  text_printf(out, ", %s ", what);
  print_duration(out, ago > 0 ? ago : 0);
  text_add(out, VIEW(" ago"));
}

/* False: there are none, and nothing is printed. */
static bool print_names(struct text *out, const char *heading, yajl_val names) {
  size_t count = YAJL_IS_ARRAY(names) ? YAJL_GET_ARRAY(names)->len : 0;
  if (!count)
    return false;
  print_heading(out, heading);
  for (size_t i = 0; i < count; i++) {
    text_add(out, i ? VIEW(", ") : VIEW(""));
    print_value(out, PRINT_TEXT, YAJL_GET_ARRAY(names)->values[i]);
  }
  return true;
}

static void print_budgets(struct text *out, yajl_val answer) {
  if (print_names(out, "near budget", answer_get(answer, "budget_warnings")))
    text_add_char(out, '\n');
  if (!print_names(out, "no budget", answer_get(answer, "idle_budgets")))
    return;
  text_add(out, VIEW(": set one in "));
  print_value(out, PRINT_TEXT, answer_get(answer, "currency"));
  text_add(out, VIEW(", in which upstream charges now\n"));
}

static void print_upstream(struct text *out, yajl_val answer) {
  print_heading(out, "upstream");
  print_value(out, PRINT_TEXT, answer_get(answer, "upstream.url"));
  text_add(out, VIEW(": "));
  print_value(out, PRINT_TEXT, answer_get(answer, "upstream.state"));
  print_ago(out, "answered", answer_get(answer, "upstream.answered_at"));
  print_ago(out, "failed", answer_get(answer, "upstream.failed_at"));
  text_add_char(out, '\n');
}

/* Every miss fails until the operator corrects this. */
static void print_redirect(struct text *out, yajl_val answer) {
  if (!answer_get(answer, "upstream.redirect.status"))
    return;
  print_heading(out, "warning");
  text_add(out, VIEW("upstream answers with a redirect (status "));
  print_value(out, PRINT_NUMBER, answer_get(answer, "upstream.redirect.status"));
  text_add(out, VIEW(") to '"));
  print_value(out, PRINT_TEXT, answer_get(answer, "upstream.redirect.location"));
  text_add(out, VIEW("', which is not followed: is upstream.url right?\n"));
}

static void print_discontinued(struct text *out, yajl_val answer) {
  if (!YAJL_IS_TRUE(answer_get(answer, "upstream.discontinued")))
    return;
  print_heading(out, "warning");
  text_add(out,
           VIEW("upstream says that its API is discontinued: set upstream.api = v3, with a key "
                "of v3 in upstream.token_file\n"));
}

static void print_status(struct text *out, yajl_val answer) {
  amounts_lines(out, lines, sizeof lines / sizeof *lines, answer);
  print_requests(out, answer_get(answer, "requests"));
  print_budgets(out, answer);
  print_upstream(out, answer);
  print_redirect(out, answer);
  print_discontinued(out, answer);
}

enum ending command_status(const struct command_call *call, struct fault *fault) {
  return show_remote(call, "GET", "/api/status", print_status, fault);
}

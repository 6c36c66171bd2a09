#include "ctl/answer.h"
#include "ctl/show.h"

#include "base/num.h"
#include "query/form.h"

#include <inttypes.h>

#define KEY_LEAST 4
#define KEY_MOST 64

static bool is_key(const char *text, struct fault *fault) {
  struct view key = view_of(text);
  bool ok = key.length >= KEY_LEAST && key.length <= KEY_MOST;
  for (size_t i = 0; ok && i < key.length; i++)
    ok = num_hex_digit(key.at[i]) >= 0;
  return ok || fault_set(fault, FAULT_MALFORMED, "'%.80s' is no key: those are %d to %d hex digits",
                         text, KEY_LEAST, KEY_MOST);
}

/* --- list --- */

static const struct print_column list_columns[] = {
    {"key", "key", PRINT_DIGITS},
    {"results", "results", PRINT_NUMBER},
    {"bytes", "bytes", PRINT_BYTES},
    {"age", "age", PRINT_DURATION},
    {"freshness", "fresh for", PRINT_DURATION},
    {"cost", "cost", PRINT_NUMBER},
    {"hits", "hits", PRINT_NUMBER},
    {"saved", "saved", PRINT_NUMBER},
    {"target", "target", PRINT_LABEL},
    {"currency", "in", PRINT_TEXT}, /* only where something is in units */
};

static bool is_in_units(yajl_val entry) {
  return answer_equals(entry, "currency", "units");
}

static void print_list(struct text *out, yajl_val answer) {
  yajl_val entries = answer_get(answer, "entries"), stored = answer_get(answer, "stored");
  size_t shown = YAJL_IS_ARRAY(entries) ? YAJL_GET_ARRAY(entries)->len : 0;
  bool any_units = false;
  for (size_t i = 0; i < shown; i++)
    any_units = any_units || is_in_units(YAJL_GET_ARRAY(entries)->values[i]);
  print_table(out, list_columns, sizeof list_columns / sizeof *list_columns - !any_units, entries,
              NULL);
  if (YAJL_IS_INTEGER(stored) && YAJL_GET_INTEGER(stored) > (long long)shown)
    text_printf(out, "%zu of %lld; --limit shows more\n", shown, YAJL_GET_INTEGER(stored));
}

enum ending command_cache_list(const struct command_call *call, struct fault *fault) {
  scope_text struct text path = {0};
  int64_t limit;
  text_add(&path, VIEW("/api/cache"));
  if (call->limit && !num_integer(view_of(call->limit), &limit)) {
    fault_set(fault, FAULT_MALFORMED, "'%.80s' is no number for --limit", call->limit);
    return ENDING_MISUSED;
  }
  if (call->limit)
    text_printf(&path, "?limit=%" PRId64, limit);
  return show_remote(call, "GET", text_string(&path), print_list, fault);
}

/* --- show --- */

static const struct print_column show_lines[] = {
    {"key", "key", PRINT_TEXT},        {"normal", "query", PRINT_TEXT},
    {"target", "target", PRINT_LABEL}, {"results", "results", PRINT_NUMBER},
    {"bytes", "on disk", PRINT_BYTES}, {"body_bytes", "as sent", PRINT_BYTES},
    {"age", "age", PRINT_DURATION},    {"freshness", "fresh for", PRINT_DURATION},
    {"cost", "cost", PRINT_NUMBER},    {"hits", "hits", PRINT_NUMBER},
    {"saved", "saved", PRINT_NUMBER},  {"derived", "derived", PRINT_TEXT},
};

/* Of a result that was paid in units, beside these. */
static const struct print_column units_lines[] = {
    {"currency", "currency", PRINT_TEXT},
    {"list_price", "list price", PRINT_NUMBER},
};

static void print_entries(struct text *out, yajl_val answer) {
  yajl_val entries = answer_get(answer, "entries");
  for (size_t i = 0; YAJL_IS_ARRAY(entries) && i < YAJL_GET_ARRAY(entries)->len; i++) {
    if (i)
      text_add_char(out, '\n');
    yajl_val entry = YAJL_GET_ARRAY(entries)->values[i];
    print_lines(out, show_lines, sizeof show_lines / sizeof *show_lines, entry);
    if (is_in_units(entry))
      print_lines(out, units_lines, sizeof units_lines / sizeof *units_lines, entry);
  }
}

enum ending command_cache_show(const struct command_call *call, struct fault *fault) {
  scope_text struct text path = {0};
  if (!is_key(call->arguments[0], fault))
    return ENDING_MISUSED;
  text_printf(&path, "/api/cache/%s", call->arguments[0]);
  return show_remote(call, "GET", text_string(&path), print_entries, fault);
}

/* --- purge --- */

static void print_purged(struct text *out, yajl_val answer) {
  text_add(out, VIEW("removed "));
  print_value(out, PRINT_NUMBER, answer_get(answer, "purged"));
  text_add_char(out, '\n');
}

/* True if exactly one of the options is given, and well-formed. */
static bool check_purge(const struct command_call *call, struct fault *fault) {
  int64_t seconds;
  if (call->all + !!call->target + !!call->key + !!call->older_than != 1)
    return fault_set(fault, FAULT_MALFORMED,
                     "say what to remove by exactly one of --all, --target, --key, --older-than");
  if (call->key)
    return is_key(call->key, fault);
  if (call->older_than && !num_duration(view_of(call->older_than), &seconds))
    return fault_set(fault, FAULT_MALFORMED, "'%.80s' is no duration; write 30s, 15m, 24h or 7d",
                     call->older_than);
  return true;
}

static void add_subject(struct text *path, const char *name, const char *value) {
  if (!value)
    return;
  text_printf(path, "%s=", name);
  form_encode(path, view_of(value));
}

enum ending command_cache_purge(const struct command_call *call, struct fault *fault) {
  scope_text struct text path = {0};
  if (!check_purge(call, fault))
    return ENDING_MISUSED;
  text_add(&path, call->all ? VIEW("/api/cache?all") : VIEW("/api/cache?"));
  add_subject(&path, "target", call->target);
  add_subject(&path, "key", call->key);
  add_subject(&path, "older_than", call->older_than);
  return show_remote(call, "DELETE", text_string(&path), print_purged, fault);
}

#include "query/call.h"

#include "base/num.h"
#include "query/limits.h"
#include "query/names.h"

#include <stdlib.h>

/* ---- The path. */

static bool is_segment(struct view segment) {
  for (size_t i = 0; i < segment.length; i++) {
    char c = segment.at[i];
    if (!num_is_alpha(c) && !num_is_digit(c) && c != '-' && c != '_')
      return false;
  }
  return segment.length > 0;
}

static bool is_path(struct view path) {
  struct view segment;
  if (path.length == 0 || path.length > CALL_PATH_MAX)
    return false;
  while (view_split(&path, '/', &segment))
    if (!is_segment(segment))
      return false;
  return true;
}

/* Upstream may read the path as that of an endpoint with another price. */
static bool refuse_nearly(struct view path, struct view right, struct fault *fault) {
  return view_equal(path, right) || !num_same_word(path, right) ||
         fault_set(fault, FAULT_UNKNOWN_PATH,
                   "there is nothing at this path; write it '" CALL_PREFIX "%.*s'",
                   VIEW_ARGS(right));
}

static bool read_path(struct view path, struct call *call, struct fault *fault) {
  static const struct view subscription = VIEW(CALL_SUBSCRIPTION);
  if (!is_path(path))
    return fault_set(fault, FAULT_UNKNOWN_PATH,
                     "there is nothing at this path; an endpoint of v3 is written like "
                     "'" CALL_PREFIX "site-explorer/all-backlinks', without escapes and without "
                     "'/' at its end");
  const struct endpoint *like = endpoint_find_like(path);
  if (!refuse_nearly(path, subscription, fault) ||
      (like && !refuse_nearly(path, like->path, fault)))
    return false;
  text_add(&call->path_text, path);
  call->path = text_view(&call->path_text);
  call->endpoint = like;
  call->is_subscription = view_equal(path, subscription);
  return text_ok(&call->path_text) || fault_no_memory(fault);
}

/* ---- The parameters. Each function reads a value and may give its one spelling. */

/* True if `list` is names joined by commas. A blank, or a sign that may have a meaning (a function,
 * a quote), makes it a text that only upstream understands. */
static bool is_plain_list(struct view list, const char *signs) {
  for (size_t i = 0; i < list.length; i++)
    if (!num_is_alpha(list.at[i]) && !num_is_digit(list.at[i]) &&
        (!list.at[i] || !strchr(signs, list.at[i])))
      return false;
  return true;
}

static void forget_columns(struct columns *columns) {
  for (size_t i = 0; i < columns->count; i++)
    columns->items[i].column = NULL;
}

static bool is_json(const struct form *form) {
  const struct view *output = form_get(form, "output");
  return !output || view_is(*output, "json");
}

/* A set, except that the columns of a table in CSV may come in the client's order. */
static bool spell_select(struct call *call, const struct form *form, struct view value,
                         struct text *spelling, struct fault *fault) {
  struct columns *select = &call->select;
  *select = (struct columns){.present = true, .raw = value};
  if (!is_plain_list(value, "_,"))
    return true;
  if (!columns_parse_select(value, select, fault))
    return false;
  forget_columns(select);
  for (size_t i = 0; is_json(form) && i < select->count; i++) {
    text_add(spelling, i ? VIEW(",") : VIEW(""));
    text_add(spelling, select->items[i].name);
  }
  return true;
}

/* Which direction is meant where none is given is not documented: the value stays as it came. */
static bool spell_order(struct call *call, const struct form *form, struct view value,
                        struct text *spelling, struct fault *fault) {
  (void)form;
  (void)spelling;
  call->order = (struct columns){.present = true, .raw = value};
  if (is_plain_list(value, "_,:") && !columns_parse_order(value, &call->order, fault))
    return false;
  forget_columns(&call->order);
  return true;
}

static bool spell_where(struct call *call, const struct form *form, struct view value,
                        struct text *spelling, struct fault *fault) {
  (void)form;
  call->has_where = true;
  return filter_normalize(value, spelling, fault) && filter_parse(value, &call->where, fault);
}

static bool spell_limit(struct call *call, const struct form *form, struct view value,
                        struct text *spelling, struct fault *fault) {
  int64_t number;
  (void)form;
  (void)spelling;
  (void)fault;
  bool is_plain = num_integer(value, &number) && value.at[0] != '0' && number <= QUERY_LIMIT_MAX;
  call->limit = is_plain ? number : -1;
  return true;
}

typedef bool spell_value(struct call *call, const struct form *form, struct view value,
                         struct text *spelling, struct fault *fault);

static spell_value *find_speller(struct view name) {
  static const struct {
    const char *name;
    spell_value *spell;
  } spellers[] = {
      {"select", spell_select},
      {"order_by", spell_order},
      {"where", spell_where},
      {"limit", spell_limit},
  };
  for (size_t i = 0; i < sizeof spellers / sizeof *spellers; i++)
    if (view_is(name, spellers[i].name))
      return spellers[i].spell;
  return NULL;
}

static bool is_default(const struct call *call, const struct form_pair *pair) {
  struct view value =
      call->endpoint ? endpoint_default(call->endpoint, pair->name) : (struct view){0};
  return value.at && view_equal(value, pair->value);
}

/* Adds the parameter `came`, in its one spelling, unless it is a default. */
static bool add_parameter(struct call *call, const struct form *form, const struct form_pair *came,
                          struct fault *fault) {
  scope_text struct text spelling = {0};
  spell_value *spell = find_speller(came->name);
  struct form_pair pair = {.name = came->name, .value = came->value};
  if (spell && !spell(call, form, came->value, &spelling, fault))
    return false;
  if (!text_ok(&spelling))
    return fault_no_memory(fault);
  if (spelling.length) {
    pair.value = text_view(&spelling);
    pair.bytes = text_steal(&spelling);
  }
  if (is_default(call, &pair))
    free(pair.bytes);
  else
    call->parameters.pairs[call->parameters.count++] = pair;
  return true;
}

static bool check_name(struct view name, struct fault *fault) {
  if (view_is(name, "token"))
    return fault_set(fault, FAULT_MALFORMED,
                     "v3 takes the key in the header 'Authorization: Bearer': leave out the "
                     "parameter 'token'");
  return names_check_call(name, fault);
}

static int order_names(const void *a, const void *b) {
  const struct form_pair *left = a, *right = b;
  return view_order(left->name, right->name);
}

bool call_read(struct view path, const struct form *form, struct call *call, struct fault *fault) {
  if (!read_path(path, call, fault))
    return false;
  call->limit = call->endpoint ? call->endpoint->limit : -1;
  for (size_t i = 0; i < form->count; i++)
    if (!check_name(form->pairs[i].name, fault) ||
        !add_parameter(call, form, &form->pairs[i], fault))
      return false;
  qsort(call->parameters.pairs, call->parameters.count, sizeof *call->parameters.pairs,
        order_names);
  return true;
}

bool call_has_known_form(const struct call *call) {
  struct view output = call_value(call, "output");
  return !output.at || view_has_word(VIEW("json csv xml php"), output);
}

struct view call_value(const struct call *call, const char *name) {
  const struct view *value = form_get(&call->parameters, name);
  if (value)
    return *value;
  return call->endpoint ? endpoint_default(call->endpoint, view_of(name)) : (struct view){0};
}

void call_release(struct call *call) {
  columns_release(&call->select);
  columns_release(&call->order);
  filter_release(&call->where);
  form_free(&call->parameters);
  text_free(&call->path_text);
}

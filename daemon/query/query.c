#include "query/query.h"

#include "base/check.h"
#include "base/num.h"
#include "base/text.h"
#include "base/token_text.h"
#include "query/call.h"
#include "query/columns.h"
#include "query/condition.h"
#include "query/form.h"
#include "query/names.h"
#include "query/normal.h"
#include "query/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct query {
  struct form form; /* the views below point into it, unless noted */
  enum query_table table;
  enum query_mode mode;
  enum query_output output;
  int64_t limit, offset;
  struct view token; /* in its one spelling; where it is 40 digits, in `digits` */
  char digits[TOKEN_TEXT_DIGITS];
  struct text target; /* in its one spelling; empty: it has none */
  struct columns select, order;
  struct conditions where, having;
  struct call *call;  /* NULL: a query of v2 */
  struct text bearer; /* of a call: what `token` may point into */
  struct text normal;
  struct digest key;
};

static struct view value_or_empty(const struct query *query, const char *name) {
  const struct view *value = form_get(&query->form, name);
  return value ? *value : VIEW("");
}

static bool has_target_spelling(const struct query *query) {
  return query->target.length > 0;
}

/* ---- Reading: one function for each parameter with a meaning here. */

static bool check_names(const struct query *query, struct fault *fault) {
  for (size_t i = 0; i < query->form.count; i++)
    if (!names_check(query->form.pairs[i].name, fault))
      return false;
  return true;
}

static bool keep_token(struct query *query, struct view token, const char *what,
                       struct fault *fault) {
  query->token = token_text(token, query->digits);
  return query->token.length == 0 || token_text_ok(query->token) ||
         fault_set(fault, FAULT_MALFORMED,
                   "%s cannot be a token: write visible ASCII characters only", what);
}

static bool read_token(struct query *query, struct fault *fault) {
  return keep_token(query, value_or_empty(query, "token"), "parameter 'token'", fault);
}

/* Parameters are listed, logged and stored; the token must not get there with them. */
static bool check_secret(const struct query *query, struct fault *fault) {
  const struct view token = query->token;
  if (token.length < TOKEN_TEXT_LEAST)
    return true;
  for (size_t i = 0; i < query->form.count; i++) {
    const struct form_pair *pair = &query->form.pairs[i];
    bool is_elsewhere = !view_is(pair->name, "token") &&
                        memmem(pair->value.at, pair->value.length, token.at, token.length);
    if (is_elsewhere || memmem(pair->name.at, pair->name.length, token.at, token.length))
      return fault_set(fault, FAULT_MALFORMED,
                       "the token or key of the request stands in another parameter, too: take it "
                       "out there");
  }
  return true;
}

/* The index of `value` in `words`; `count` if it is not there. */
static int find_word(const struct view *value, const char *const *words, int count) {
  int i = 0;
  while (i < count && !(value && view_is(*value, words[i])))
    i++;
  return i;
}

static bool read_table(struct query *query, struct fault *fault) {
  static const char *const tables[QUERY_OTHER] = {
      [QUERY_BACKLINKS_NEW_LOST] = "backlinks_new_lost",
      [QUERY_SUBSCRIPTION_INFO] = "subscription_info",
  };
  const struct view *from = form_get(&query->form, "from");
  query->table = (enum query_table)find_word(from, tables, QUERY_OTHER);
  if (!from || from->length == 0)
    return fault_set(fault, FAULT_MALFORMED, "mandatory parameter 'from' is missing");
  /* Upstream may read it as a table with another price. */
  for (int i = 0; i < QUERY_OTHER; i++)
    if (names_is_nearly(*from, view_of(tables[i])))
      return fault_set(fault, FAULT_MALFORMED,
                       "parameter 'from' is nearly '%s', and upstream may take it for that: "
                       "write '%s'",
                       tables[i], tables[i]);
  return true;
}

static enum query_mode mode_named(const struct view *word) {
  static const char *const modes[QUERY_MODE_UNKNOWN] = {
      [QUERY_EXACT] = "exact",
      [QUERY_DOMAIN] = "domain",
      [QUERY_SUBDOMAINS] = "subdomains",
      [QUERY_PREFIX] = "prefix",
  };
  return (enum query_mode)find_word(word, modes, QUERY_MODE_UNKNOWN);
}

static void read_words(struct query *query) {
  const struct view *output = form_get(&query->form, "output");
  query->mode = mode_named(form_get(&query->form, "mode"));
  query->output = output ? output_named(*output) : QUERY_JSON;
}

static bool check_mandatory(const struct query *query, struct fault *fault) {
  static const char *const mandatory[] = {"target", "mode"};
  for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++) {
    const struct view *value = form_get(&query->form, mandatory[i]);
    if (!value || value->length == 0)
      return fault_set(fault, FAULT_MALFORMED, "mandatory parameter '%s' is missing", mandatory[i]);
  }
  return true;
}

/* A parameter that counts results. */
struct amount {
  const char *name;
  int64_t absent, most; /* the value of an absent parameter; the largest value */
};
static const struct amount limit = {"limit", QUERY_LIMIT_DEFAULT, QUERY_LIMIT_MAX};
static const struct amount offset = {"offset", 0, QUERY_OFFSET_MAX};

/* The default if the parameter is absent; -1 if it is no number up to `most`. */
static int64_t read_amount(const struct query *query, const struct amount *amount) {
  const struct view *value = form_get(&query->form, amount->name);
  int64_t number;
  if (!value)
    return amount->absent;
  return num_integer(*value, &number) && number <= amount->most ? number : -1;
}

static bool refuse_amount(const struct query *query, const struct amount *amount,
                          struct fault *fault) {
  return fault_set(fault, FAULT_MALFORMED,
                   "parameter '%s' is \"%s\": give a whole number from 0 to %" PRId64
                   ", or leave it out",
                   amount->name, FORM_SHOWN(*form_get(&query->form, amount->name)), amount->most);
}

static bool is_digits(struct view text) {
  size_t count = 0;
  while (count < text.length && num_is_digit(text.at[count]))
    count++;
  return count > 0 && count == text.length;
}

bool query_check_limit(const struct query *query, struct fault *fault) {
  return query->call || query->limit >= 0 || refuse_amount(query, &limit, fault);
}

/* For another table only a limit that certainly exceeds what can be reserved is refused. */
static bool read_amounts(struct query *query, struct fault *fault) {
  bool is_backlinks = query->table == QUERY_BACKLINKS_NEW_LOST;
  query->limit = read_amount(query, &limit);
  query->offset = read_amount(query, &offset);
  if (query->limit < 0 && (is_backlinks || is_digits(value_or_empty(query, "limit"))))
    return refuse_amount(query, &limit, fault);
  return query->offset >= 0 || !is_backlinks || refuse_amount(query, &offset, fault);
}

static bool read_target(struct query *query, struct fault *fault) {
  return query->mode == QUERY_MODE_UNKNOWN ||
         target_normalize(*form_get(&query->form, "target"), &query->target, fault);
}

static bool read_columns(struct query *query, struct fault *fault) {
  const struct view *select = form_get(&query->form, "select");
  const struct view *order = form_get(&query->form, "order_by");
  return (!select || columns_parse_select(*select, &query->select, fault)) &&
         (!order || columns_parse_order(*order, &query->order, fault));
}

static bool read_conditions(struct query *query, struct fault *fault) {
  const struct view *where = form_get(&query->form, "where");
  const struct view *having = form_get(&query->form, "having");
  return (!where || condition_parse(*where, &query->where, fault)) &&
         (!having || condition_parse(*having, &query->having, fault));
}

static bool understand(struct query *query, struct fault *fault) {
  if (!check_names(query, fault) || !read_token(query, fault) || !check_secret(query, fault) ||
      !read_table(query, fault) || !read_amounts(query, fault))
    return false;
  read_words(query);
  if (query->table != QUERY_BACKLINKS_NEW_LOST)
    return true;
  return check_mandatory(query, fault) && read_target(query, fault) && read_columns(query, fault) &&
         read_conditions(query, fault);
}

/* ---- Writing: one function for each parameter, in the order of the normalized query. */

static void put_raw_unless(struct normal *normal, bool known, struct view name, struct view value) {
  normal_put(normal, name, known ? NORMAL_SPELLING : NORMAL_RAW, value);
}

static void write_from(const struct query *query, struct view name, struct normal *normal) {
  normal_put(normal, name, NORMAL_SPELLING, value_or_empty(query, "from"));
}

static void write_mode(const struct query *query, struct view name, struct normal *normal) {
  bool known = query->mode != QUERY_MODE_UNKNOWN;
  put_raw_unless(normal, known, name, value_or_empty(query, "mode"));
}

static void write_target(const struct query *query, struct view name, struct normal *normal) {
  put_raw_unless(normal, has_target_spelling(query), name, query_target_text(query));
}

static void write_select(const struct query *query, struct view name, struct normal *normal) {
  if (columns_are_all(&query->select))
    return;
  for (size_t i = 0; i < query->select.count; i++)
    normal_put(normal, name, NORMAL_SPELLING, query->select.items[i].name);
  if (!query->select.parsed)
    normal_put(normal, name, NORMAL_RAW, query->select.raw);
}

static void write_conditions(const struct conditions *set, struct view name,
                             struct normal *normal) {
  for (size_t i = 0; i < set->count; i++)
    put_raw_unless(normal, set->items[i].column, name, set->items[i].text);
  if (!set->parsed)
    normal_put(normal, name, NORMAL_RAW, set->raw);
}

static void write_where(const struct query *query, struct view name, struct normal *normal) {
  write_conditions(&query->where, name, normal);
}

static void write_having(const struct query *query, struct view name, struct normal *normal) {
  write_conditions(&query->having, name, normal);
}

static void write_order(const struct query *query, struct view name, struct normal *normal) {
  for (size_t i = 0; i < query->order.count; i++)
    normal_put(normal, name, NORMAL_SPELLING, columns_order_text(&query->order.items[i]));
  if (!query->order.parsed)
    normal_put(normal, name, NORMAL_RAW, query->order.raw);
}

static void put_amount(struct normal *normal, struct view name, int64_t amount, int64_t absent) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRId64, amount);
  if (amount != absent)
    normal_put(normal, name, NORMAL_SPELLING, view_of(digits));
}

static void write_limit(const struct query *query, struct view name, struct normal *normal) {
  put_amount(normal, name, query->limit, QUERY_LIMIT_DEFAULT);
}

static void write_offset(const struct query *query, struct view name, struct normal *normal) {
  put_amount(normal, name, query->offset, 0);
}

typedef void write_value(const struct query *query, struct view name, struct normal *normal);

/* The parameters of the table. `is_left_out`: a change of the query leaves it out. */
static bool never(const struct query_change *change) {
  (void)change;
  return false;
}

static bool if_all_columns(const struct query_change *change) {
  return change->all_columns;
}

static bool if_all_rows(const struct query_change *change) {
  return change->all_rows;
}

static bool if_limited(const struct query_change *change) {
  return change->limit > 0;
}

static const struct {
  const char *name;
  write_value *write;
  bool (*is_left_out)(const struct query_change *change);
} parameters[] = {
    {"from", write_from, never},
    {"mode", write_mode, never},
    {"target", write_target, never},
    {"select", write_select, if_all_columns},
    {"where", write_where, if_all_rows},
    {"having", write_having, if_all_rows},
    {"order_by", write_order, if_all_rows},
    {"limit", write_limit, if_limited},
    {"offset", write_offset, if_all_rows},
};

static bool is_of_table(struct view name) {
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
    if (view_is(name, parameters[i].name))
      return true;
  return false;
}

static int order_by_name(const void *a, const void *b) {
  const struct form_pair *const *left = a, *const *right = b;
  return view_order((*left)->name, (*right)->name);
}

static void write_rest(const struct query *query, struct normal *normal) {
  const struct form_pair *rest[QUERY_PARAMETERS_MAX];
  size_t count = query_rest(query, rest);
  for (size_t i = 0; i < count; i++)
    normal_put(normal, rest[i]->name, NORMAL_RAW, rest[i]->value);
}

static void write_output(const struct query *query, struct normal *normal) {
  const struct view *output = form_get(&query->form, "output");
  if (output && query->output != QUERY_JSON)
    put_raw_unless(normal, query->output != QUERY_OUTPUT_UNKNOWN, VIEW("output"), *output);
}

/* Writes all parts but those that the change leaves out. */
static void write_parts(const struct query *query, const struct query_change *change,
                        struct normal *normal) {
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
    const char *name = parameters[i].name;
    if (query->table == QUERY_BACKLINKS_NEW_LOST && form_get(&query->form, name) &&
        !parameters[i].is_left_out(change))
      parameters[i].write(query, view_of(name), normal);
  }
  if (change->limit > 0)
    put_amount(normal, VIEW("limit"), change->limit, QUERY_LIMIT_DEFAULT);
  write_rest(query, normal);
  if (!change->as_json)
    write_output(query, normal);
}

/* The values that have no one spelling need no tag: none of them equals one that has. */
static void write_call(const struct call *call, bool (*is_left_out)(struct view name),
                       struct normal *normal) {
  normal_put_path(normal, call->path);
  for (size_t i = 0; i < call->parameters.count; i++) {
    const struct form_pair *pair = &call->parameters.pairs[i];
    if (!is_left_out || !is_left_out(pair->name))
      normal_put(normal, pair->name, NORMAL_SPELLING, pair->value);
  }
}

static bool write_normal(struct query *query, struct fault *fault) {
  static const struct query_change none;
  struct normal normal = {0};
  if (query->call)
    write_call(query->call, NULL, &normal);
  else
    write_parts(query, &none, &normal);
  query->key = normal_digest(&normal);
  bool ok = normal_ok(&normal);
  if (ok) {
    query->normal = normal.text;
    normal.text = (struct text){0};
  }
  normal_free(&normal);
  return ok || fault_no_memory(fault);
}

/* ---- Public functions. */

static bool check_size(struct view args, struct view body, struct fault *fault) {
  if (args.length > QUERY_BYTES_MAX)
    return fault_set(fault, FAULT_URI_TOO_LONG, "the query string has more than %zu bytes",
                     QUERY_BYTES_MAX);
  if (body.length > QUERY_BYTES_MAX)
    return fault_set(fault, FAULT_BODY_TOO_LARGE, "the form has more than %zu bytes",
                     QUERY_BYTES_MAX);
  return true;
}

bool query_parse(struct view args, struct view body, struct query **out, struct fault *fault) {
  *out = NULL;
  if (!check_size(args, body, fault))
    return false;
  struct query *query = calloc(1, sizeof *query);
  if (!query)
    return fault_no_memory(fault);
  if (form_parse(&query->form, args, fault) && form_parse(&query->form, body, fault) &&
      understand(query, fault) && write_normal(query, fault)) {
    *out = query;
    return true;
  }
  query_release(&query);
  return false;
}

/* What mode and target mean is known of endpoints in the table. */
static bool understand_call(struct query *query, struct fault *fault) {
  const struct call *call = query->call;
  const struct view *output = form_get(&query->form, "output");
  query->output = output ? output_named(*output) : QUERY_JSON;
  query->limit = call->limit;
  query->mode = QUERY_MODE_UNKNOWN;
  if (!call->endpoint)
    return true;
  struct view mode = call_value(call, "mode");
  query->mode = mode_named(&mode);
  return query->mode == QUERY_MODE_UNKNOWN ||
         target_normalize(value_or_empty(query, "target"), &query->target, fault);
}

static bool read_call(struct query *query, struct view path, struct view token,
                      struct fault *fault) {
  query->table = QUERY_CALL;
  query->call = calloc(1, sizeof *query->call);
  text_add(&query->bearer, token);
  if (!query->call || !text_ok(&query->bearer))
    return fault_no_memory(fault);
  return keep_token(query, text_view(&query->bearer), "the key in 'Authorization'", fault) &&
         check_secret(query, fault) && call_read(path, &query->form, query->call, fault) &&
         understand_call(query, fault);
}

bool query_parse_call(struct view path, struct view args, struct view token, struct query **out,
                      struct fault *fault) {
  *out = NULL;
  if (!check_size(args, VIEW(""), fault))
    return false;
  struct query *query = calloc(1, sizeof *query);
  if (!query)
    return fault_no_memory(fault);
  if (form_parse(&query->form, args, fault) && read_call(query, path, token, fault) &&
      write_normal(query, fault)) {
    *out = query;
    return true;
  }
  query_release(&query);
  return false;
}

bool query_parse_normal(struct view normal, struct query **out, struct fault *fault) {
  static const struct view prefix = VIEW(CALL_PREFIX);
  if (!view_starts(normal, prefix))
    return query_parse(normal, VIEW(""), out, fault);
  struct view args = view_from(normal, prefix.length), path = VIEW("");
  view_split(&args, '?', &path);
  return query_parse_call(path, args.at ? args : VIEW(""), VIEW(""), out, fault);
}

static void free_call(struct query *query) {
  if (query->call)
    call_release(query->call);
  free(query->call);
  if (query->bearer.at)
    explicit_bzero(query->bearer.at, query->bearer.length);
  text_free(&query->bearer);
}

void query_release(struct query **query) {
  struct query *gone = *query;
  *query = NULL;
  if (!gone)
    return;
  text_free(&gone->normal);
  text_free(&gone->target);
  columns_release(&gone->select);
  columns_release(&gone->order);
  condition_release(&gone->where);
  condition_release(&gone->having);
  free_call(gone);
  form_free(&gone->form);
  free(gone);
}

const struct form *query_form(const struct query *query) {
  return &query->form;
}

enum query_table query_table(const struct query *query) {
  return query->table;
}

const struct call *query_call(const struct query *query) {
  return query->call;
}

struct view query_token(const struct query *query) {
  return query->token;
}

struct view query_target_text(const struct query *query) {
  return has_target_spelling(query) ? text_view(&query->target) : value_or_empty(query, "target");
}

struct view query_target_host(const struct query *query) {
  return has_target_spelling(query) ? target_host(text_view(&query->target), query->mode)
                                    : VIEW("");
}

enum query_mode query_mode(const struct query *query) {
  return query->mode;
}

enum query_output query_output(const struct query *query) {
  return query->output;
}

int64_t query_limit(const struct query *query) {
  return query->limit;
}

int64_t query_offset(const struct query *query) {
  return query->offset;
}

const struct columns *query_select(const struct query *query) {
  return &query->select;
}

const struct columns *query_order(const struct query *query) {
  return &query->order;
}

const struct conditions *query_where(const struct query *query) {
  return &query->where;
}

const struct conditions *query_having(const struct query *query) {
  return &query->having;
}

struct view query_normal(const struct query *query) {
  return text_view(&query->normal);
}

const struct digest *query_key(const struct query *query) {
  return &query->key;
}

static bool has_subject(const struct query *query) {
  return query->call
             ? query->call->endpoint != NULL
             : query->table == QUERY_BACKLINKS_NEW_LOST && query->mode != QUERY_MODE_UNKNOWN;
}

static bool is_of_answer(struct view name) {
  return view_has_word(VIEW("select where order_by limit"), name);
}

static void write_subject(const struct query *query, struct normal *normal) {
  if (query->call) {
    write_call(query->call, is_of_answer, normal);
    return;
  }
  write_from(query, VIEW("from"), normal);
  write_mode(query, VIEW("mode"), normal);
  write_target(query, VIEW("target"), normal);
}

bool query_subject(const struct query *query, struct digest *subject) {
  struct normal normal = {0};
  *subject = (struct digest){0};
  if (!has_subject(query))
    return false;
  write_subject(query, &normal);
  scope_text struct text text = {0};
  text_add(&text, VIEW("rowcache subject 1\n")); /* so that it is no query's key */
  text_add(&text, text_view(&normal.text));
  bool ok = normal_ok(&normal) && text_ok(&text);
  if (ok)
    *subject = digest_sha256(text_view(&text));
  normal_free(&normal);
  return ok;
}

static int64_t count_conditions(const struct conditions *set) {
  return set->present && !set->parsed ? 1 : (int64_t)set->count;
}

int64_t query_condition_count(const struct query *query) {
  if (query->call)
    return query->call->where ? (int64_t)filter_count(query->call->where) : query->call->has_where;
  return count_conditions(&query->where) + count_conditions(&query->having);
}

bool query_changed(const struct query *query, const struct query_change *change, struct query **out,
                   struct fault *fault) {
  CHECK(query->table == QUERY_BACKLINKS_NEW_LOST);
  struct normal normal = {0};
  *out = NULL;
  write_parts(query, change, &normal);
  bool ok = normal_ok(&normal) ? query_parse(text_view(&normal.text), VIEW(""), out, fault)
                               : fault_no_memory(fault);
  normal_free(&normal);
  return ok;
}

/* `token` and `output` have a meaning in every table. */
size_t query_rest(const struct query *query, const struct form_pair *rest[QUERY_PARAMETERS_MAX]) {
  size_t count = 0;
  bool any_table = query->table != QUERY_BACKLINKS_NEW_LOST;
  for (size_t i = 0; i < query->form.count; i++) {
    struct view name = query->form.pairs[i].name;
    if (!view_is(name, "token") && !view_is(name, "output") && (any_table || !is_of_table(name)))
      rest[count++] = &query->form.pairs[i];
  }
  qsort(rest, count, sizeof *rest, order_by_name);
  return count;
}

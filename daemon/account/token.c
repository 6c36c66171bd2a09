/* The list of tokens, and the changes to them. */
#include "account/account.h"

#include "base/num.h"
#include "ledger/zone.h"

/* --- budgets --- */

/* The member `rows` or `units`, and which of them it is. */
static void write_most(struct json *json, struct amount most) {
  const char *word = currency_words[most.currency];
  json_amount(json, word, most);
  json_text(json, "currency", view_of(word));
}

void account_write_budget(struct json *json, const char *name,
                          const struct token_account *account) {
  char moment[ZONE_TIME_SIZE];
  if (!account->has_budget) {
    json_null(json, name);
    return;
  }
  json_map(json, name);
  write_most(json, account->budget.most);
  json_text(json, "per", view_of(token_per_words[account->budget.per]));
  json_amount(json, "spent", account->spent);
  json_amount(json, "reserved", account->reserved);
  json_amount(json, "left", account->left);
  if (account->starts_over)
    json_text(json, "begins_anew", view_of(zone_print(account->starts_over, moment)));
  else
    json_null(json, "begins_anew");
  json_bool(json, "warning", account->warning);
  json_map_end(json);
}

/* --- the list --- */

/* null for 0: not known, or never. */
static void write_moment(struct json *json, const char *name, int64_t milliseconds) {
  if (milliseconds)
    json_integer(json, name, milliseconds / 1000);
  else
    json_null(json, name);
}

static void write_day(struct json *json, const char *name, int32_t day) {
  char date[NUM_DATE_SIZE];
  if (day < 0) {
    json_null(json, name);
    return;
  }
  num_print_date(day, date);
  json_text(json, name, view_of(date));
}

static void write_token(void *context, const struct token_row *row) {
  struct json *json = context;
  json_map(json, NULL);
  json_text(json, "token", view_of(row->label));
  json_text(json, "fingerprint", view_of(row->digits));
  json_text(json, "kind", view_of(token_kind_words[row->kind]));
  json_bool(json, "revoked", row->revoked_at != 0);
  json_bool(json, "no_cache", row->no_cache);
  write_moment(json, "created_at", row->created_at);
  write_moment(json, "revoked_at", row->revoked_at);
  write_day(json, "last_used", row->last_day);
  account_write_budget(json, "budget", &row->account);
  json_map_end(json);
}

bool account_tokens(const struct account_call *call, struct text *out, struct fault *fault) {
  struct json json;
  json_begin(&json, out);
  json_map(&json, NULL);
  json_list(&json, "tokens");
  bool ok = token_list(call->ledger, write_token, &json, fault);
  json_list_end(&json);
  json_text(&json, "currency", view_of(currency_words[call->currency]));
  json_map_end(&json);
  return json_end(&json, ok ? fault : NULL) && ok;
}

/* --- parameters of a change --- */

static bool need(const struct account_call *call, const char *name, struct view *value,
                 struct fault *fault) {
  const struct view *found = form_get(call->form, name);
  if (!found)
    return fault_set(fault, FAULT_MALFORMED, "'%s' is missing", name);
  *value = *found;
  return true;
}

static bool read_per(const struct form *form, enum token_per *per, struct fault *fault) {
  const struct view *word = form_get(form, "per");
  *per = TOKEN_PER_TOTAL;
  for (size_t i = 0; word && i < sizeof token_per_words / sizeof *token_per_words; i++)
    if (view_is(*word, token_per_words[i])) {
      *per = (enum token_per)i;
      return true;
    }
  return !word || fault_set(fault, FAULT_MALFORMED, "'per' is day, month or total");
}

static bool read_most(struct view text, enum currency currency, struct amount *most,
                      struct fault *fault) {
  static const char *const forms[CURRENCIES] = {"number of rows, such as 1000 or 0.2",
                                                "whole number of units, such as 50000"};
  return amount_parse(text, currency, most) ||
         fault_set(fault, FAULT_MALFORMED, "'budget' is a %s, or none", forms[currency]);
}

/* `*budget` is `space`, or NULL without a budget: it is missing, or "none". */
static bool read_budget(const struct account_call *call, struct token_budget *space,
                        const struct token_budget **budget, struct fault *fault) {
  const struct view *most = form_get(call->form, "budget");
  bool is_none = !most || view_is(*most, "none");
  *budget = is_none ? NULL : space;
  if (is_none && form_get(call->form, "per"))
    return fault_set(fault, FAULT_MALFORMED, "'per' needs a budget");
  return is_none || (read_most(*most, call->currency, &space->most, fault) &&
                     read_per(call->form, &space->per, fault));
}

static bool check_right(const struct account_call *call, struct fault *fault) {
  struct view right = VIEW("");
  return need(call, "right", &right, fault) &&
         (view_is(right, "no-cache") ||
          fault_set(fault, FAULT_MALFORMED,
                    "the only right there is to allow or deny is no-cache"));
}

/* --- changes --- */

/* The answer to a change. */
struct changed {
  struct view name;
  char token[TOKEN_SIZE]; /* empty: none was made */
};

static bool change_add(const struct account_call *call, struct changed *changed,
                       struct fault *fault) {
  struct token_budget space;
  const struct token_budget *budget;
  return read_budget(call, &space, &budget, fault) &&
         token_add(call->ledger, changed->name, budget, changed->token, fault);
}

static bool change_register(const struct account_call *call, struct changed *changed,
                            struct fault *fault) {
  struct token_budget space;
  const struct token_budget *budget;
  struct view token;
  return need(call, "token", &token, fault) && read_budget(call, &space, &budget, fault) &&
         token_register(call->ledger, changed->name, token, budget, fault);
}

static bool change_rotate(const struct account_call *call, struct changed *changed,
                          struct fault *fault) {
  return token_rotate(call->ledger, changed->name, changed->token, fault);
}

static bool change_revoke(const struct account_call *call, struct changed *changed,
                          struct fault *fault) {
  return token_revoke(call->ledger, changed->name, fault);
}

static bool change_rename(const struct account_call *call, struct changed *changed,
                          struct fault *fault) {
  struct view label = changed->name;
  return need(call, "new", &changed->name, fault) &&
         token_rename(call->ledger, label, changed->name, fault);
}

static bool change_budget(const struct account_call *call, struct changed *changed,
                          struct fault *fault) {
  struct token_budget space;
  const struct token_budget *budget;
  struct view most;
  return need(call, "budget", &most, fault) && read_budget(call, &space, &budget, fault) &&
         token_budget_set(call->ledger, changed->name, budget, fault);
}

static bool change_allow(const struct account_call *call, struct changed *changed,
                         struct fault *fault) {
  return check_right(call, fault) && token_allow(call->ledger, changed->name, true, fault);
}

static bool change_deny(const struct account_call *call, struct changed *changed,
                        struct fault *fault) {
  return check_right(call, fault) && token_allow(call->ledger, changed->name, false, fault);
}

static const struct action {
  const char *word;
  const char *parameters; /* beside `name` */
  bool (*run)(const struct account_call *call, struct changed *changed, struct fault *fault);
} actions[] = {
#define TOKEN_ACTION(word, command, second, parameters, options, usage, help) \
  {#word, parameters, change_##word},
#include "tables/token_actions.def"
#undef TOKEN_ACTION
};
#define ACTIONS (sizeof actions / sizeof *actions)

static bool refuse_action(struct fault *fault) {
  scope_text struct text words = {0};
  for (size_t i = 0; i < ACTIONS; i++)
    text_printf(&words, "%s%s", i ? ", " : "", actions[i].word);
  return fault_set(fault, FAULT_UNKNOWN_PATH, "there is no such change to a token; known: %s",
                   text_string(&words));
}

static const struct action *find_action(struct view word, struct fault *fault) {
  for (size_t i = 0; i < ACTIONS; i++)
    if (view_is(word, actions[i].word))
      return &actions[i];
  refuse_action(fault);
  return NULL;
}

static bool check_parameters(const struct action *action, const struct form *form,
                             struct fault *fault) {
  for (size_t i = 0; i < form->count; i++)
    if (!view_is(form->pairs[i].name, "name") &&
        !view_has_word(view_of(action->parameters), form->pairs[i].name))
      return fault_set(fault, FAULT_MALFORMED, "'%s' is no parameter of %s",
                       FORM_SHOWN(form->pairs[i].name), action->word);
  return true;
}

static bool write_changed(const struct changed *changed, struct text *out, struct fault *fault) {
  struct json json;
  json_begin(&json, out);
  json_map(&json, NULL);
  json_text(&json, "name", changed->name);
  if (*changed->token)
    json_text(&json, "token", view_of(changed->token));
  json_map_end(&json);
  return json_end(&json, fault);
}

bool account_token(const struct account_call *call, struct text *out, struct fault *fault) {
  struct changed changed = {.token = ""};
  const struct action *action = find_action(call->rest, fault);
  bool ok = action && check_parameters(action, call->form, fault) &&
            need(call, "name", &changed.name, fault) && action->run(call, &changed, fault) &&
            write_changed(&changed, out, fault);
  explicit_bzero(changed.token, sizeof changed.token);
  return ok;
}

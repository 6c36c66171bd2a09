/* A budget bounds the spending of a token in a window of days. Each reservation is held against it.
 * The figures are the totals that the reports show, and the open reservations. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#include <stdio.h>

/* -- Windows -- */

struct window {
  int32_t since, until;
  int64_t ends; /* seconds since 1970; 0: never */
};

static struct window window_of(enum token_per per, int32_t day) {
  int32_t month = zone_month(day), next = zone_next_month(day);
  switch (per) {
  case TOKEN_PER_DAY:
    return (struct window){day, day, zone_begins(day + 1)};
  case TOKEN_PER_MONTH:
    return (struct window){month, next - 1, zone_begins(next)};
  case TOKEN_PER_TOTAL:
    break;
  }
  return (struct window){INT32_MIN, INT32_MAX, 0};
}

/* -- Figures -- */

/* `out` has the currency that is summed. */
static bool sum(struct db *db, int number, struct db_values values, struct amount *out,
                struct fault *fault) {
  struct db_statement *row;
  bool ok = db_find(db, number, values, &row, fault);
  *out = row ? column_amount(row, 0, out->currency) : amount_zero(out->currency);
  db_done(row);
  return ok;
}

static bool sum_spent(const struct budget_holder *holder, const struct window *window,
                      struct amount *spent, struct fault *fault) {
  return sum(holder->db, LEDGER_SQL_SUM_SPENT,
             DB_VALUES(DB_INT(holder->token), DB_INT(spent->currency), DB_INT(window->since),
                       DB_INT(window->until)),
             spent, fault);
}

static bool sum_reserved(const struct budget_holder *holder, struct amount *reserved,
                         struct fault *fault) {
  return sum(holder->db, LEDGER_SQL_SUM_RESERVED,
             DB_VALUES(DB_INT(holder->token), DB_INT(reserved->currency)), reserved, fault);
}

/* `ids`: of the unsettled requests, those of the window's days are summed. */
static bool sum_unsettled(const struct budget_holder *holder, const struct window *window,
                          struct view ids, struct amount *most, struct fault *fault) {
  return sum(holder->db, LEDGER_SQL_SUM_UNSETTLED,
             DB_VALUES(DB_INT(holder->token), DB_INT(most->currency), DB_INT(window->since),
                       DB_INT(window->until), DB_TEXT(ids)),
             most, fault);
}

/* A request whose settlement could not be written counts as spent on its day, and not as
 * reserved. */
static bool move_unsettled(const struct budget_holder *holder, const struct window *window,
                           struct token_account *account, struct fault *fault) {
  static const struct window always = {INT32_MIN, INT32_MAX, 0};
  scope_text struct text ids = {0};
  enum currency currency = account->budget.most.currency;
  struct amount spent = amount_zero(currency), reserved = spent;
  if (!entries_list_unsettled(holder->ledger, &ids, fault))
    return false;
  if (!ids.length)
    return true;
  if (!sum_unsettled(holder, window, text_view(&ids), &spent, fault) ||
      !sum_unsettled(holder, &always, text_view(&ids), &reserved, fault))
    return false;
  account->spent = amount_add(account->spent, spent);
  account->reserved = amount_subtract(account->reserved, reserved);
  return true;
}

static bool reaches(const struct ledger *ledger, struct amount used, struct amount budget) {
  int64_t percent = atomic_load(&ledger->warning_percent);
  return percent > 0 && amount_order(amount_times(used, 100), amount_times(budget, percent)) >= 0;
}

/* The account of a token with this budget, on a day. */
static bool sum_account(const struct budget_holder *holder, const struct token_budget *budget,
                        int32_t day, struct token_account *account, struct fault *fault) {
  struct window window = window_of(budget->per, day);
  struct amount zero = amount_zero(budget->most.currency);
  *account = (struct token_account){.has_budget = true,
                                    .budget = *budget,
                                    .spent = zero,
                                    .reserved = zero,
                                    .starts_over = window.ends};
  if (!sum_spent(holder, &window, &account->spent, fault) ||
      !sum_reserved(holder, &account->reserved, fault) ||
      !move_unsettled(holder, &window, account, fault))
    return false;
  struct amount used = amount_add(account->spent, account->reserved);
  account->left = amount_subtract(budget->most, used);
  if (amount_is_negative(account->left))
    account->left = amount_zero(used.currency);
  account->warning = reaches(holder->ledger, used, budget->most);
  return true;
}

/* Three columns: the amount (-1: no budget), the currency, and the window. */
static const struct token_budget *read_budget(struct db_statement *statement, int column,
                                              struct token_budget *budget) {
  budget->most =
      (struct amount){column_currency(statement, column + 1), db_integer(statement, column)};
  int64_t per = db_integer(statement, column + 2);
  budget->per =
      per == TOKEN_PER_DAY || per == TOKEN_PER_MONTH ? (enum token_per)per : TOKEN_PER_TOTAL;
  return amount_is_negative(budget->most) ? NULL : budget;
}

bool budget_read_account(const struct budget_holder *holder, struct db_statement *row, int column,
                         struct token_account *account, struct fault *fault) {
  struct token_budget space;
  const struct token_budget *budget = read_budget(row, column, &space);
  *account = (struct token_account){.has_budget = false};
  return !budget || sum_account(holder, budget, zone_day(clock_milliseconds()), account, fault);
}

bool budget_read_usage(const struct budget_holder *holder, struct db_statement *row, int column,
                       enum currency currency, struct token_usage *usage, struct fault *fault) {
  const struct token_budget nothing = {amount_zero(currency), TOKEN_PER_TOTAL};
  struct token_account account;
  struct token_budget space;
  const struct token_budget *budget = read_budget(row, column, &space);
  usage->has_limit = budget && budget->most.currency == currency;
  if (!sum_account(holder, usage->has_limit ? budget : &nothing, zone_day(clock_milliseconds()),
                   &account, fault))
    return false;
  usage->limit = account.budget.most;
  usage->left = account.left;
  usage->used = amount_add(account.spent, account.reserved);
  usage->starts_over = account.starts_over;
  return true;
}

/* -- Admitting -- */

struct terms {
  bool current; /* the entry's fingerprint is the token's, not that of before it was rotated */
  bool revoked;
  char label[LEDGER_LABEL_SIZE];
  struct token_budget space;
  const struct token_budget *budget; /* NULL: none */
  bool was_warned; /* in the window that begins on the day `warned`. After a clock that was ahead,
                      the day can be one to come: such a warning does not count */
  int64_t warned;
};

static bool read_terms(const struct budget_holder *holder, const struct digest *fingerprint,
                       struct terms *terms, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(holder->db, LEDGER_SQL_FIND_TERMS,
               DB_VALUES(DB_INT(holder->token), DB_BLOB(column_bytes(fingerprint))), &row, fault))
    return false;
  if (!row)
    return fault_set(fault, FAULT_INTERNAL, "ledger.db is damaged: token %lld is not there",
                     (long long)holder->token);
  terms->current = db_integer(row, 0) != 0;
  terms->revoked = db_integer(row, 1) != 0;
  label_print(db_text(row, 2), fingerprint, terms->label);
  terms->budget = read_budget(row, 3, &terms->space);
  terms->was_warned = !db_is_null(row, 6);
  terms->warned = db_integer(row, 6);
  db_done(row);
  return true;
}

static const char *print_end(int64_t ends, char out[128]) {
  char time[ZONE_TIME_SIZE];
  if (!ends) {
    snprintf(out, 128, "the budget does not start over");
    return out;
  }
  zone_print(ends, time);
  snprintf(out, 128, "the budget starts over on %.10s %.5s %s", time, time + 11, zone_name());
  return out;
}

static const char *print_reserved(struct amount reserved, char out[128]) {
  out[0] = '\0';
  if (!amount_is_zero(reserved))
    snprintf(out, 128, " (%s more are reserved by requests under way)", AMOUNT_TEXT(reserved));
  return out;
}

/* A request that reservations alone keep from fitting may fit as soon as they are settled. */
static int64_t retry_after(const struct token_account *account, struct amount most) {
  bool fits_once_settled =
      amount_order(amount_add(account->spent, most), account->budget.most) <= 0;
  int64_t seconds = account->starts_over - clock_seconds();
  if (!fits_once_settled && !account->starts_over)
    return 0;
  return fits_once_settled || seconds < 1 ? 1 : seconds;
}

static bool refuse(const struct terms *terms, const struct token_account *account,
                   struct amount most, struct fault *fault) {
  static const char *const windows[] = {"in all", "today", "this month"};
  char end[128], reserved[128];
  fault_set(fault, FAULT_OVER_BUDGET,
            "token '%s' has %s of %s %s left %s%s; this request could cost %s; %s", terms->label,
            AMOUNT_TEXT(account->left), AMOUNT_TEXT(account->budget.most),
            currency_words[most.currency], windows[account->budget.per],
            print_reserved(account->reserved, reserved), AMOUNT_TEXT(most),
            print_end(account->starts_over, end));
  fault->retry_after = retry_after(account, most);
  return false;
}

static bool hold(const struct ledger_entry *entry, const struct budget_holder *holder,
                 const struct terms *terms, struct fault *fault) {
  struct token_account account;
  const struct ledger_request *request = &entry->request;
  struct amount most = request->most;
  if (request->is_whole)
    most = amount_add(most, request->beside);
  if (!sum_account(holder, terms->budget, zone_day(entry->at), &account, fault))
    return false;
  return amount_order(most, account.left) <= 0 || refuse(terms, &account, most, fault);
}

/* A budget holds for requests of its currency alone. */
static bool holds(const struct terms *terms, enum currency currency) {
  return terms->budget && terms->budget->most.currency == currency;
}

bool budget_admit(struct ledger_entry *entry, struct db *db, int64_t token, struct fault *fault) {
  struct terms terms;
  struct amount most = entry->request.most;
  const struct budget_holder holder = {entry->ledger, db, token};
  if (!read_terms(&holder, &entry->request.token, &terms, fault))
    return false;
  if (terms.revoked || !terms.current)
    return fault_set(fault, FAULT_BAD_TOKEN, "token '%s' %s", terms.label,
                     terms.revoked ? "is revoked" : "was replaced by a new one; use that");
  entry->has_budget = holds(&terms, most.currency);
  return !entry->has_budget || amount_is_zero(most) || hold(entry, &holder, &terms, fault);
}

/* -- Warning -- */

static bool was_warned(const struct terms *terms, const struct window *window) {
  return terms->was_warned && terms->warned >= window->since &&
         terms->warned <= zone_day(clock_milliseconds());
}

static struct budget_warning warning_of(const struct terms *terms, struct amount spent) {
  struct budget_warning warning = {.is_due = true, .used = spent, .budget = terms->budget->most};
  memcpy(warning.label, terms->label, sizeof warning.label);
  return warning;
}

bool budget_settled(const struct budget_holder *holder, const struct budget_change *change,
                    struct budget_warning *warning, struct fault *fault) {
  struct terms terms;
  struct amount spent = amount_zero(change->currency);
  *warning = (struct budget_warning){.is_due = false};
  if (!read_terms(holder, change->fingerprint, &terms, fault))
    return false;
  if (!holds(&terms, change->currency))
    return true;
  struct window window = window_of(terms.budget->per, change->day);
  if (!sum_spent(holder, &window, &spent, fault))
    return false;
  if (amount_is_zero(spent) || !reaches(holder->ledger, spent, terms.budget->most) ||
      was_warned(&terms, &window))
    return true;
  *warning = warning_of(&terms, spent);
  return db_do(holder->db, LEDGER_SQL_SET_WARNED,
               DB_VALUES(DB_INT(holder->token), DB_INT(window.since)), fault);
}

void budget_warn(const struct budget_warning *warning) {
  if (warning->is_due)
    log_warning(EVENT_budget_warning, "token=%s used=%s budget=%s%s", LOG_VALUE(warning->label),
                AMOUNT_TEXT(warning->used), AMOUNT_TEXT(warning->budget),
                currency_mark(warning->used.currency));
}

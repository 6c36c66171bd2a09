/* Changes to tokens. A change is one job: it changes the rows and reads the facts on all tokens.
 * Once that is durable, the facts replace those in memory. */
#include "ledger/token.h"

#include "base/clock.h"
#include "base/token_text.h"
#include "ledger/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

const char *const token_kind_words[3] = {"seen", "registered", "issued"};
const char *const token_per_words[3] = {"total", "day", "month"};

struct change {
  struct ledger_task task;
  bool (*apply)(const struct change *change, struct db *db, struct fault *fault);
  struct view label, name;
  struct digest fingerprint;
  const struct token_budget *budget;
  bool no_cache;
  struct known *known; /* the facts after this change */
};

/* -- One change -- */

static bool change_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct change *change = (struct change *)job;
  return change->apply(change, db, fault) && known_read(db, &change->known, fault);
}

static void change_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct change *change = (struct change *)job;
  tasks_note_write(change->task.ledger, ok, fault);
  if (ok)
    known_take(change->task.ledger, &change->known);
  known_free(&change->known);
}

static bool run(struct ledger *ledger, struct change *change, struct fault *fault) {
  change->task.job = (struct keeper_job){.work = change_work, .done = change_done};
  return tasks_run(ledger, &change->task, fault);
}

/* -- Arguments -- */

static bool check_budget(const struct token_budget *budget, struct fault *fault) {
  return !budget || !amount_is_negative(budget->most) ||
         fault_set(fault, FAULT_MALFORMED, "a budget cannot be below zero");
}

static bool check_ahrefs_token(struct view token, struct fault *fault) {
  return (token.length <= TOKEN_TEXT_MOST && token_text_ok(token)) ||
         fault_set(fault, FAULT_MALFORMED,
                   "that cannot be a token: write 1 to %d visible ASCII characters",
                   TOKEN_TEXT_MOST);
}

static bool make_token(char token[TOKEN_SIZE], struct fault *fault) {
  static const char digits[] = "0123456789abcdef";
  uint8_t bytes[(TOKEN_SIZE - 1) / 2];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return fault_set(fault, FAULT_INTERNAL, "cannot get random bytes: %s", strerror(errno));
  for (size_t i = 0; i < sizeof bytes; i++) {
    token[2 * i] = digits[bytes[i] >> 4];
    token[2 * i + 1] = digits[bytes[i] & 15];
  }
  token[TOKEN_SIZE - 1] = '\0';
  explicit_bzero(bytes, sizeof bytes);
  return true;
}

/* Makes the token of a change and runs the change; wipes the token if the change fails. */
static bool run_with_token(struct ledger *ledger, struct change *change, char token[TOKEN_SIZE],
                           struct fault *fault) {
  memset(token, 0, TOKEN_SIZE);
  if (!make_token(token, fault))
    return false;
  change->fingerprint = ledger_fingerprint(ledger, view_of(token));
  if (run(ledger, change, fault))
    return true;
  explicit_bzero(token, TOKEN_SIZE);
  return false;
}

/* `own`: the id of the token that may have the name already; 0: none. */
static bool name_is_free(struct db *db, struct view name, int64_t own, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, LEDGER_SQL_FIND_NAMED, DB_VALUES(DB_TEXT(name)), &row, fault))
    return false;
  bool is_free = !row || db_integer(row, 0) == own;
  db_done(row);
  return is_free || fault_set(fault, FAULT_MALFORMED,
                              "there is a token '%.*s' already: choose another name, or rename "
                              "that one",
                              VIEW_ARGS(name));
}

/* -- Adding and registering -- */

/* A budget as three values. */
static struct db_value most_of(const struct token_budget *budget) {
  return budget ? DB_INT(budget->most.parts) : DB_NULL;
}

static struct db_value currency_of(const struct token_budget *budget) {
  return DB_INT(budget ? budget->most.currency : CURRENCY_ROWS);
}

static struct db_value per_of(const struct token_budget *budget) {
  return DB_INT(budget ? budget->per : TOKEN_PER_TOTAL);
}

static bool put(const struct change *change, struct db *db, enum token_kind kind,
                struct fault *fault) {
  return name_is_free(db, change->name, 0, fault) &&
         db_do(db, LEDGER_SQL_PUT_TOKEN,
               DB_VALUES(DB_BLOB(column_bytes(&change->fingerprint)), DB_TEXT(change->name),
                         DB_INT(kind), DB_INT(clock_milliseconds()), most_of(change->budget),
                         currency_of(change->budget), per_of(change->budget)),
               fault);
}

static bool apply_add(const struct change *change, struct db *db, struct fault *fault) {
  return put(change, db, TOKEN_ISSUED, fault);
}

bool token_add(struct ledger *ledger, struct view name, const struct token_budget *budget,
               char token[TOKEN_SIZE], struct fault *fault) {
  struct change change = {.apply = apply_add, .name = name, .budget = budget};
  return label_check_name(name, fault) && check_budget(budget, fault) &&
         run_with_token(ledger, &change, token, fault);
}

static bool may_register(const struct identity *found, struct fault *fault) {
  if (found->kind == TOKEN_ISSUED)
    return fault_set(fault, FAULT_MALFORMED,
                     "this token was issued here, as '%s'; it is not a token of Ahrefs", found->label);
  return found->kind != TOKEN_REGISTERED || found->revoked ||
         fault_set(fault, FAULT_MALFORMED,
                   "this token is registered already, as '%s': rename it, or set its budget",
                   found->label);
}

/* Registers a token that was only seen until now, or was revoked. */
static bool take_over(const struct change *change, struct db *db, int64_t id, struct fault *fault) {
  struct identity found = {0};
  return identity_by_id(db, id, &found, fault) && may_register(&found, fault) &&
         name_is_free(db, change->name, id, fault) &&
         db_do(db, LEDGER_SQL_REGISTER_TOKEN,
               DB_VALUES(DB_INT(id), DB_TEXT(change->name), DB_INT(clock_milliseconds()),
                         most_of(change->budget), currency_of(change->budget),
                         per_of(change->budget)),
               fault);
}

static bool apply_register(const struct change *change, struct db *db, struct fault *fault) {
  int64_t id;
  if (!identity_find(db, &change->fingerprint, &id, fault))
    return false;
  return id ? take_over(change, db, id, fault) : put(change, db, TOKEN_REGISTERED, fault);
}

bool token_register(struct ledger *ledger, struct view name, struct view token,
                    const struct token_budget *budget, struct fault *fault) {
  struct change change = {.apply = apply_register, .name = name, .budget = budget};
  if (!label_check_name(name, fault) || !check_budget(budget, fault) ||
      !check_ahrefs_token(token, fault))
    return false;
  change.fingerprint = ledger_fingerprint(ledger, token);
  return run(ledger, &change, fault);
}

/* -- Changing -- */

static bool apply_rename(const struct change *change, struct db *db, struct fault *fault) {
  struct identity found;
  return identity_by_label(db, change->label, &found, fault) &&
         name_is_free(db, change->name, found.id, fault) &&
         db_do(db, LEDGER_SQL_RENAME_TOKEN, DB_VALUES(DB_INT(found.id), DB_TEXT(change->name)),
               fault);
}

bool token_rename(struct ledger *ledger, struct view label, struct view name, struct fault *fault) {
  struct change change = {.apply = apply_rename, .label = label, .name = name};
  return label_check_name(name, fault) && run(ledger, &change, fault);
}

static bool apply_revoke(const struct change *change, struct db *db, struct fault *fault) {
  struct identity found;
  return identity_by_label(db, change->label, &found, fault) &&
         db_do(db, LEDGER_SQL_REVOKE_TOKEN,
               DB_VALUES(DB_INT(found.id), DB_INT(clock_milliseconds())), fault);
}

bool token_revoke(struct ledger *ledger, struct view label, struct fault *fault) {
  struct change change = {.apply = apply_revoke, .label = label};
  return run(ledger, &change, fault);
}

static bool may_rotate(const struct identity *found, struct fault *fault) {
  if (found->kind != TOKEN_ISSUED)
    return fault_set(fault, FAULT_MALFORMED,
                     "token '%s' was not issued here: only Ahrefs can give it another text",
                     found->label);
  return !found->revoked ||
         fault_set(fault, FAULT_MALFORMED,
                   "token '%s' is revoked: add a new one (rename this one first if the new one is "
                   "to have its name)",
                   found->label);
}

static bool apply_rotate(const struct change *change, struct db *db, struct fault *fault) {
  struct identity found;
  return identity_by_label(db, change->label, &found, fault) && may_rotate(&found, fault) &&
         db_do(db, LEDGER_SQL_RETIRE_TOKEN, DB_VALUES(DB_INT(found.id)), fault) &&
         db_do(db, LEDGER_SQL_ROTATE_TOKEN,
               DB_VALUES(DB_INT(found.id), DB_BLOB(column_bytes(&change->fingerprint))), fault);
}

bool token_rotate(struct ledger *ledger, struct view label, char token[TOKEN_SIZE],
                  struct fault *fault) {
  struct change change = {.apply = apply_rotate, .label = label};
  return run_with_token(ledger, &change, token, fault);
}

static bool apply_budget(const struct change *change, struct db *db, struct fault *fault) {
  struct identity found;
  return identity_by_label(db, change->label, &found, fault) &&
         db_do(db, LEDGER_SQL_SET_BUDGET,
               DB_VALUES(DB_INT(found.id), most_of(change->budget), currency_of(change->budget),
                         per_of(change->budget)),
               fault);
}

bool token_budget_set(struct ledger *ledger, struct view label, const struct token_budget *budget,
                      struct fault *fault) {
  struct change change = {.apply = apply_budget, .label = label, .budget = budget};
  return check_budget(budget, fault) && run(ledger, &change, fault);
}

static bool apply_allow(const struct change *change, struct db *db, struct fault *fault) {
  struct identity found;
  return identity_by_label(db, change->label, &found, fault) &&
         db_do(db, LEDGER_SQL_SET_NO_CACHE, DB_VALUES(DB_INT(found.id), DB_INT(change->no_cache)),
               fault);
}

bool token_allow(struct ledger *ledger, struct view label, bool no_cache, struct fault *fault) {
  struct change change = {.apply = apply_allow, .label = label, .no_cache = no_cache};
  return run(ledger, &change, fault);
}

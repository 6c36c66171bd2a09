/* Entries: reserving and settling. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#include <stdio.h>
#include <utlist.h>

enum state { STATE_OPEN, STATE_SETTLED, STATE_UNKNOWN }; /* as in sql/ledger/001_account.sql */

/* A reservation that this process made, from then until its settlement is durable. It has what a
 * settlement needs that could not be written, when the entry itself is gone: made with the
 * reservation, so that no settlement is lost for lack of memory. */
struct open_entry {
  struct keeper_job job;
  struct ledger *ledger;
  struct open_entry *prev, *next; /* utlist; under the ledger's lock */
  struct open_entry *due;         /* the next of those that are given together */
  bool failed;                    /* the settlement could not be written; under the lock */
  bool given;                     /* it is with the keeper again; under the lock */
  char request[LEDGER_REQUEST_ID_SIZE];
  struct digest token;
  struct ledger_settlement settlement;
};

/* -- Reserving -- */

static bool insert(struct db *db, const struct ledger_entry *entry, int64_t token,
                   struct fault *fault) {
  bool has_key = !digest_equal(&entry->key, &(struct digest){0});
  if (!db_do(db, LEDGER_SQL_RESERVE,
             DB_VALUES(DB_TEXT(view_of(entry->request)), DB_INT(entry->at),
                       DB_INT(zone_day(entry->at)), DB_INT(token),
                       has_key ? DB_BLOB(column_bytes(&entry->key)) : DB_NULL,
                       DB_TEXT(totals_target(entry->table)), DB_TEXT(totals_target(entry->target)),
                       DB_INT(entry->estimated), DB_INT(entry->most.currency),
                       DB_INT(totals_bounded(entry->most).parts),
                       DB_TEXT(view_of(entry->own.ledger->lease.owner))),
             fault))
    return false;
  return db_changes(db) == 1 ||
         fault_set(fault, FAULT_INTERNAL, "a request named %s is in the ledger already",
                   entry->request);
}

static struct ledger_entry *entry_of(struct keeper_job *job) {
  return (struct ledger_entry *)((char *)job - offsetof(struct ledger_entry, own.job));
}

static bool prepare_open(struct ledger_entry *entry, struct fault *fault) {
  entry->own.open = calloc(1, sizeof *entry->own.open);
  return entry->own.open || fault_no_memory(fault);
}

static void link_open(struct ledger_entry *entry) {
  struct open_entry *open = entry->own.open;
  struct ledger *ledger = open->ledger = entry->own.ledger;
  memcpy(open->request, entry->request, sizeof open->request);
  open->token = entry->token;
  pthread_mutex_lock(&ledger->lock);
  DL_APPEND(ledger->open, open);
  pthread_mutex_unlock(&ledger->lock);
}

static void forget_open(struct open_entry *open) {
  struct ledger *ledger = open->ledger;
  pthread_mutex_lock(&ledger->lock);
  DL_DELETE(ledger->open, open);
  pthread_mutex_unlock(&ledger->lock);
  free(open);
}

/* A stranger's token gets no row before it has spent. */
static bool find_token(struct db *db, const struct ledger_entry *entry, int64_t *id,
                       struct fault *fault) {
  return entry->is_strangers ? identity_find(db, &entry->token, id, fault)
                             : identity_make(db, &entry->token, id, fault);
}

static bool reserve_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  int64_t token;
  struct ledger_entry *entry = entry_of(job);
  if (!prepare_open(entry, fault) || !lease_hold(entry->own.ledger, db, fault) ||
      !find_token(db, entry, &token, fault))
    return false;
  if (!token)
    return identity_make(db, &identity_of_nobody, &token, fault) && insert(db, entry, token, fault);
  return budget_admit(entry->own.ledger, db, token, entry, fault) &&
         insert(db, entry, token, fault);
}

static void reserve_done(struct keeper_job *job, bool ok, const struct fault *why) {
  struct ledger_entry *entry = entry_of(job);
  struct fault fault = *why;
  tasks_note_write(entry->own.ledger, ok, why);
  if (ok) {
    link_open(entry);
    lease_held(entry->own.ledger);
  } else {
    free(steal(entry->own.open));
  }
  if (!ok && why->kind == FAULT_UNAVAILABLE)
    fault_set(&fault, FAULT_UNAVAILABLE, /* a client is told no path; the log has it */
              "the ledger cannot be written: spending is stopped until it can; stored results are "
              "still served");
  entry->own.done(entry->own.context, ok, &fault);
}

static void give(struct ledger *ledger, struct ledger_entry *entry, ledger_done *done,
                 void *context) {
  entry->own.ledger = ledger;
  entry->own.done = done;
  entry->own.context = context;
  keeper_give(ledger->keeper, &entry->own.job);
}

void ledger_reserve(struct ledger *ledger, struct ledger_entry *entry, ledger_done *done,
                    void *context) {
  CHECK(ledger->keeper && !amount_is_negative(entry->most));
  entry->at = clock_milliseconds();
  entry->has_budget = false;
  entry->own.open = NULL;
  entry->own.job = (struct keeper_job){.work = reserve_work, .done = reserve_done};
  give(ledger, entry, done, context);
}

/* -- Settling -- */

/* `changed` is at a row. */
static bool count_settled(struct ledger *ledger, struct db *db, struct db_statement *changed,
                          const struct digest *token, struct ledger_settlement *settlement,
                          struct fault *fault) {
  bool known = settlement->end == LEDGER_SETTLED;
  return totals_add_miss(db, changed, settlement->results, settlement->spent, known, fault) &&
         budget_settled(ledger, db, db_integer(changed, 1), token, column_day(changed, 0),
                        settlement->spent.currency, &settlement->warning, fault);
}

static bool count_void(struct db *db, struct db_statement *deleted, struct fault *fault) {
  struct amounts amounts = totals_none(column_currency(deleted, 2));
  amounts.misses = 1;
  int32_t day = (int32_t)db_integer(deleted, 0);
  return totals_add_token_day(db, day, db_integer(deleted, 1), &amounts, fault) &&
         totals_add_target_day(db, day, VIEW(""), &amounts, fault);
}

static bool make_void(struct db *db, const char *request, struct ledger_settlement *settlement,
                      struct fault *fault) {
  struct db_statement *deleted;
  bool ok =
      db_find(db, LEDGER_SQL_DELETE_OPEN, DB_VALUES(DB_TEXT(view_of(request))), &deleted, fault) &&
      (!deleted || settlement->leaves_totals || count_void(db, deleted, fault));
  settlement->changed = deleted;
  db_done(deleted);
  return ok;
}

static bool settle_open(struct ledger *ledger, struct db *db, const char *request,
                        const struct digest *token, struct ledger_settlement *settlement,
                        struct fault *fault) {
  if (settlement->end == LEDGER_VOID)
    return make_void(db, request, settlement, fault);
  int64_t stranger = 0; /* becomes known here, as something stays of it */
  if (settlement->is_strangers && !identity_make(db, token, &stranger, fault))
    return false;
  bool known = settlement->end == LEDGER_SETTLED;
  struct db_statement *changed;
  bool ok =
      db_find(db, LEDGER_SQL_SETTLE,
              DB_VALUES(DB_TEXT(view_of(request)), DB_INT(known ? STATE_SETTLED : STATE_UNKNOWN),
                        DB_INT(settlement->results), DB_INT(settlement->spent.parts),
                        DB_INT(settlement->at),
                        settlement->is_strangers ? DB_INT(stranger) : DB_NULL),
              &changed, fault) &&
      (!changed || settlement->leaves_totals ||
       count_settled(ledger, db, changed, token, settlement, fault));
  settlement->changed = changed;
  db_done(changed);
  return ok;
}

/* One that was booked, since this run's lease was over, is opened again and settled. */
static bool settle(struct ledger *ledger, struct db *db, const char *request,
                   const struct digest *token, struct ledger_settlement *settlement,
                   struct fault *fault) {
  bool is_lapsed;
  settlement->leaves_totals = false;
  if (!settle_open(ledger, db, request, token, settlement, fault))
    return false;
  if (settlement->changed)
    return true;
  return lease_reopen(ledger, db, request, &is_lapsed, &settlement->leaves_totals, fault) &&
         (!is_lapsed || settle_open(ledger, db, request, token, settlement, fault));
}

/* A settlement that found nothing open has not written: it says nothing about the file. */
static void settled(struct ledger *ledger, const struct ledger_settlement *settlement, bool ok,
                    const struct fault *fault) {
  if (!ok || settlement->changed)
    tasks_note_write(ledger, ok, fault);
  if (ok && settlement->changed)
    budget_warn(&settlement->warning);
}

static bool again_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct open_entry *open = (struct open_entry *)job;
  return settle(open->ledger, db, open->request, &open->token, &open->settlement, fault);
}

static void again_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct open_entry *open = (struct open_entry *)job;
  struct ledger *ledger = open->ledger;
  settled(ledger, &open->settlement, ok, fault);
  if (ok && open->settlement.changed)
    log_info(EVENT_ledger_settled_late, "request=%s spent=%s", LOG_VALUE(open->request),
             AMOUNT_TEXT(open->settlement.spent));
  if (ok) {
    forget_open(open);
    return;
  }
  pthread_mutex_lock(&ledger->lock);
  open->given = false;
  pthread_mutex_unlock(&ledger->lock);
}

/* From now on it counts as spent and unknown at its most, and the timer tries again. */
static void keep_for_later(const struct ledger_entry *entry) {
  struct open_entry *open = entry->own.open;
  struct ledger *ledger = open->ledger;
  open->job = (struct keeper_job){.work = again_work, .done = again_done};
  open->settlement = entry->own.settlement;
  pthread_mutex_lock(&ledger->lock);
  open->failed = true;
  pthread_mutex_unlock(&ledger->lock);
}

/* A chain of all that failed and wait. */
static struct open_entry *take_due(struct ledger *ledger) {
  struct open_entry *open, *due = NULL;
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, open) {
    if (!open->failed || open->given)
      continue;
    open->given = true;
    open->due = due;
    due = open;
  }
  pthread_mutex_unlock(&ledger->lock);
  return due;
}

void entries_retry(struct ledger *ledger) {
  struct open_entry *next;
  for (struct open_entry *open = take_due(ledger); open; open = next) {
    next = open->due;
    keeper_give(ledger->keeper, &open->job);
  }
}

int entries_drop(struct ledger *ledger) {
  int unsettled = 0;
  struct open_entry *open, *next;
  DL_FOREACH_SAFE(ledger->open, open, next) {
    DL_DELETE(ledger->open, open);
    unsettled += open->failed;
    free(open);
  }
  return unsettled;
}

bool entries_list_unsettled(struct ledger *ledger, struct text *ids, struct fault *fault) {
  struct open_entry *open;
  text_clear(ids);
  if (ledger->is_left)
    text_add(ids, VIEW("*"));
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, open) {
    if (open->failed)
      text_printf(ids, "%s%s ", ids->length ? "" : " ", open->request);
  }
  pthread_mutex_unlock(&ledger->lock);
  return text_ok(ids) || fault_no_memory(fault);
}

static bool is_unsettled(struct ledger *ledger, const char *request) {
  struct open_entry *open;
  bool found = ledger->is_left;
  pthread_mutex_lock(&ledger->lock);
  DL_FOREACH(ledger->open, open) {
    found = found || (open->failed && strcmp(open->request, request) == 0);
  }
  pthread_mutex_unlock(&ledger->lock);
  return found;
}

static bool settle_work(struct keeper_job *job, struct db *db, struct fault *fault) {
  struct ledger_entry *entry = entry_of(job);
  return settle(entry->own.ledger, db, entry->request, &entry->token, &entry->own.settlement,
                fault);
}

static void settle_done(struct keeper_job *job, bool ok, const struct fault *fault) {
  struct ledger_entry *entry = entry_of(job);
  settled(entry->own.ledger, &entry->own.settlement, ok, fault);
  if (ok && entry->own.open)
    forget_open(steal(entry->own.open));
  else if (entry->own.open)
    keep_for_later(entry);
  entry->own.done(entry->own.context, ok, fault);
}

void ledger_settle(struct ledger *ledger, struct ledger_entry *entry, enum ledger_end end,
                   int64_t results, struct amount spent, ledger_done *done, void *context) {
  CHECK(ledger->keeper && results >= 0 && !amount_is_negative(spent));
  CHECK(spent.currency == entry->most.currency);
  CHECK(end != LEDGER_VOID || (results == 0 && amount_is_zero(spent)));
  entry->own.settlement = (struct ledger_settlement){
      .end = end,
      .is_strangers = entry->is_strangers,
      .results = results < LEDGER_AMOUNT_MOST ? results : LEDGER_AMOUNT_MOST,
      .spent = totals_bounded(spent),
      .at = clock_milliseconds()};
  entry->own.job = (struct keeper_job){.work = settle_work, .done = settle_done};
  give(ledger, entry, done, context);
}

/* -- Finding -- */

static void read_found(struct ledger *ledger, struct db_statement *row, const char *request,
                       struct ledger_found *found) {
  static const char *const states[] = {"open", "settled", "unknown"};
  struct digest token = column_digest(row, 1);
  int64_t state = db_integer(row, 0);
  bool known = state >= STATE_OPEN && state <= STATE_UNKNOWN;
  snprintf(found->state, sizeof found->state, "%s", known ? states[state] : "damaged");
  ledger_label(ledger, &token, found->token);
  found->at = db_integer(row, 2);
  found->results = db_integer(row, 3);
  enum currency currency = column_currency(row, 4);
  found->most = (struct amount){currency, db_integer(row, 5)};
  found->spent = (struct amount){currency, db_integer(row, 6)};
  found->estimated = db_integer(row, 7) != 0;
  if (state == STATE_OPEN && is_unsettled(ledger, request)) {
    snprintf(found->state, sizeof found->state, "%s", states[STATE_UNKNOWN]);
    found->spent = found->most;
  }
}

bool ledger_find(struct ledger *ledger, const char *request, struct ledger_found *found,
                 bool *exists, struct fault *fault) {
  struct db *db;
  *exists = false;
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  struct db_statement *row;
  bool ok = db_find(db, LEDGER_SQL_FIND_ENTRY, DB_VALUES(DB_TEXT(view_of(request))), &row, fault);
  *exists = row;
  if (row)
    read_found(ledger, row, request, found);
  db_close(&db);
  return ok;
}

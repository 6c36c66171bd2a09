/* Entries are made and reserved. */
#include "ledger/room.h"

#include "base/clock.h"
#include "base/scope.h"

static bool has_digest(const struct digest *digest) {
  return !digest_equal(digest, &(struct digest){0});
}

static struct db_value digest_value(const struct digest *digest) {
  return has_digest(digest) ? DB_BLOB(column_bytes(digest)) : DB_NULL;
}

static bool is_amount_beside(struct amount amount, struct amount most) {
  return amount.currency == most.currency && !amount_is_negative(amount);
}

static bool is_sound(const struct ledger_request *request) {
  return !amount_is_negative(request->most) &&
         (!request->is_whole ||
          (has_digest(&request->subject) && is_amount_beside(request->offer, request->most) &&
           is_amount_beside(request->beside, request->most)));
}

struct ledger_entry *ledger_entry_create(const struct ledger_request *request) {
  CHECK(is_sound(request));
  struct ledger_entry *entry = calloc(1, sizeof *entry);
  if (entry)
    entry->request = *request;
  return entry;
}

void ledger_entry_release(struct ledger_entry **address) {
  struct ledger_entry *entry = steal(*address);
  CHECK(!entry || !entry->is_listed);
  free(entry);
}

bool ledger_entry_has_budget(const struct ledger_entry *entry) {
  return entry->has_budget;
}

static bool insert(struct db *db, const struct ledger_entry *entry, int64_t token,
                   struct fault *fault) {
  const struct ledger_request *request = &entry->request;
  if (!db_do(db, LEDGER_SQL_RESERVE,
             DB_VALUES(
                 DB_TEXT(view_of(request->id)), DB_INT(entry->at), DB_INT(zone_day(entry->at)),
                 DB_INT(token), digest_value(&request->key), DB_TEXT(totals_target(request->table)),
                 DB_TEXT(totals_target(request->target)), DB_INT(request->estimated),
                 DB_INT(request->most.currency), DB_INT(totals_bounded(request->most).parts),
                 DB_TEXT(view_of(entry->ledger->lease.owner)), digest_value(&request->subject),
                 request->is_whole ? DB_INT(totals_bounded(request->offer).parts) : DB_NULL,
                 DB_INT(!request->is_further)),
             fault))
    return false;
  return db_changes(db) == 1 ||
         fault_set(fault, FAULT_INTERNAL, "a request named %s is in the ledger already",
                   request->id);
}

/* 0: nothing has cost anything. */
static bool find_dearest(struct db *db, struct view source, enum currency currency, int64_t *parts,
                         struct fault *fault) {
  struct db_statement *dearest;
  if (!db_find(db, LEDGER_SQL_FIND_DEAREST, DB_VALUES(DB_TEXT(source), DB_INT(currency)), &dearest,
               fault))
    return false;
  *parts = dearest ? db_integer(dearest, 0) : 0;
  db_done(dearest);
  return true;
}

/* What the like of this request cost before. */
static bool learn_price(struct db *db, struct ledger_request *request, struct fault *fault) {
  int64_t alike, any;
  if (!*request->alike)
    return true;
  if (!find_dearest(db, view_of(request->alike), request->most.currency, &alike, fault) ||
      !find_dearest(db, column_beginning(request->alike), request->most.currency, &any, fault))
    return false;
  if (alike)
    request->most.parts = alike;
  else if (any > request->most.parts)
    request->most.parts = any;
  return true;
}

/* A stranger's token gets no row before it has spent. */
static bool find_token(struct db *db, const struct ledger_request *request, int64_t *id,
                       struct fault *fault) {
  return request->is_strangers ? identity_find(db, &request->token, id, fault)
                               : identity_make(db, &request->token, id, fault);
}

static bool work(struct keeper_job *job, struct db *db, struct fault *fault) {
  int64_t token;
  struct ledger_entry *entry = (struct ledger_entry *)job;
  if (!lease_hold(entry->ledger, db, fault) || !learn_price(db, &entry->request, fault) ||
      !find_token(db, &entry->request, &token, fault))
    return false;
  if (!token)
    return identity_make(db, &identity_of_nobody, &token, fault) && insert(db, entry, token, fault);
  return budget_admit(entry, db, token, fault) && insert(db, entry, token, fault);
}

static void done(struct keeper_job *job, bool ok, const struct fault *why) {
  struct ledger_entry *entry = (struct ledger_entry *)job;
  struct fault fault = *why;
  tasks_note_write(entry->ledger, ok, why);
  if (ok) {
    entries_add(entry);
    lease_held(entry->ledger);
  }
  if (!ok && why->kind == FAULT_UNAVAILABLE)
    fault_set(&fault, FAULT_UNAVAILABLE, /* no path for a client: the log has it */
              "the ledger cannot be written: spending is stopped until it can; stored results are "
              "still served");
  entry->done(entry->context, ok, &fault);
}

void ledger_reserve(struct ledger *ledger, struct ledger_entry *entry, ledger_done *on_done,
                    void *context) {
  CHECK(ledger->keeper && !entry->is_listed);
  entry->ledger = ledger;
  entry->at = clock_milliseconds();
  entry->has_budget = false;
  entry->done = on_done;
  entry->context = context;
  entry->job = (struct keeper_job){.work = work, .done = done};
  keeper_give(ledger->keeper, &entry->job);
}

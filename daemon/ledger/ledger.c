#include "ledger/room.h"

#include "base/log.h"
#include "base/scope.h"
#include "base/token_text.h"
#include "db/directory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

struct digest ledger_fingerprint(const struct ledger *ledger, struct view token) {
  char digits[TOKEN_TEXT_DIGITS];
  struct digest fingerprint = digest_keyed(&ledger->secret, token_text(token, digits));
  explicit_bzero(digits, sizeof digits);
  return fingerprint;
}

/* -- Opening and closing -- */

bool ledger_open_reader(struct ledger *ledger, struct db **out, struct fault *fault) {
  return db_open(ledger->path, &ledger_schema, DB_READ, out, NULL, fault);
}

static bool find_secret(struct ledger *ledger, struct db *db, bool *exists, struct fault *fault) {
  struct db_statement *row;
  if (!db_find(db, LEDGER_SQL_FIND_SECRET, DB_VALUES(), &row, fault))
    return false;
  *exists = row;
  struct view secret = row ? db_blob(row, 0) : VIEW("");
  bool whole = secret.length == DIGEST_SIZE;
  if (whole)
    ledger->secret = digest_key_of(secret);
  db_done(row);
  return !*exists || whole ||
         fault_set(fault, FAULT_UNAVAILABLE, "%s: its secret is damaged", ledger->path);
}

static bool make_secret(struct ledger *ledger, struct db *db, struct fault *fault) {
  struct digest random;
  struct view secret = column_bytes(&random);
  if (getrandom(random.bytes, secret.length, 0) != (ssize_t)secret.length)
    return fault_set(fault, FAULT_INTERNAL, "cannot get random bytes: %s", strerror(errno));
  ledger->secret = digest_key_of(secret);
  return db_do(db, LEDGER_SQL_PUT_SECRET, DB_VALUES(DB_BLOB(secret)), fault);
}

static bool prepare(struct ledger *ledger, struct db *db, struct booked booked[CURRENCIES],
                    struct fault *fault) {
  bool exists;
  return db_execute(db, "BEGIN IMMEDIATE", fault) && find_secret(ledger, db, &exists, fault) &&
         (exists || make_secret(ledger, db, fault)) && lease_take_over(ledger, db, booked, fault) &&
         db_execute(db, "COMMIT", fault);
}

/* Closes `db` on failure, which undoes a transaction that could not be committed. */
static bool open_to_write(struct ledger *ledger, struct db **db, struct fault *fault) {
  bool damaged;
  struct booked booked[CURRENCIES];
  struct fault why;
  struct known *known = NULL;
  bool ok = db_open(ledger->path, &ledger_schema, DB_WRITE_FULL, db, &damaged, &why);
  if (ok && (!prepare(ledger, *db, booked, &why) || !known_read(*db, &known, &why))) {
    ok = false;
    damaged = db_is_damaged(*db) || db_contradicts(*db); /* it wrote values that it had read */
    db_close(db);
  }
  if (ok) {
    lease_log(ledger, booked);
    known_take(ledger, &known);
    return true;
  }
  return fault_set(fault, why.kind,
                   damaged ? "%.380s; it is the account and is not set aside: "
                             "restore it, or move it away to begin a new one"
                           : "%s",
                   why.text);
}

static bool start_threads(struct ledger *ledger, struct db **db, struct fault *fault) {
  if (!timer_open(&ledger->timer, fault))
    return false;
  if (!keeper_start(&ledger->keeper, "ledger", THREAD_ORDINARY, db, fault))
    return false;
  if (timer_start(ledger, fault))
    return true;
  keeper_stop(&ledger->keeper);
  return false;
}

static void free_ledger(struct ledger *ledger) {
  timer_close(&ledger->timer);
  known_close(&ledger->knowledge);
  count_close(&ledger->counting);
  pthread_mutex_destroy(&ledger->lock);
  free(ledger->path);
  free(ledger);
}

struct ledger_options ledger_options_of(const struct settings *settings) {
  return (struct ledger_options){.timezone = settings->timezone,
                                 .retention_seconds = settings->retention,
                                 .slices_seconds = settings->ttl,
                                 .budget_warning = settings->budget_warning};
}

void ledger_set_options(struct ledger *ledger, const struct ledger_options *options) {
  CHECK(options->retention_seconds >= 0 && options->budget_warning >= 0);
  CHECK(options->slices_seconds >= 0);
  retain_set(&ledger->retention, options);
  atomic_store(&ledger->warning_percent, options->budget_warning);
}

static struct ledger *new_ledger(const char *directory, const struct ledger_options *options,
                                 struct fault *fault) {
  if (!zone_set(options->timezone, fault))
    return NULL;
  struct ledger *ledger = shard_alloc(sizeof *ledger);
  if (ledger && asprintf(&ledger->path, "%s/ledger.db", directory) >= 0) {
    timer_init(&ledger->timer);
    ledger->lease.is_shared = options->is_shared;
    ledger_set_options(ledger, options);
    pthread_mutex_init(&ledger->lock, NULL);
    known_open(&ledger->knowledge);
    count_open(&ledger->counting);
    return ledger;
  }
  free(ledger);
  fault_no_memory(fault);
  return NULL;
}

bool ledger_open(const char *directory, const struct ledger_options *options, struct ledger **out,
                 struct fault *fault) {
  struct db *db = NULL;
  *out = NULL;
  struct ledger *ledger = new_ledger(directory, options, fault);
  if (!ledger)
    return false;
  if (lease_begin(ledger, fault) && open_to_write(ledger, &db, fault) &&
      start_threads(ledger, &db, fault)) {
    *out = ledger;
    return true;
  }
  db_close(&db);
  free_ledger(ledger);
  return false;
}

static bool no_ledger(struct ledger *ledger, struct fault *fault) {
  return fault_set(fault, FAULT_UNAVAILABLE,
                   "there is no ledger at %s: no rowcached has run with this state directory",
                   ledger->path);
}

/* A reader cannot migrate the file. */
static bool is_of_now(struct ledger *ledger, int64_t version, struct fault *fault) {
  return version == ledger_schema.migration_count ||
         fault_set(fault, FAULT_UNAVAILABLE,
                   "%s is of an older rowcache (schema %d, not %d): start this rowcached once with "
                   "the state directory",
                   ledger->path, (int)version, ledger_schema.migration_count);
}

static bool open_to_read(struct ledger *ledger, struct fault *fault) {
  struct db *db;
  struct known *known = NULL;
  int64_t version;
  bool exists = false;
  if (access(ledger->path, F_OK) != 0 && errno == ENOENT)
    return no_ledger(ledger, fault);
  if (!ledger_open_reader(ledger, &db, fault))
    return false;
  /* A daemon that is starting may have made the file, and no account in it yet. */
  bool ok = db_version(db, &version, fault) &&
            (version == 0 || find_secret(ledger, db, &exists, fault)) &&
            (exists || no_ledger(ledger, fault)) && is_of_now(ledger, version, fault) &&
            known_read(db, &known, fault);
  if (ok)
    known_take(ledger, &known);
  db_close(&db);
  return ok;
}

bool ledger_open_readonly(const char *directory, const struct ledger_options *options,
                          struct ledger **out, struct fault *fault) {
  enum directory_use use = directory_use_of(directory);
  *out = new_ledger(directory, options, fault);
  if (!*out)
    return false;
  (*out)->is_left = use == DIRECTORY_FREE || use == DIRECTORY_UNUSED;
  if (open_to_read(*out, fault))
    return true;
  free_ledger(steal(*out));
  return false;
}

/* The timer ends first, as it gives jobs. The last try then runs before the keeper ends. */
static void stop_threads(struct ledger *ledger) {
  struct fault fault;
  timer_stop(ledger);
  entries_retry(ledger);
  bool flushed = count_flush(ledger, &fault);
  lease_end(ledger);
  keeper_stop(&ledger->keeper);
  int unsettled = entries_drop(ledger);
  int64_t lost = count_drop(ledger);
  if (unsettled || !flushed)
    log_error(EVENT_ledger_unwritten, "left_open=%d free_requests_not_counted=%lld reason=%s",
              unsettled, (long long)lost, LOG_VALUE(flushed ? "not settled" : fault.text));
}

void ledger_close(struct ledger **address) {
  struct ledger *ledger = steal(*address);
  if (!ledger)
    return;
  if (ledger->keeper)
    stop_threads(ledger);
  free_ledger(ledger);
}

/* The inside of the ledger, for its own files: ledger.c opens, closes and keeps the time, entry.c
 * reserves and settles, budget.c holds budgets, count.c counts in memory, report.c sums, token.c
 * changes tokens, known.c has them in memory, correction.c corrects, reconciliation.c keeps what Ahrefs counts, retain.c lets old
 * entries go, lease.c tells whose reservations may be booked.
 *
 * Threads: the keeper's alone writes the file; the timer's hands it what is due; readers open a
 * connection of their own for each call. `lock` guards what they share in memory. It is the last
 * lock that a thread takes, and nothing blocks under it. */
#pragma once

#include "base/text.h"
#include "db/db.h"
#include "ledger/token.h"
#include "ledger/zone.h"

#include <pthread.h>
#include <stdatomic.h>

struct count;
struct known;
struct open_entry;

/* What was counted in memory and is not written yet. */
struct counts {
  struct count *tokens, *targets; /* uthash */
};

/* What was open and is booked as unknown. */
struct booked {
  int64_t requests;
  struct amount most;
};

struct ledger {
  char *path;
  struct digest secret;
  struct keeper *keeper; /* NULL: read-only */
  bool is_left;          /* read-only, and nobody worked in the directory: what is open was left */
  pthread_t timer;
  int wake; /* an eventfd: the timer looks at once */
  atomic_bool stopping;
  atomic_bool broken;
  atomic_llong warning_percent;
  struct retention {
    atomic_llong milliseconds; /* 0: for ever */
    struct keeper_job job;
    atomic_bool busy; /* the job is on its way; else the timer's: */
    int64_t look_at;  /* when it is given again; clock_monotonic() */
    int64_t deleted;
  } retention;

  struct lease {
    bool is_shared;
    char owner[33];  /* the name of this run */
    int64_t until;   /* milliseconds since 1970, as it is in the file; the keeper's */
    int64_t written; /* the same as it was written last, durable or not; the keeper's */
    struct keeper_job job;
    atomic_bool busy; /* the job is on its way; else the timer's: */
    int64_t look_at;  /* clock_monotonic() */
    bool renews;
    struct booked booked[CURRENCIES];
  } lease;

  pthread_mutex_t lock;
  struct known *known;     /* tokens, by fingerprint; uthash */
  struct open_entry *open; /* what is reserved and not settled; utlist */
  struct counts counts;
  bool flushing; /* one flush by the timer is on its way */
};

/* What is added to a day's totals. */
struct amounts {
  int64_t hits, misses, errors, results;
  struct amount spent, unknown, saved; /* of one currency */
};
static inline struct amounts inside_no_amounts(enum currency currency) {
  struct amount zero = amount_zero(currency);
  return (struct amounts){.spent = zero, .unknown = zero, .saved = zero};
}

/* A target as it is stored. */
static inline struct view inside_target(struct view target) {
  return view_first(target, LEDGER_TARGET_MOST);
}

/* A connection that reads; the caller closes it. */
bool inside_read(struct ledger *ledger, struct db **out, struct fault *fault) MUST_CHECK;

/* A job that somebody waits for. */
struct task {
  struct keeper_job job; /* `done` NULL: nothing but inside_wrote() */
  struct ledger *ledger;
};
bool inside_run(struct ledger *ledger, struct task *task, struct fault *fault) MUST_CHECK;

static inline struct view inside_bytes(const struct digest *digest) {
  return (struct view){(const char *)digest->bytes, sizeof digest->bytes};
}
/* The other way round; zeros where it is no digest. */
struct digest inside_digest(struct view bytes);

/* What stands in the file is not to be trusted. A kind that is none is that of a stranger; a day is
 * one that can be printed, the nearest. */
enum token_kind inside_kind(struct db_statement *statement, int column);
int32_t inside_day(struct db_statement *statement, int column);

/* Whether a token can have this name. Pure. */
bool token_is_name(struct view name) MUST_CHECK;
/* The name, or where there is none the fingerprint's first 8 hex digits. */
void inside_label(struct view name, const struct digest *fingerprint, char out[LEDGER_LABEL_SIZE]);

/* The fingerprint of requests whose token is not known here. */
static const struct digest inside_nobody;

/* A column that holds a currency, and an amount that cannot be negative: what is below zero is read
 * as zero. */
enum currency inside_currency(struct db_statement *statement, int column);
struct amount inside_amount(struct db_statement *statement, int column, enum currency currency);
/* The amount, but not more than LEDGER_AMOUNT_MOST. Pure. */
struct amount inside_bounded(struct amount amount);

/* Every job's `done` says here how its write went. Keeper's thread. */
void inside_wrote(struct ledger *ledger, bool ok, const struct fault *fault);

/* Has the timer look now. Any thread, under the lock or not. */
void inside_wake(struct ledger *ledger);

/* The token's row, made when `make`; zero when there is none. A token that was rotated is its new
 * one. In a transaction. */
bool inside_token_id(struct db *db, const struct digest *fingerprint, bool make, int64_t *id,
                     struct fault *fault) MUST_CHECK;

/* Adds to the totals of a day, and of its month where there are any. In a transaction. */
bool inside_add_token_day(struct db *db, int32_t day, int64_t token, const struct amounts *amounts,
                          struct fault *fault) MUST_CHECK;
bool inside_add_target_day(struct db *db, int32_t day, struct view target,
                           const struct amounts *amounts, struct fault *fault) MUST_CHECK;

/* lease.c: makes the name of this run. */
bool lease_begin(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* Holds the lease for a reservation, in its transaction; lease_held() once that is durable. */
bool lease_hold(struct ledger *ledger, struct db *db, struct fault *fault) MUST_CHECK;
void lease_held(struct ledger *ledger);
/* Books as unknown, at its most, what is open of owners that are dead. In a transaction. */
bool lease_take_over(struct ledger *ledger, struct db *db, struct booked booked[CURRENCIES],
                     struct fault *fault) MUST_CHECK;
void lease_log(struct ledger *ledger, const struct booked booked[CURRENCIES]);
/* The timer's, each tick: renews the lease while anything is open, and where the file is shared
 * books what others left. */
void lease_look(struct ledger *ledger, int64_t now);
/* What is open of this run may be booked from now on. The keeper runs. */
void lease_end(struct ledger *ledger);
/* Undoes the booking of an entry of this run whose lease had run out: it is open again.
 * `*is_corrected`: a correction stands for it, the totals have not changed and must not. In a
 * transaction. */
bool lease_reopen(struct ledger *ledger, struct db *db, const char *request, bool *is_lapsed,
                  bool *is_corrected, struct fault *fault) MUST_CHECK;

/* entry.c: adds an entry to the totals. `row` is at its day, token and target. In a transaction. */
bool entry_add_miss(struct db *db, struct db_statement *row, int64_t results, struct amount spent,
                    bool known, struct fault *fault) MUST_CHECK;
/* Hands what could not be settled to the keeper again. */
void entry_retry(struct ledger *ledger);
/* Forgets what is open; returns how many settlements of it could not be written. No thread runs. */
int entry_drop(struct ledger *ledger);
/* The requests whose settlement could not be written yet: they count as spent, and as unknown at
 * their most, until it can (the same figures that the next start would book). " id id ", empty
 * where there are none; "*": all that are open, where the last process left them. It is a parameter
 * of statements (sql/ledger). Any thread. */
bool entry_list_unsettled(struct ledger *ledger, struct text *ids, struct fault *fault) MUST_CHECK;

/* count.c: writes the counts, and waits for it; what was handed over earlier is then written too.
 */
bool count_flush(struct ledger *ledger, struct fault *fault) MUST_CHECK;
/* The same before a report, which then tells what was written. Nothing where the ledger is read
 * only, nor while it is broken: the timer tries, and a report waits for no lock a second time. */
void count_for_report(struct ledger *ledger);
/* The timer's: hands the counts over, unless there are none or some are still on their way. While
 * the ledger is broken it tries to write in any case. */
void count_flush_later(struct ledger *ledger);
/* Forgets what could not be written; returns how many requests that was. */
int64_t count_drop(struct ledger *ledger);

/* budget.c: how the account of a token stands today. Its budget is in three columns: how much
 * (-1: none), the currency, and the window. */
bool budget_look_column(struct ledger *ledger, struct db *db, int64_t token,
                        struct db_statement *statement, int column, struct token_account *account,
                        struct fault *fault) MUST_CHECK;
/* Whether the entry may be reserved. In a transaction. */
bool budget_admit(struct ledger *ledger, struct db *db, int64_t token, struct ledger_entry *entry,
                  struct fault *fault) MUST_CHECK;
/* Something of that day and currency was settled: whether the token's spending has passed the warning level, of
 * which it is warned once a window, whatever restarts come between. In a transaction. */
bool budget_settled(struct ledger *ledger, struct db *db, int64_t token,
                    const struct digest *fingerprint, int32_t day, enum currency currency,
                    struct ledger_warning *warning, struct fault *fault) MUST_CHECK;
/* Says so, once that is durable. */
void budget_warn(const struct ledger_warning *warning);

/* known.c: a map of what is known of the tokens, read in the transaction that changed them. */
bool known_read(struct db *db, struct known **known, struct fault *fault) MUST_CHECK;
/* Puts it in the place of the ledger's. */
void known_take(struct ledger *ledger, struct known **known);
void known_free(struct known **known);

/* token.c: the token that a label names. */
struct labelled {
  int64_t id;
  enum token_kind kind;
  bool revoked;
  char label[LEDGER_LABEL_SIZE];
};
bool token_find(struct db *db, struct view label, struct labelled *found,
                struct fault *fault) MUST_CHECK;

/* retain.c: the timer's, each tick; gives a job now and then. */
void retain_look(struct ledger *ledger, int64_t now);

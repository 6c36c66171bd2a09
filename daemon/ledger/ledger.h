/* The account of what is spent, in rows and in units: ledger.db (synchronous FULL).
 *
 * It is a write-ahead account. Before a request goes upstream, the most that it can cost is
 * reserved, durably. When its answer has ended, the reservation is settled, once:
 *
 *   ledger_reserve -> OPEN -> ledger_settle  SETTLED   at the true cost (a refusal: zero)
 *                                            UNKNOWN   at the most it can have cost
 *                                            VOID      deleted: see ledger_settle()
 *                             (the process died)  -> UNKNOWN at the next ledger_open(); in a shared
 *                                                    file, once its lease has run out
 *
 * Zero and unknown are different values. Settling is idempotent, keyed by the request's id: a
 * second settlement changes nothing. Reservations of many requests share one fsync. The totals per
 * day, token and target change in the same transaction, so that a report never sums single entries.
 *
 * A request enters the totals once, when its end is known, on the day on which it was made. In
 * every report, at every moment, requests = hits + misses + errors, and open reservations are not
 * in it. A request that reserved is a miss, whatever its end.
 *
 * Hits cost nothing and are counted in memory. The counts are written in batches, before each
 * report and at ledger_close().
 *
 * Each reservation is held against its token's budget (token.h). One thread makes them all, so that
 * concurrent requests cannot overshoot a budget together. Days and months are those of one time
 * zone (zone.h); a day that was booked keeps its number when the zone is changed.
 *
 * The ledger knows a token by its fingerprint only: a digest keyed with a secret that is made with
 * the file. The token itself is never stored. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/money.h"
#include "db/keeper.h"
#include "settings/settings.h"

#include <stdint.h>

#define LEDGER_REQUEST_ID_SIZE 33 /* 32 hex digits and NUL */
#define LEDGER_ALIKE_SIZE 160     /* a name of requests that are alike, and NUL */
#define LEDGER_LABEL_SIZE 65      /* a token's name, or 8 hex digits of its fingerprint, and NUL */
#define LEDGER_TARGET_MOST 2048   /* bytes stored of a target, or of a table's name */

/* The greatest amount (in parts of its currency), and number of results, of one request; more is
 * booked as this. The dearest possible request, at the dearest tariff that the settings allow,
 * costs 5*10^13 tenths. A sum holds more than 9*10^4 such amounts. */
#define LEDGER_AMOUNT_MOST INT64_C(100000000000000)

struct ledger;

struct ledger_options {
  const char *timezone;      /* an IANA name; NULL or "": UTC. It becomes the process's (zone.h) */
  int64_t retention_seconds; /* settled entries are deleted when they are older; 0: never. Totals,
                                tokens and corrections stay for ever */
  int64_t slices_seconds;    /* settled entries with a subject are kept for so long at least */
  int64_t budget_warning;    /* percent of a budget: spending that reaches it is logged, once a
                                window; 0: never */
  bool is_shared;            /* other processes may have the ledger open; else the caller holds
                     directory_lock() */
};
/* The options in the configuration. Pure; the result holds as long as `settings`. */
struct ledger_options ledger_options_of(const struct settings *settings);

/* Opens or creates DIRECTORY/ledger.db, and books the open entries of dead owners. Blocks. A
 * damaged ledger is a fault and not set aside: it is the account. Unless options.is_shared, the
 * caller holds the directory's lock: every entry that is open then is booked. Sets TZ: no other
 * thread that reads or writes the environment may run. */
bool ledger_open(const char *directory, const struct ledger_options *options, struct ledger **out,
                 struct fault *fault) MUST_CHECK;

/* Opens the same file for reports, token_list() and ledger_find(), with or without a daemon that
 * runs. Books, counts and changes nothing; the functions that write must not be called. A fault if
 * there is no file, or if it has the schema of an older rowcache. Blocks. */
bool ledger_open_readonly(const char *directory, const struct ledger_options *options,
                          struct ledger **out, struct fault *fault) MUST_CHECK;

/* Replaces the retention and the warning level; the time zone stays. Any thread. */
void ledger_set_options(struct ledger *ledger, const struct ledger_options *options);

/* Tries the failed settlements once more, writes the counts, and closes. Leaves NULL; NULL is
 * allowed. No call of ledger_reserve() or ledger_settle() may be without its `done`. Blocks. */
void ledger_close(struct ledger **ledger);

/* The fingerprint of a token, the same for each spelling (base/token_text.h). Does not block; any
 * thread. */
struct digest ledger_fingerprint(const struct ledger *ledger, struct view token);
/* The label of a token in reports: its name, else the first 8 hex digits. Returns `out`. Does not
 * block; any thread. */
const char *ledger_label(struct ledger *ledger, const struct digest *fingerprint,
                         char out[LEDGER_LABEL_SIZE]);

typedef void ledger_done(void *context, bool ok, const struct fault *fault);

/* A request that may spend. */
struct ledger_request {
  char id[LEDGER_REQUEST_ID_SIZE];
  struct digest token; /* fingerprint */
  struct digest key;   /* zero where the query has none */
  struct view table;   /* from= */
  struct view target;  /* normalized */
  struct amount most;  /* the most that it can cost; not negative */
  /* Its table has no price. Once requests of this name (query/likeness.h) have cost something, the
   * most is what the dearest of them has cost; until then it is no less than what the dearest with the
   * same beginning, up to the space, has. Empty: the price is known. */
  char alike[LEDGER_ALIKE_SIZE];
  bool estimated;    /* the tariff of its table is a guess */
  bool is_strangers; /* nobody has let its token in (access.mode = open): unless the ledger knows
                        the token, the request stands for the fingerprint of zeros until it is
                        settled, and not VOID */

  /* Another entry counts for the same request: this one is a further page of its answer. Its amounts
   * are in every total, and it is in no number of requests. */
  bool is_further;

  /* What ledger_slices() remembers. */
  struct digest subject; /* zero: nothing */
  bool is_whole;         /* it asks for everything about the subject; else for a slice */
  struct amount offer;   /* of a whole: see plan/whole.h; not negative */
  /* Of a whole: a budget must have this left, too, but it is not reserved: the most of the client's
   * own question, which is asked if the whole is not complete. Not negative. */
  struct amount beside;
};

/* The entry of a request. It is allocated before the request reserves, with all that its settlement
 * needs: nothing that was reserved is lost for lack of memory. The caller owns an entry until
 * ledger_settle() takes it. */
struct ledger_entry;

/* Copies `request`, but not the bytes of its texts: they must stay until the reservation is done.
 * NULL: no memory. Any thread. */
struct ledger_entry *ledger_entry_create(const struct ledger_request *request) MUST_CHECK;
/* Frees an entry that reserves nothing; leaves NULL. NULL is allowed. */
void ledger_entry_release(struct ledger_entry **entry);
/* True if the reservation is held against a budget. */
bool ledger_entry_has_budget(const struct ledger_entry *entry);

/* Reserves the most that the request can cost, durably. `done` (ledger's keeper thread, must not
 * block) reports whether it may be sent: when not ok, nothing is reserved and nothing may be spent.
 * FAULT_UNAVAILABLE: the ledger cannot be written; FAULT_INTERNAL: this request id was used before;
 * FAULT_BAD_TOKEN: the token was revoked or rotated; FAULT_OVER_BUDGET: the most does not fit what
 * is left of the token's budget (the text names what is left, retry_after when the budget starts
 * over). An entry that has reserved is settled before the ledger closes, or lost with it: it is
 * then booked by the next start. */
void ledger_reserve(struct ledger *ledger, struct ledger_entry *entry, ledger_done *done,
                    void *context);

/* The end of a request that reserved. */
enum ledger_end_kind { LEDGER_SETTLED, LEDGER_UNKNOWN, LEDGER_VOID };
struct ledger_end {
  enum ledger_end_kind kind;
  int64_t results; /* received from upstream */
  struct amount spent;
  bool is_complete; /* of a whole: the answer has everything about the subject */
};

/* Settles a reservation: `spent` is the true cost, or, UNKNOWN, the most that it can have cost, in
 * the currency of the request's most. `results`: received from upstream. Neither is negative. VOID
 * is for a stranger's request that cost nothing and brought nothing: so that strangers cannot fill
 * the file, its entry is deleted, and it is counted as a miss for the empty target.
 *
 * Takes the entry and leaves NULL. `done` (keeper thread) is called once, after the first try. When
 * that failed (full disk) the ledger tries again every second until it succeeds or closes. Until it
 * succeeds the request counts everywhere (reports, budgets, ledger_find()) as spent, and as unknown
 * at its most: as the next start would book it. */
void ledger_settle(struct ledger *ledger, struct ledger_entry **entry, const struct ledger_end *end,
                   ledger_done *done, void *context);

/* Counts a request that cost nothing. HIT: it reserved nothing and saved an amount (collapsed and
 * stale answers included). ERROR: it was answered by a fault. SAVED: it did reserve, and was served
 * stale when upstream failed; only the amount saved is added. In memory; does not block; any
 * thread.
 *
 * So that strangers cannot fill the file, an error alone adds no token and no target to it: such
 * errors are counted for the fingerprint of zeros and the empty target. The fingerprint of zeros
 * also stands for a request without a token. */
enum ledger_free { LEDGER_HIT, LEDGER_ERROR, LEDGER_SAVED };
void ledger_count(struct ledger *ledger, const struct digest *token, struct view target,
                  enum ledger_free kind, struct amount saved);

/* Where a target is counted, for a caller that counts it again and again. Begins as {0}; private to
 * count.c. It is of one ledger, and may be copied. */
struct ledger_spot {
  const void *shard;
  uint64_t taken;
  struct count *count;
};
/* The same as ledger_count() of a HIT. `spot` is of this target; the caller serializes its calls
 * with it. It is of use to the threads of one shard (base/shard.h), and harmless to others. */
void ledger_count_hit(struct ledger *ledger, const struct digest *token, struct view target,
                      struct ledger_spot *spot, struct amount saved);

/* What the requests about a subject cost that were made since some moment. Not in it: corrections,
 * voided requests, and slices that are not settled in the file yet. */
struct ledger_slices {
  struct amount slices;     /* settled, or unknown: at their most */
  struct amount wholes;     /* complete or not; those under way at their most */
  struct amount last_offer; /* for the last whole that is not complete; zero: there is none */
};
/* Adds up what is in the file in one currency, whichever process has written it. `since`:
 * milliseconds since 1970. Reads a row of an index for each request that counts. False: the file
 * cannot be read. Does not wait for the keeper; blocks on the disk; any thread. */
bool ledger_slices(struct ledger *ledger, const struct digest *subject, enum currency currency,
                   int64_t since, struct ledger_slices *out, struct fault *fault) MUST_CHECK;

/* True if the last write failed. Spending is stopped until a write succeeds; the ledger tries every
 * second. Any thread. */
bool ledger_is_broken(struct ledger *ledger);

/* The entry of one request. `state` is "open", "settled" or "unknown". */
struct ledger_found {
  char state[16];
  char token[LEDGER_LABEL_SIZE];
  int64_t at; /* milliseconds since 1970 */
  int64_t results;
  struct amount most, spent; /* spent: zero while the entry is open */
  bool estimated;
};
/* Finds the entry of the request with this id, which may be any text. Blocks; any thread. */
bool ledger_find(struct ledger *ledger, const char *request, struct ledger_found *found,
                 bool *exists, struct fault *fault) MUST_CHECK;

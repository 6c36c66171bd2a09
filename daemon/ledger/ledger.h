/* The account of the rows spent, in ledger.db (synchronous FULL).
 *
 * It is a write-ahead account. Before a request goes upstream, the most that it can cost is
 * reserved, durably; when its answer has ended, the reservation is settled, once:
 *
 *   ledger_reserve -> OPEN -> ledger_settle  SETTLED   at the true cost (a refusal: zero)
 *                                            UNKNOWN   at the most it can have cost
 *                                            VOID      it is gone: see ledger_settle()
 *                             (the process died)  -> UNKNOWN at the next ledger_open(); where the
 *                                                    file is shared, when its lease is over
 *
 * Zero and unknown are different values. Settling is idempotent, keyed by the request's id: the
 * second time changes nothing. Reservations of many requests share one fsync. Totals per day, token
 * and target are kept in the same transaction, so that a report never sums single entries.
 *
 * A request enters the totals once, when its end is known, on the day it was made: in every report,
 * at every moment, requests = hits + misses + errors, and what stands there was spent. A request
 * that reserved is a miss, whatever its end.
 *
 * Hits cost nothing and are counted in memory; they are written in batches, before every report and
 * at ledger_close().
 *
 * A reservation is also where a token's budget is held (token.h): one thread makes them all, so
 * that requests side by side cannot overshoot it together. Days and months are those of one time
 * zone (zone.h); a day that was booked keeps its number when the zone is changed.
 *
 * A token is known here only by its fingerprint, a digest keyed with a secret that is made with the
 * file; the token itself is never stored. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"
#include "base/money.h"
#include "db/keeper.h"
#include "settings/settings.h"

#include <stdint.h>

#define LEDGER_REQUEST_ID_SIZE 33 /* 32 hex digits and NUL */
#define LEDGER_LABEL_SIZE 65      /* a token's name, or 8 hex digits of its fingerprint, and NUL */
#define LEDGER_TARGET_MOST 2048   /* bytes of a target, or of a table's name; the rest is cut off */

/* The greatest amount (in parts of its currency), and number of results, that one request can be
 * booked with: more is booked as this. The dearest request that can be asked, at the dearest tariff
 * that can be set, costs 5*10^13 tenths; more than 9*10^4 such amounts fit into a sum. */
#define LEDGER_AMOUNT_MOST INT64_C(100000000000000)

struct ledger;

struct ledger_options {
  const char *timezone;      /* an IANA name; NULL or "": UTC. It becomes the process's (zone.h) */
  int64_t retention_seconds; /* entries that ended leave when they are older; 0: never. Totals,
                                tokens and corrections stay for ever */
  int64_t budget_warning; /* percent of a budget at which spending is warned of, once a window; 0:
                             never */
  bool is_shared; /* other processes may have the ledger open. Else the caller has the directory to
                     itself (directory_lock()) */
};
/* Those of the configuration. Pure; the result holds as long as `settings`. */
struct ledger_options ledger_options_of(const struct settings *settings);

/* Opens or creates DIRECTORY/ledger.db and books what was left open. Blocks. A damaged ledger is a
 * fault, not set aside: it is the account. Unless options.is_shared, the caller sees to it
 * that one process at a time has a directory open: this one books what any other has open. Sets TZ:
 * no other thread may run that reads or writes the environment. */
bool ledger_open(const char *directory, const struct ledger_options *options, struct ledger **out,
                 struct fault *fault) MUST_CHECK;

/* The same file for reports, token_list() and ledger_find() only, whether a daemon runs or not; a
 * fault where there is none, or where it is of an older rowcache. Nothing is booked, counted or
 * changed; the functions that write must not be called. */
bool ledger_open_readonly(const char *directory, const struct ledger_options *options,
                          struct ledger **out, struct fault *fault) MUST_CHECK;

/* Another retention and warning level from now on; the time zone stays. Any thread. */
void ledger_set_options(struct ledger *ledger, const struct ledger_options *options);

/* Tries once more to settle what could not be settled, writes what was counted, leaves NULL. No
 * reservation may be on its way. NULL is allowed. */
void ledger_close(struct ledger **ledger);

/* The fingerprint of a token, whatever its spelling (base/token_text.h). Does not block; any
 * thread. */
struct digest ledger_fingerprint(const struct ledger *ledger, struct view token);
/* What a report calls it: its name, else the first 8 hex digits. Returns `out`. Does not block. */
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
  bool estimated;      /* the tariff of its table is a guess */
  bool is_strangers;   /* nobody has let its token in (access.mode = open): unless the ledger knows
                          the token, the request stands for the fingerprint of zeros until it is
                          settled, and not VOID */
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
 * over). An entry that has reserved is settled before the ledger closes, or lost with it: it is then
 * booked by the next start. */
void ledger_reserve(struct ledger *ledger, struct ledger_entry *entry, ledger_done *done,
                    void *context);

/* The end of a request that reserved. */
enum ledger_end_kind { LEDGER_SETTLED, LEDGER_UNKNOWN, LEDGER_VOID };
struct ledger_end {
  enum ledger_end_kind kind;
  int64_t results; /* received from upstream */
  struct amount spent;
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

/* Counts what cost nothing: a request that reserved nothing, as a hit (collapsed and stale
 * included) with the amount that it saved, or as an error (answered by a fault); or only the amount
 * saved for a request that did reserve, and was served stale when upstream failed. In memory; does
 * not block; any thread.
 *
 * So that strangers cannot fill the file, an error alone makes no new token or target known: such
 * errors are counted for the fingerprint of zeros and the empty target. The same fingerprint says
 * that a request had no token. */
enum ledger_free { LEDGER_HIT, LEDGER_ERROR, LEDGER_SAVED };
void ledger_count(struct ledger *ledger, const struct digest *token, struct view target,
                  enum ledger_free what, struct amount saved);

/* Whether the last write failed (spending is stopped until one succeeds; the ledger tries by
 * itself, every second). Any thread. */
bool ledger_is_broken(struct ledger *ledger);

/* What one request became. `state` is "open", "settled" or "unknown". Blocks; any thread. */
struct ledger_found {
  char state[16];
  char token[LEDGER_LABEL_SIZE];
  int64_t at; /* milliseconds since 1970 */
  int64_t results;
  struct amount most, spent; /* spent: zero while it is open */
  bool estimated;
};
/* `request` may be any text. */
bool ledger_find(struct ledger *ledger, const char *request, struct ledger_found *found,
                 bool *exists, struct fault *fault) MUST_CHECK;

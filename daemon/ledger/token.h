/* Tokens. The ledger knows them by a keyed digest, never by their text.
 *
 *   SEEN        a client spent with it; it has no name
 *   REGISTERED  an Ahrefs token that clients send themselves, with a name
 *   ISSUED      a random token that rowcache made; it spends from the daemon's own Ahrefs token
 *
 * A label names a token: its name, or the first 8 hex digits of its fingerprint (also if it has a
 * name). A name is unique, and 1 to 64 letters, digits, '.', '_' or '-'. It is not 8 hex digits,
 * which could be a fingerprint's; not 32 or more, which could be the token itself; and not "other"
 * or "-", which have another meaning in metrics and logs.
 *
 * A change is durable when the call returns. From then on token_recall() and every reservation obey
 * it. Changes block; any thread but the ledger's; the ledger is open for writing. FAULT_MALFORMED:
 * the arguments; the text says what to do. */
#pragma once

#include "ledger/ledger.h"

enum token_kind { TOKEN_SEEN, TOKEN_REGISTERED, TOKEN_ISSUED }; /* as in sql/ledger */
enum token_per { TOKEN_PER_TOTAL, TOKEN_PER_DAY, TOKEN_PER_MONTH };

/* "seen", "registered", "issued"; "total", "day", "month". */
extern const char *const token_kind_words[3];
extern const char *const token_per_words[3];

/* The most that a token may spend in all (its history counts), on a calendar day, or in a calendar
 * month of the ledger's time zone. A request whose greatest cost does not fit is refused before it
 * is sent (ledger_reserve()); a request that can cost nothing never is. A NULL pointer stands for
 * no budget: no request of such a token is refused for its cost. */
struct token_budget {
  struct amount most; /* not negative. Requests of another currency are not bounded */
  enum token_per per;
};

#define TOKEN_SIZE 41 /* 40 hex digits and NUL */

/* Issues a token. Its text is in `token` and cannot be read again later; the caller wipes it. */
bool token_add(struct ledger *ledger, struct view name, const struct token_budget *budget,
               char token[TOKEN_SIZE], struct fault *fault) MUST_CHECK;

/* Gives an Ahrefs token a name. Its spending while it was SEEN is its history. A revoked token is
 * accepted again, and keeps its history. */
bool token_register(struct ledger *ledger, struct view name, struct view token,
                    const struct token_budget *budget, struct fault *fault) MUST_CHECK;

bool token_rename(struct ledger *ledger, struct view label, struct view name,
                  struct fault *fault) MUST_CHECK;

/* Requests with the token are refused from now on (FAULT_BAD_TOKEN). A second call changes
 * nothing. */
bool token_revoke(struct ledger *ledger, struct view label, struct fault *fault) MUST_CHECK;

/* Gives an issued token, which is not revoked, another text; the old text is refused. Name, history
 * and budget stay. */
bool token_rotate(struct ledger *ledger, struct view label, char token[TOKEN_SIZE],
                  struct fault *fault) MUST_CHECK;

bool token_budget_set(struct ledger *ledger, struct view label, const struct token_budget *budget,
                      struct fault *fault) MUST_CHECK;

/* Lets a token ask for an answer past the cache, or not; a new token may. */
bool token_allow(struct ledger *ledger, struct view label, bool no_cache,
                 struct fault *fault) MUST_CHECK;

/* The facts on a token that a request is admitted by. */
struct token_facts {
  bool known;     /* it has a name or a budget, had spent when a token was last changed, or was
                     revoked or denied a right; else the rest is the default */
  bool has_spent; /* it had spent when a token was last changed */
  bool revoked;   /* revoked, or rotated: the new text has another fingerprint */
  bool no_cache;
  bool has_budget;
  enum token_kind kind;
  char label[LEDGER_LABEL_SIZE];
};

/* True if the operator has issued or registered the token. Pure. */
static inline bool token_is_vouched_for(const struct token_facts *facts) {
  return facts->known && facts->kind != TOKEN_SEEN;
}

/* Copies the facts on a token from memory; compares digests in constant time. Does not block; any
 * thread. */
void token_recall(struct ledger *ledger, const struct digest *fingerprint,
                  struct token_facts *facts);

/* A number that rises before a change to any token returns. Facts hold as long as it is what it was
 * before they were recalled. Does not block; any thread. */
uint64_t token_generation(const struct ledger *ledger);

/* A budget and its figures now, by which a reservation is admitted; all in the budget's currency. */
struct token_account {
  bool has_budget; /* else the rest is empty */
  struct token_budget budget;
  struct amount spent;    /* in the budget's window */
  struct amount reserved; /* by requests under way, of any day */
  struct amount left;     /* the budget less these two, but not below zero */
  int64_t starts_over;    /* seconds since 1970, for zone_print(); 0: never */
  bool warning;           /* spent and reserved have reached the warning level */
};

/* What a token may still spend of one currency, as its client may ask. A budget in the other
 * currency is none. */
struct token_usage {
  char label[LEDGER_LABEL_SIZE];
  bool has_limit;            /* it has a budget of this currency */
  struct amount limit, left; /* if so; left: as in struct token_account */
  struct amount used;  /* spent or reserved: in the budget's window; without a limit, in all */
  int64_t starts_over; /* as in struct token_account */
};

/* FAULT_BAD_TOKEN: the ledger has no token with this fingerprint. Blocks; any thread but the
 * ledger's. */
bool token_usage(struct ledger *ledger, const struct digest *fingerprint, enum currency currency,
                 struct token_usage *usage, struct fault *fault) MUST_CHECK;

#define TOKEN_DIGITS_SIZE 9 /* the first 8 hex digits of a fingerprint, and NUL */

struct token_row {
  const char *label;
  char digits[TOKEN_DIGITS_SIZE];
  enum token_kind kind;
  bool no_cache;
  int64_t created_at, revoked_at; /* milliseconds since 1970; 0: not known; not revoked */
  int32_t last_day;               /* the last day with a request, since 1970; -1: none */
  struct token_account account;
};

/* True if the token is accepted, and its budget does not bound it, as it is not in `currency`, which
 * upstream charges in. Pure. */
static inline bool token_row_is_idle(const struct token_row *row, enum currency currency) {
  return !row->revoked_at && row->account.has_budget &&
         row->account.budget.most.currency != currency;
}

typedef void token_each(void *context, const struct token_row *row);

/* Calls `each` for every token that has spent or has a name: issued ones first, then by name. `each`
 * must not use the ledger; `row` holds during the call only. Also for a ledger that is open
 * read-only. Blocks; any thread but the ledger's. */
bool token_list(struct ledger *ledger, token_each *each, void *context,
                struct fault *fault) MUST_CHECK;

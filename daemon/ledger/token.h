/* Tokens, as the ledger knows them: by a keyed digest, never by their text.
 *
 *   SEEN        a client spent with it; it has no name
 *   REGISTERED  an Ahrefs token that clients send themselves, with a name
 *   ISSUED      made here, at random; it spends from the daemon's own Ahrefs token
 *
 * A label names a token: its name, or the first 8 hex digits of its fingerprint (also where it has
 * a name). A name is 1 to 64 letters, digits, '.', '_' or '-', unique; neither 8 hex digits, which
 * are a fingerprint's, nor 32 or more, which somebody meant as the token itself; nor "other" or
 * "-", which mean something else in metrics and logs.
 *
 * Changes are durable when the call returns, and obeyed from then on: by token_recall() and by every
 * reservation that is made later. They block and may be called from any thread but the ledger's;
 * the ledger is open for writing. What is wrong with the arguments is FAULT_MALFORMED, and says
 * what to do. */
#pragma once

#include "ledger/ledger.h"

enum token_kind { TOKEN_SEEN, TOKEN_REGISTERED, TOKEN_ISSUED }; /* as in sql/ledger */
enum token_per { TOKEN_PER_TOTAL, TOKEN_PER_DAY, TOKEN_PER_MONTH };

/* "seen", "registered", "issued"; "total", "day", "month". */
extern const char *const token_kind_words[3];
extern const char *const token_per_words[3];

/* What a token may spend in all (its history counts), on a calendar day or in a calendar month of
 * the ledger's time zone. A request whose greatest cost does not fit is refused before it is sent
 * (ledger_reserve()); one that can cost nothing never is. NULL stands for none: nothing without a
 * budget is ever held back. */
struct token_budget {
  struct amount most; /* not negative. The budget holds for what is spent in this currency */
  enum token_per per;
};

#define TOKEN_SIZE 41 /* 40 hex digits and NUL */

/* Issues a token. `token` receives it, the only time that it can be told; the caller wipes it. */
bool token_add(struct ledger *ledger, struct view name, const struct token_budget *budget,
               char token[TOKEN_SIZE], struct fault *fault) MUST_CHECK;

/* Gives an Ahrefs token a name. What it spent before, while only SEEN, is its history. One that was
 * revoked is taken in again, and keeps its history. */
bool token_register(struct ledger *ledger, struct view name, struct view token,
                    const struct token_budget *budget, struct fault *fault) MUST_CHECK;

bool token_rename(struct ledger *ledger, struct view label, struct view name,
                  struct fault *fault) MUST_CHECK;

/* It is not accepted any more: FAULT_BAD_TOKEN. A second time changes nothing. */
bool token_revoke(struct ledger *ledger, struct view label, struct fault *fault) MUST_CHECK;

/* Another text for a token that was issued and is not revoked; the old one is as good as revoked.
 * Name, history and budget stay. */
bool token_rotate(struct ledger *ledger, struct view label, char token[TOKEN_SIZE],
                  struct fault *fault) MUST_CHECK;

bool token_budget_set(struct ledger *ledger, struct view label, const struct token_budget *budget,
                      struct fault *fault) MUST_CHECK;

/* Whether it may ask for an answer past the cache; it may until told otherwise. */
bool token_allow(struct ledger *ledger, struct view label, bool no_cache,
                 struct fault *fault) MUST_CHECK;

/* What decides about a request before anything is planned. */
struct token_facts {
  bool known; /* it has a name or a budget, had spent when a token was last changed, or was revoked
                 or denied something; else the rest is the default */
  bool has_spent; /* that it had */
  bool revoked;   /* or rotated: its new text is another fingerprint */
  bool no_cache;
  bool has_budget;
  enum token_kind kind;
  char label[LEDGER_LABEL_SIZE];
};

/* Whoever runs rowcache has let it in, by its name. Pure. */
static inline bool token_is_vouched_for(const struct token_facts *facts) {
  return facts->known && facts->kind != TOKEN_SEEN;
}

/* In memory, with the digests compared in constant time. Does not block; any thread. */
void token_recall(struct ledger *ledger, const struct digest *fingerprint,
                  struct token_facts *facts);

/* A budget and what is left of it now: the figures that a reservation is held against. All are in the
 * budget's currency. */
struct token_account {
  bool has_budget; /* else there is nothing in the rest */
  struct token_budget budget;
  struct amount spent;    /* in the budget's window */
  struct amount reserved; /* by requests that are under way, whenever they began */
  struct amount left;     /* the budget without these two; zero where they are more than it is */
  int64_t starts_over;    /* seconds since 1970, for zone_print(); 0: never */
  bool warning;           /* spent and reserved have reached the warning level */
};

#define TOKEN_DIGITS_SIZE 9 /* the first 8 hex digits of a fingerprint, and NUL */

struct token_row {
  const char *label;
  char digits[TOKEN_DIGITS_SIZE];
  enum token_kind kind;
  bool no_cache;
  int64_t created_at, revoked_at; /* milliseconds since 1970; 0: not known, and not revoked */
  int32_t last_day;               /* the last day with a request, since 1970; -1: none */
  struct token_account account;
};

typedef void token_each(void *context, const struct token_row *row);

/* All tokens that ever spent or have a name: issued ones first, then by name. `each` must not use
 * the ledger; `row` holds during the call only. Blocks; any thread but the ledger's; read-only too.
 */
bool token_list(struct ledger *ledger, token_each *each, void *context,
                struct fault *fault) MUST_CHECK;

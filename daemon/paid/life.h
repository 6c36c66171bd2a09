/* The life of a paid request; of the paid room only.
 *
 *   prepare.c: made ---> send.c: reserved and sent ---> end.c: stored, ended, settled, concluded
 *
 * Threads: paid_prepare(), paid_send() and paid_withdraw() run on the caller's; on_reserved() on the
 * ledger's keeper; chunks and the end on the transfer thread; the later callbacks of a keeper on
 * that keeper's. From the end on they come one after the other. Two threads may set `saved`: it is
 * atomic. */
#pragma once

#include "paid/paid.h"

#include "base/mask.h"
#include "base/text.h"
#include "base/token_text.h"
#include "dialect/dialect.h"

#include <stdatomic.h>

struct paid_desk {
  struct paid_rooms rooms;
  atomic_bool stopped;
  atomic_llong busy;
};

struct paid {
  struct paid_desk *desk;
  const struct dialect *dialect;
  struct flight *flight; /* whose context this is; referenced until settled, and by each save */
  struct transfer_ask *ask;
  struct tariff tariff;
  struct digest key;
  struct ledger_request request;
  struct ledger_entry *entry; /* NULL from the settlement on, and if the request is internal */
  bool booked;                /* the ledger holds a reservation */
  struct answer_cost cost;

  char token[TOKEN_TEXT_MOST]; /* that it was asked with */
  struct mask
      repeated; /* looks for the token in what is stored; empty where it is too short or long */
  bool is_own_token;                 /* upstream.token_file's, not the client's */
  enum question_kind kind;           /* a body of QUESTION_UNKNOWN may carry another token */
  int64_t remember_yes, remember_no; /* seconds */

  bool is_internal; /* rowcache asks for itself */
  bool is_check;    /* of a token: */
  bool has_spent;   /* by the ledger, upstream accepted it once */
  struct access_bounds bounds;
  enum access_lane lane;
  enum access_verdict verdict;

  struct text table, target, normal; /* normal: if it is to be stored */
  struct cache_writer *writer;       /* NULL if it is not stored; likewise: */
  struct cache_hold *hold;           /* on the stored chunks, for readers that lag */
  struct cache_validator validator;
  atomic_llong saved; /* chunks that the cache has taken; -1: it has failed */
};

/* end.c: the owner of the flight. */
extern const struct flight_owner paid_owner;
/* Takes the flight out of the table and concludes it. The paid request may be gone afterwards. */
void paid_conclude(struct paid *paid);
/* Frees a paid request that has no flight. */
void paid_free(struct paid *paid);

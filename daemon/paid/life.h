/* The life of a paid request; of the paid room only.
 *
 *   prepare.c: made ---> send.c: reserved and sent ---> end.c: stored, ended, settled, concluded
 *
 * Threads: paid_prepare(), paid_send() and paid_withdraw() run on the caller's thread;
 * on_reserved() on the ledger's keeper; chunk() and ended() on the flight's writer, which is the
 * transfer thread, or one of the queue's if the request is translated; on_saved() and on_published()
 * on the cache's keeper, on_settled() on the ledger's. From ended() on each of them starts the next.
 * on_saved() may also run on the writer's thread, so `saved` is atomic. */
#pragma once

#include "paid/caps.h"
#include "paid/translated.h"

#include "base/mask.h"
#include "base/text.h"
#include "base/token_text.h"
#include "dialect/dialect.h"

#include <stdatomic.h>

struct paid_desk {
  struct paid_rooms rooms;
  atomic_bool own_is_refused; /* upstream does not accept the token of upstream.token_file */
  struct caps *caps;
  struct queue *queue;      /* for translated requests */
  atomic_size_t translated; /* bytes that they take */
  atomic_bool stopped, aborted;
  atomic_llong busy;
};

struct paid {
  struct paid_desk *desk;
  const struct dialect *dialect;
  struct flight *flight; /* its context is this; one reference until concluded, one for each save */
  struct transfer_ask *ask;
  struct tariff tariff;
  struct digest sent; /* the fingerprint of the token that is sent */
  int64_t max_rows;   /* upstream.max_rows */
  struct digest key, flight_key;
  struct ledger_request request;
  struct ledger_entry *entry;    /* NULL from the settlement on, and if the request is internal or
                                 translated */
  struct flight *plan;           /* the question for the plan, to be sent first; NULL: none */
  struct translated *translated; /* NULL: one request to upstream; else it is translated */
  bool booked;                   /* the ledger holds a reservation */
  struct answer_cost cost;

  char token[TOKEN_TEXT_MOST]; /* the token that was sent */
  struct mask repeated;        /* finds the token in the answer; empty: it is too short or long */
  bool is_own_token;           /* upstream.token_file's, not the client's */
  enum question_kind kind;     /* a body of QUESTION_UNKNOWN may carry another token */
  int64_t remember_yes, remember_no; /* seconds */

  bool is_internal; /* made by rowcache for itself: free */
  bool is_check;    /* the check of a token; for checks only: */
  bool has_spent;   /* by the ledger, upstream accepted the token once */
  struct access_bounds bounds;
  enum access_lane lane;
  enum access_verdict verdict;

  struct text table, target, normal; /* normal: empty if the answer is not to be stored */
  struct digest subject;             /* of the stored result; zero: none */
  int64_t conditions;                /* of the stored result */
  struct cache_writer *writer;       /* NULL: not stored; likewise: */
  struct cache_hold *hold;           /* on the stored chunks, for readers that lag */
  struct cache_validator validator;
  bool is_spoiled;    /* the writer's: it repeats the token, and is not stored */
  atomic_llong saved; /* chunks that the cache has stored; -1: storing has failed */
};

/* desk.c: begins and ends a request. FAULT_UNAVAILABLE after paid_desk_stop(), except for a page of
 * a request that is under way. Any thread. */
bool paid_desk_begin(struct paid_desk *desk, bool is_page, struct fault *fault) MUST_CHECK;
void paid_desk_end(struct paid_desk *desk);

/* plan_name.c. The question for the plan of an order's key, which the caller sends or withdraws;
 * `unread`: as in struct paid_order. NULL: as paid_prepare(). */
struct flight *paid_ask_plan(const struct paid_order *of, bool unread,
                             struct fault *fault) MUST_CHECK;
/* Prepares it for a call, if nobody has asked it; sends it, or withdraws it; and notes its answer, or
 * that of any such question. */
void paid_prepare_plan(struct paid *paid, const struct paid_order *order);
void paid_end_plan(struct paid *paid, bool is_sent);
void paid_note_plan(struct paid *paid);

/* send.c: begins the stored result, if the answer is to be stored. */
void paid_begin_storing(struct paid *paid);

/* end.c: the owner of the flight. */
extern const struct flight_owner paid_owner;
/* Takes the flight out of the table and concludes it. The paid request may be gone afterwards. */
void paid_conclude(struct paid *paid);
/* Frees a paid request that has no flight. */
void paid_free(struct paid *paid);

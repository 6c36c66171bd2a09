/* Finds out, with requests that cost nothing, whether upstream works as rowcache is configured.
 *
 *   probe_begin ---> probe_await: one request after the other ---> probe_finish: the verdicts
 *
 *   ask.h: what is asked ---> paid: reserved, sent, booked ---> reading.h ---> verdict.h: in words
 *
 * All requests are made with the token or key of upstream.token_file. Each call is a paid request
 * like a client's, so that it is booked if it should cost, and the run ends with the first answer
 * that costs or does not say that it is free. The account of the key is asked for first; under v2,
 * and with a plan that is not paid for, nothing else is. */
#pragma once

#include "ledger/ledger.h"
#include "paid/paid.h"
#include "probe/verdict.h"
#include "settings/current.h"
#include "upstream/transfer.h"

struct probe_run;

/* The rooms that it uses; they must outlive it. */
struct probe_rooms {
  struct current *current;
  struct ledger *ledger;
  struct paid_desk *desk;
  struct transfer *transfer;
};

/* The result as a whole. */
struct probe_end {
  bool works; /* all that is required */
  bool is_v3;
  const char *url;     /* upstream.url */
  int64_t requests;    /* that were sent */
  struct amount spent; /* the most that they can have cost */
};

/* Sends the first request. The caller owns `*out`. `wake(context)` is called, on any thread, at
 * least once for each time that probe_await() returned false. FAULT_UNAVAILABLE: there is no token
 * or key. Does not block; any thread. */
bool probe_begin(const struct probe_rooms *rooms, void (*wake)(void *context), void *context,
                 struct probe_run **out, struct fault *fault) MUST_CHECK;

/* Takes an answer, and sends the next request. True: there is none. False: wait for `wake`. Does
 * not block; one thread at a time. */
bool probe_await(struct probe_run *run) MUST_CHECK;

/* Calls `each` for all that this upstream can be asked; the result lives as long as the run. Call it
 * after probe_await() has returned true. Does not block. */
typedef void probe_each(void *context, const struct probe_row *row, const struct verdict *verdict);
struct probe_end probe_finish(struct probe_run *run, probe_each *each, void *context);

/* Gives up what still waits: no `wake` comes after it. Must not be called inside `wake`. Leaves
 * NULL; NULL is allowed. */
void probe_release(struct probe_run **run);

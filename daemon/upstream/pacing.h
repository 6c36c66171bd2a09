/* Decides when a key may send its next request: not more than so many are sent in any minute, and
 * none while upstream throttles the key (429). A plain value, initially all zeros; its owner
 * serializes the calls. Pure.
 *
 *   pacing_next ---> pacing_begin ---> pacing_send ---> pacing_accept: answered
 *                         |                |     '----> pacing_refuse: throttled
 *                         '----------------'----------> pacing_end: ended without an answer
 *
 * After a 429 the key waits: as long as upstream says (Retry-After), else 1 s, 2 s, 4 s and so on,
 * up to a minute, and up to half as long again, as others may wait for the same moment. Then one
 * request goes out alone. When it is accepted, the others follow.
 *
 * A request counts in the minute from pacing_begin() on, and the minute begins with pacing_send():
 * however long it takes to connect, no minute has more. All times are clock_monotonic(). */
#pragma once

#include "base/pace.h"

#include <stdbool.h>
#include <stdint.h>

#define PACING_CLOSED_MOST \
  INT64_C(86400) /* seconds; a longer Retry-After is asked again after it */

struct pacing {
  struct pace sent;
  int64_t opening;      /* requests that have begun and are not sent yet */
  int64_t trials;       /* requests that have begun since the last 429 and have no answer yet */
  int64_t refusals;     /* 429s in a row; those for requests that were sent together count once */
  int64_t refused_at;   /* the last 429 that counted */
  int64_t closed_until; /* nothing may begin before that */
};

/* The part of one request in it. Initially all zeros. */
struct pacing_turn {
  enum { PACING_IDLE, PACING_OPENING, PACING_SENT } phase;
  bool is_trial;
  int64_t sent_at; /* the last time */
};

/* The time from which on a request may begin, at `most` a minute (up to PACE_MOST; 0: any
 * number); in the past: now. INT64_MAX: not before another one was sent or answered. */
int64_t pacing_next(const struct pacing *pacing, int64_t most);
/* A request begins. */
void pacing_begin(struct pacing *pacing, struct pacing_turn *turn);
/* It is sent, perhaps once more. */
void pacing_send(struct pacing *pacing, struct pacing_turn *turn, int64_t now);
/* Upstream has answered it, not with 429. */
void pacing_accept(struct pacing *pacing, struct pacing_turn *turn);
/* Upstream has answered it with 429. `retry_after`: in seconds; 0: not said. `random`: any
 * number. True if it counts: it is not one of several 429s for requests that were sent together. */
bool pacing_refuse(struct pacing *pacing, struct pacing_turn *turn, int64_t retry_after,
                   uint32_t random, int64_t now);
/* It has ended, answered or not, sent or not. Nothing happens if it has not begun. */
void pacing_end(struct pacing *pacing, struct pacing_turn *turn);
/* True if nothing is known any more that the next request would have to heed. */
bool pacing_is_idle(const struct pacing *pacing, int64_t now);

/* Is the whole of a target asked for, in place of one more slice (cache.buy_whole)? Pure.
 *
 * The offer is what the slices cost, plus the most that the next miss can cost, less what wholes
 * cost already. A whole is tried
 *
 *   - if the offer pays for WHOLE_RESULTS_LEAST results or more, and
 *   - after a whole that was not complete, if the offer is twice the offer for that one.
 *
 * Its limit is the number of results that the offer pays for, so it costs no more than the offer.
 *
 * The bound. S: the slices, W: the wholes, both of one ttl; M: the most that the miss can cost. A
 * whole costs at most S + M - W, so after it W <= S + M, where S is without that miss. S is what is
 * spent without this rule, so the rule spends at most twice that, and M once. If the whole was not
 * complete, the miss is asked, too. Where it costs all of its M, it is in S from then on, and
 * "twice" holds without an M. Where it costs less (few rows meet its conditions), the bound is
 * looser by the difference. That matters if S is small: it is 0 for a first miss, whose limit alone
 * may pay for the whole.
 *
 * A whole is younger than the slices that paid for it, so it leaves the last ttl after them, and no
 * slice pays for two wholes. Only the M of the last whole can be forgotten, once a ttl.
 *
 * Offers double, so the wholes of one ttl are few. Each is also taken off the next offer: after a
 * first whole that cost its offer, the second is tried when the slices have cost about three times
 * that offer. */
#pragma once

#include "base/money.h"

#include <stdint.h>

#define WHOLE_RESULTS_LEAST 1000 /* results */

/* Amounts are of one currency, and not negative. */
struct whole_facts {
  struct amount slices;     /* what the target's slices cost within cache.ttl */
  struct amount wholes;     /* what its wholes cost, complete or not, done or under way */
  struct amount last_offer; /* for the last whole that was not complete; zero: there was none */
  struct amount most;       /* the most that the miss can cost */
  struct amount fixed;      /* the price of a request without conditions, */
  struct amount result;     /* and of a result */
};

struct whole_plan {
  bool is_tried;
  /* With is_tried only. */
  struct amount offer; /* the most that it may cost */
  int64_t limit;       /* results to ask for; QUERY_LIMIT_MAX at most */
};

/* Decides. All of `facts` is of one currency, and so is the offer. */
struct whole_plan plan_whole(const struct whole_facts *facts);

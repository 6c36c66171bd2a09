/* Is the whole of a target asked for, in place of one more slice (cache.buy_whole)? Pure.
 *
 * The offer is what the slices cost, and the most that the next miss can cost, less what wholes cost
 * already. A whole is tried
 *
 *   - if the offer pays for WHOLE_RESULTS_LEAST results or more, and
 *   - after a whole that was not complete, if the offer is twice the offer for that one.
 *
 * It is asked with a limit of as many results as the offer pays for, so that it costs no more than the
 * offer.
 *
 * The bound. S: the slices, W: the wholes, both of one ttl; M: the most that the miss can cost. A whole
 * costs at most S + M - W, so after it W <= S + M, where S is without that miss. Slices are what is
 * spent without this rule, so at most twice that is spent, and M once. If the whole was not complete, the
 * miss is then bought: where it costs all of its M, it is in S, and "twice" holds without an M. Where it
 * costs less (few rows meet its conditions), the bound is looser by the difference. That counts if S is
 * small: a first miss whose limit alone pays for the whole has S = 0.
 *
 * A whole is younger than the slices that paid for it, and so leaves the last ttl after them: no slice pays
 * for two wholes. Only the M of the last whole, if its slices did not make up for it, is forgotten, and that
 * once a ttl.
 *
 * Offers double, so that the wholes of one ttl are few. The first of them has to be paid for, too: the
 * second is tried when the slices have cost about three times what was offered for it. */
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
  struct amount offer; /* with is_tried, likewise: */
  int64_t limit;       /* results to ask for; QUERY_LIMIT_MAX at most */
};

struct whole_plan plan_whole(const struct whole_facts *facts);

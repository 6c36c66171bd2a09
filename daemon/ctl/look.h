/* What the daemon says about a query before and after it is asked, through its admin listener. */
#pragma once

#include "base/money.h"
#include "base/text.h"
#include "ctl/argument.h"
#include "settings/settings.h"

/* What the query would be, if it were asked now. */
struct look {
  long status;        /* with which it would be refused; 0: it would not be. After a failure: the
                          status of the admin side; 0: there was no answer */
  bool is_hit;        /* served from the cache, exactly or derived */
  bool is_collapsed;  /* it would wait for another request */
  struct amount most; /* that it could cost */
  struct text error;  /* of the refusal; any bytes */
};

/* `token`: whose request it would be; empty: nobody's. Sends and spends nothing upstream. The caller
 * frees `look->error` in both cases. Blocks. */
bool look_before(const struct settings *settings, const struct argument *argument,
                 struct view token, struct look *look, struct fault *fault) MUST_CHECK;

/* What the request `id` has cost, which is not known while its head goes out: waits for that some
 * seconds. `*spent`: what it cost, or the most that it can have cost; its currency before is that
 * of a zero. False: nothing is known of it. `*is_exact`: it is the true cost. */
bool look_after(const struct settings *settings, const char *id, struct amount *spent,
                bool *is_exact);

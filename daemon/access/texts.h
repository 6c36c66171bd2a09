/* The texts of tokens that spent or were let in, in memory only: reconciliation asks upstream with
 * them (reconcile/reconcile.h). No other place keeps a client's token. */
#pragma once

#include "base/check.h"
#include "base/digest.h"
#include "base/view.h"

#define TEXTS_MOST 10000 /* tokens; for one more, the one that was kept first goes, wiped */

struct texts;

/* An empty one, or NULL for lack of memory. */
struct texts *texts_create(void) MUST_CHECK;
/* Wipes all. Leaves NULL; NULL is allowed. */
void texts_release(struct texts **texts);

/* Keeps a copy of `token`, unless it is longer than TOKEN_TEXT_MOST or memory is short. Any thread;
 * does not block. */
void texts_keep(struct texts *texts, const struct digest *fingerprint, struct view token);

/* Calls `each` for all that are kept, under the lock: it must not call back. Any thread. */
typedef void texts_each(void *context, const struct digest *fingerprint, struct view token);
void texts_list(struct texts *texts, texts_each *each, void *context);

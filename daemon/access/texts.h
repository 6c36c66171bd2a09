/* The texts of tokens that spent or were accepted, in memory only: reconciliation sends them
 * upstream (reconcile/reconcile.h). No other place keeps a client's token beyond its request. */
#pragma once

#include "base/check.h"
#include "base/digest.h"
#include "base/view.h"

#define TEXTS_MOST 10000 /* tokens; one more wipes and replaces the oldest */

struct texts;

/* An empty list, or NULL for lack of memory. */
struct texts *texts_create(void) MUST_CHECK;
/* Wipes and frees all texts. Leaves NULL; NULL is allowed. */
void texts_release(struct texts **texts);

/* Keeps a copy of `token`, unless it is longer than TOKEN_TEXT_MOST or memory is short. Any thread;
 * does not block. */
void texts_keep(struct texts *texts, const struct digest *fingerprint, struct view token);

/* Calls `each` for every token that is kept, under the lock: it must not call back, and the views
 * are valid during the call only. Any thread. */
typedef void texts_each(void *context, const struct digest *fingerprint, struct view token);
void texts_list(struct texts *texts, texts_each *each, void *context);

/* Who may read the cache (access.mode): what is remembered of tokens that upstream was asked about.
 *
 * With access.mode = verify a token that was never seen is checked upstream, by a request that
 * costs nothing, before anything stored is shown to it, and the verdict is remembered for a while.
 * A miss needs no check of its own: upstream judges it, and an answer to it that was read is a
 * verdict too. The memory is bounded; what is forgotten is asked again. Any thread; nothing blocks.
 *
 * With listed, only tokens with a name are let in; they are the ledger's (ledger/token.h), and are
 * known in every mode: whoever runs rowcache vouches for them. */
#pragma once

#include "base/digest.h"
#include "base/fault.h"

#include <stdint.h>

#define ACCESS_REMEMBERED 10000 /* tokens */
#define ACCESS_TOKEN_MOST 1024  /* bytes of one that is kept */

struct access;

enum access_verdict { ACCESS_UNKNOWN, ACCESS_YES, ACCESS_NO };

struct access *access_create(void) MUST_CHECK;
void access_release(struct access **access);

/* What is remembered of the token with this fingerprint. */
enum access_verdict access_look(struct access *access, const struct digest *fingerprint);

/* Remembers a verdict (not UNKNOWN) for that many seconds. Lack of memory forgets. */
void access_learn(struct access *access, const struct digest *fingerprint,
                  enum access_verdict verdict, int64_t seconds);

/* Keeps the text of a token that spent or was let in, so that it can be asked about
 * (serve/reconcile.h), in memory only. Bounded like the verdicts: the one that was kept first goes
 * first, wiped; one that is far too long is not kept. */
void access_keep(struct access *access, const struct digest *fingerprint, struct view token);
/* Calls `each` for all that are kept, under the lock: it must not call back. */
typedef void access_each(void *context, const struct digest *fingerprint, struct view token);
void access_list(struct access *access, access_each *each, void *context);

/* The answer to subscription_info, and to v3's limits-and-usage, for a token that rowcache issued:
 * what its own budget leaves. It costs nothing and never goes upstream, where the daemon's own token
 * would be asked about. */
#pragma once

#include "base/text.h"
#include "ledger/token.h"
#include "query/output.h"

struct subscription_asked {
  struct ledger *ledger;
  const struct digest *fingerprint; /* of the token */
  enum currency currency;           /* of upstream: a budget in the other one is none */
  bool is_v3;                       /* on the v3 front, where the answer is JSON */
  enum query_output output;         /* on the v2 front; an unknown form gives JSON */
};

/* Appends the answer to `body`; its Content-Type is output_content_type()'s. FAULT_BAD_TOKEN: the
 * ledger has no such token. Blocks on the disk; any thread but the ledger's. */
bool subscription_answer(const struct subscription_asked *asked, struct text *body,
                         struct fault *fault) MUST_CHECK;

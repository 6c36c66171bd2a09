/* What requests with a spelling ask for: a bounded memory, which forgets what was not asked for
 * lately. A plain value; its owner serializes the calls. */
#pragma once

#include "base/digest.h"
#include "ledger/ledger.h"
#include "query/output.h"
#include "serve/spelling.h"

#define MEMO_SETS 1024
#define MEMO_WAYS 4
#define MEMO_BYTES ((size_t)4 * 1024 * 1024) /* of all entries; beyond it nothing more is learnt */

struct memo_entry;

/* Begins as {0}. */
struct memo {
  /* Of a set, the one that was asked for last comes first. */
  struct memo_entry *entries[MEMO_SETS][MEMO_WAYS];
  size_t bytes;
};

/* What the request asks for. `target`: as query_target_text() has it; as long as it is remembered.
 * `spot`: where the ledger counts the target; used under the lock of the memo's owner. */
struct memo_meaning {
  struct digest key;
  struct view target;
  enum query_output output;
  bool is_call;
  struct ledger_spot spot;
};

/* NULL: it is not remembered. Valid until the next call. */
struct memo_meaning *memo_find(struct memo *memo, const struct spelling *spelling);
/* Remembers what the spelling means; copies both, but not the token. For lack of memory, and
 * beyond MEMO_BYTES, it does not. */
void memo_learn(struct memo *memo, const struct spelling *spelling,
                const struct memo_meaning *meaning);
/* Forgets all. */
void memo_clear(struct memo *memo);

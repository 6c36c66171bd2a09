/* Who asks: the tokens that asked lately, and what is known of them. So a token is judged without
 * computing its fingerprint anew, and without a lock that all threads share; each change to a token,
 * or to what upstream said of it, is seen at once. Of the serve room only. */
#pragma once

#include "serve/facts.h"

#define ASKERS 64
/* A longer token is not remembered, in bytes. */
#define ASKER_TEXT_MOST 128

struct asker {
  struct digest fingerprint;
  struct token_facts facts;
  struct {         /* private to asker.c */
    size_t length; /* of the token; 0: none is remembered here */
    char text[ASKER_TEXT_MOST];
    uint64_t facts_generation, access_generation; /* when the facts, and the verdict, were found */
    int64_t accepted_until; /* by upstream's verdict: clock_monotonic(); 0: not accepted */
  } own;
};

/* Those of one shard. Begins as {0}; its owner serializes the calls. */
struct askers {
  struct asker list[ASKERS];
};

/* What is known of the one who asks with `token`, which has not more than ASKER_TEXT_MOST bytes, and
 * its standing at `now` (clock_monotonic()). Valid until the next call. Does not block. */
const struct asker *asker_find(struct askers *askers, const struct inquiry *inquiry,
                               struct view token, int64_t now, enum plan_standing *standing);
/* Wipes the texts of the tokens. */
void askers_wipe(struct askers *askers);

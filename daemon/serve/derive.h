/* Computing an answer from a source, for a client's request and for `explain` alike. */
#pragma once

#include "derived/derived.h"
#include "serve/facts.h"

/* The order for computing the answer to the inquiry's query from `source`. Borrows from both. */
struct derived_order derive_order(const struct inquiry *inquiry,
                                  const struct derived_source *source);

/* The stored results from which the answer to an explained query could be computed; of explain.c
 * only. */
#pragma once

#include "serve/explain.h"
#include "serve/facts.h"

/* The sources that were tried in vain. Begins as {0}. */
struct vain_sources {
  struct {
    struct digest key;
    enum derive_reason reason;
  } list[FACTS_ATTEMPTS_MOST];
  unsigned count; /* the last one is that of the inquiry */
};

/* True if the answer to the inquiry's query can be computed from the rows of `source`. If not,
 * notes the source in `vain` and changes the inquiry, so that it looks for another source. Blocks
 * on the disk, and reads the whole source. */
bool candidates_try(struct inquiry *inquiry, const struct derived_source *source,
                    struct vain_sources *vain) MUST_CHECK;

/* Fills `stored` with the facts about a source. */
void candidates_describe(const struct derived_source *source, const struct settings *settings,
                         struct serve_stored *stored);

/* Fills the candidates of `explanation` by facts that facts_gather() has filled. Faults: no memory,
 * or the cache cannot be read. Blocks on the disk. */
bool candidates_list(const struct inquiry *inquiry, const struct plan_facts *facts,
                     const struct vain_sources *vain, struct serve_explanation *explanation,
                     struct fault *fault) MUST_CHECK;

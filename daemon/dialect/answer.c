#include "dialect/answer.h"

bool answer_is_redirect(unsigned status) {
  return status >= 300 && status < 400;
}

struct answer_verdict answer_broken(enum answer_charge charge, int64_t results,
                                    const struct fault *fault) {
  return (struct answer_verdict){
      .outcome = ANSWER_BROKEN, .charge = charge, .results = results, .fault = *fault};
}

/* A client that follows a redirect would take its token to another server. */
struct answer_verdict answer_redirected(const struct answer_evidence *evidence) {
  struct fault fault;
  unsigned status = evidence->head.status;
  if (*evidence->location)
    fault_set(&fault, FAULT_UPSTREAM,
              "upstream answers with a redirect (status %u) to %s, and redirects are not followed: "
              "is upstream.url right?",
              status, evidence->location);
  else
    fault_set(
        &fault, FAULT_UPSTREAM,
        "upstream answers with status %u, a redirect, but names no location that can be shown",
        status);
  return answer_broken(ANSWER_FREE, 0, &fault);
}

#include "dialect/answer.h"

#include "base/num.h"

bool answer_is_redirect(unsigned status) {
  return status >= 300 && status < 400;
}

struct answer_head answer_head_empty(void) {
  return (struct answer_head){.results_count = -1,
                              .costs = {.rows = -1, .cost_row = -1, .total = -1, .actual = -1}};
}

struct view answer_beginning(const struct answer_evidence *evidence) {
  int64_t length = evidence->body_length;
  return (struct view){evidence->beginning,
                       length < ANSWER_BEGINNING_SIZE ? (size_t)length : ANSWER_BEGINNING_SIZE};
}

struct view answer_short_body(const struct answer_evidence *evidence) {
  bool is_there = evidence->clean && evidence->body_length <= ANSWER_BEGINNING_SIZE;
  return view_first(answer_beginning(evidence), is_there ? ANSWER_BEGINNING_SIZE : 0);
}

bool answer_says(struct view text, struct view words) {
  for (size_t at = 0; at + words.length <= text.length; at++)
    if (num_same_word(view_first(view_from(text, at), words.length), words))
      return true;
  return false;
}

static struct amount charged_once(const struct tariff *tariff, enum answer_charge charge,
                                  int64_t results) {
  if (charge == ANSWER_FREE)
    return amount_zero(tariff->fixed.currency);
  return results < 0 ? tariff_most(tariff) : tariff_cost(tariff, results);
}

struct answer_cost answer_cost(const struct answer_evidence *evidence, enum answer_charge charge,
                               int64_t results) {
  const struct tariff *tariff = &evidence->tariff;
  int64_t again = evidence->sends > 1 ? evidence->sends - 1 : 0;
  struct amount once = charged_once(tariff, charge, results);
  struct amount extra = amount_times(tariff_most(tariff), again);
  bool is_known_once = charge != ANSWER_AT_MOST || amount_is_zero(once);
  return (struct answer_cost){.spent = amount_add(once, extra),
                              .once = once,
                              .is_known = is_known_once && amount_is_zero(extra)};
}

struct answer_verdict answer_broken(const struct answer_evidence *evidence,
                                    enum answer_charge charge, int64_t results,
                                    const struct fault *fault) {
  return (struct answer_verdict){.outcome = ANSWER_BROKEN,
                                 .results = results,
                                 .cost = answer_cost(evidence, charge, results),
                                 .fault = *fault};
}

/* Redirects are not relayed: a client that follows one would send its token to another server. */
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
  return answer_broken(evidence, ANSWER_FREE, 0, &fault);
}

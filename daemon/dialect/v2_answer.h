/* The answers of v2 (reference, "Answer" and "Price"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* The most results that one answer can have (reference, "Request"). A count above it is nonsense.
 */
#define V2_RESULTS_MOST INT64_C(5000000)

const struct reader_shape *v2_shape(const struct question *question);

void v2_header(struct view name, struct view value, struct answer_head *head);

struct answer_cost v2_quote(const struct answer_evidence *evidence);

/* Upstream charges the results that it returns, whatever was asked for. An answer that was read to
 * its end costs the results in it, or, if its form does not tell their number, the number that was
 * announced and that it agrees with. Any other answer costs at most the results that were
 * announced, have come, or were asked for: the greatest of the numbers that are known. */
struct answer_verdict v2_judge(const struct answer_evidence *evidence);

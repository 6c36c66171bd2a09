/* The answers of v2 (reference, "Answer" and "Price"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* The most results that one answer can have (reference, "Request"). A count above it is nonsense.
 */
#define V2_RESULTS_MOST INT64_C(5000000)

const struct reader_shape *v2_shape(const struct question *question);

void v2_header(struct view name, struct view value, struct answer_head *head);

struct answer_cost v2_quote(const struct answer_evidence *evidence);

/* Results are charged as they are returned, whatever was asked for. An answer that was read to its
 * end costs what stands in it. One that was not costs at the most what was announced, has come, or
 * was asked for: the greatest of those that are known. */
struct answer_verdict v2_judge(const struct answer_evidence *evidence);

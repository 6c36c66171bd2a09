/* v2's subscription_info (reference, "Answer"). Pure; see struct dialect. */
#pragma once

#include "dialect/dialect.h"

/* Takes whole rows, or rows with one decimal. */
bool v2_read_subscription(struct view body, struct dialect_subscription *subscription,
                          struct fault *fault) MUST_CHECK;

/* Upstream accepts the token if the answer was read. It refuses the token if the answer is an error
 * with status 200 (reference, "Answer"). With another status, or as a page that is no JSON, the
 * answer comes from something on the way. */
enum dialect_token v2_judge_token(const struct answer_head *head,
                                  const struct answer_verdict *verdict);

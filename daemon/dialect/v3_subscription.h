/* v3's subscription-info/limits-and-usage (v3's reference, "Errors and limits"). Pure; see struct
 * dialect. */
#pragma once

#include "dialect/dialect.h"

/* A limit that is null or absent, or beside which no usage is told, does not hold. Of two that
 * hold, that of the workspace and that of the key, the one counts of which less is left. */
bool v3_read_subscription(struct view body, struct dialect_subscription *subscription,
                          struct fault *fault) MUST_CHECK;

/* Upstream accepts the key if the answer was read. It refuses the key if the answer is an error of
 * its own that says so (v3_error_read()). Anything else comes from something on the way, or says
 * nothing of the key. */
enum dialect_token v3_judge_token(const struct answer_head *head,
                                  const struct answer_verdict *verdict);

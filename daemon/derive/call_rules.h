/* The rules for calls of v3: can a call be answered from the stored result of another? Pure. Only
 * for derive/rules.c and tests.
 *
 * Both are calls of one endpoint in the table (query/endpoint.h), in JSON, with the same parameters
 * but these:
 *
 *   select      the source has every column of the wanted call
 *   order_by    the same
 *   limit       as far as the source reaches, or beyond its end if it is complete
 *   where       the same; or, with aggregation=all and a complete source, every part of the source's
 *               is one of the wanted's, and the wanted's other parts can be judged on a row
 *               (derive/filter_judge.h)
 *
 * A result is complete if it has fewer rows than its limit, and not as many as a plan may give at
 * once (READINGS.md, "Completeness of calls"). */
#pragma once

#include "derive/rules.h"

/* See rules_derive(). `wanted` is a call, the source need not be one. */
enum derive_reason call_rules_derive(const struct query *wanted, const struct derive_source *source,
                                     struct derive_recipe *recipe);

/* What a subscription, or an issued token's budget, leaves, in the forms in which Ahrefs tells a
 * subscription: v2's subscription_info and v3's limits-and-usage (the reference pages). Pure. */
#pragma once

#include "base/money.h"
#include "base/text.h"
#include "query/output.h"

struct subscription {
  struct view name; /* UTF-8 */
  bool has_limit;
  struct amount limit, left; /* if so */
  struct amount used;
  int64_t starts_over; /* seconds since 1970; 0: never */
};

/* {"info":{"rows_left":N,"rows_limit":N,"subscription":NAME}}, or the same as XML or
 * PHP; both numbers are null (in XML, empty) without a limit. They are whole, as v2's are: parts of
 * a row that are left do not count. If the amounts are units, so are the numbers. */
void subscription_render_v2(const struct subscription *subscription, enum query_output output,
                            struct text *body);

/* The amounts are units. The key's limit is null without one, and the workspace's always. */
void subscription_render_v3(const struct subscription *subscription, struct text *body);

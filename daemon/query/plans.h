/* The plans of v3 and their caps: the most rows that each gives in one answer (tables/plans.def).
 * Pure. */
#pragma once

#include "base/view.h"

#include <stdint.h>

/* The cap of a subscription, by v3's name for it ("Standard, billed monthly"); case does not matter.
 * 0: there is none; -1: the plan is not in the table. */
int64_t plans_cap(struct view subscription);

/* No plan gives so few rows at once: the least that was seen is 25 (v3's reference). An answer with
 * fewer is not cut, whatever the plan. */
#define PLANS_CAP_LEAST 10

/* True if some plan has, or had, this cap: so many rows may be what is left of more. */
bool plans_have_cap(int64_t rows);

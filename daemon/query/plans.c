#include "query/plans.h"

#include "base/num.h"

static const struct {
  struct view name; /* empty: of no plan today */
  int64_t cap;
} plans[] = {
#define PLAN(name, cap) {VIEW(name), cap},
#define CAP(cap) {VIEW(""), cap},
#include "tables/plans.def"
#undef PLAN
#undef CAP
};

int64_t plans_cap(struct view subscription) {
  struct view plan = VIEW("");
  view_split(&subscription, ',', &plan);
  plan = view_trim(plan);
  for (size_t i = 0; plan.length && i < sizeof plans / sizeof *plans; i++)
    if (num_same_word(plan, plans[i].name))
      return plans[i].cap;
  return -1;
}

bool plans_have_cap(int64_t rows) {
  for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
    if (rows > 0 && plans[i].cap == rows)
      return true;
  return false;
}

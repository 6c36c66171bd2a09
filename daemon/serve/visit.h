/* What serve keeps with an exchange: a request that goes from step to step, or a quick answer. Of the
 * serve room only. */
#pragma once

/* The first member of both. */
struct visit {
  /* The exchange has finished: frees all of it. */
  void (*finish)(struct visit *visit);
};

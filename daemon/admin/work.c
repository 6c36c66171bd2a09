/* What a request has under way upstream. */
#include "admin/route.h"

#include "base/scope.h"

#include <stdlib.h>

struct route_work *route_work(struct exchange *exchange, struct fault *fault) {
  struct route_work *work = exchange_data(exchange);
  if (work)
    return work;
  work = calloc(1, sizeof *work);
  exchange_set_data(exchange, work);
  if (!work)
    fault_no_memory(fault);
  return work;
}

void route_end_work(struct exchange *exchange) {
  scope_free struct route_work *work = exchange_data(exchange);
  if (!work)
    return;
  reconcile_release(&work->reconcile);
  probe_release(&work->probe);
}

void route_wake(void *exchange) {
  exchange_wake(exchange);
}

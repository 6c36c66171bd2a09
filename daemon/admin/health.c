/* /health: for monitoring. */
#include "admin/route.h"

bool route_health(struct route_call *call, struct text *body, struct fault *fault) {
  (void)fault;
  const char *state = "ok";
  if (serve_is_draining(call->rooms->serve))
    state = "draining";
  else if (!call->ready)
    state = "starting";
  if (strcmp(state, "ok") != 0)
    call->status = fault_status(FAULT_UNAVAILABLE);
  text_printf(body, "%s\n", state);
  return true;
}

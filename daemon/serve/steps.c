#include "serve/request.h"

#define TO(name) (1u << STEP_##name)

static const struct {
  enum step (*run)(struct request *request);
  unsigned next; /* a bit for each step that may follow; 0: it replies */
} steps[STEPS] = {
#define STEP(name, function, next, help) [STEP_##name] = {step_##function, next},
#include "tables/steps.def"
#undef STEP
};

/* A flight that the request led goes on if it was sent; the ledger books its cost. */
static enum step abandon(struct request *request) {
  request_leave_lead(request);
  request_leave_computed(request);
  fault_set(&request->fault, FAULT_GONE,
            "the client closed the connection before there was an answer");
  return STEP_REFUSE;
}

/* While the client may be gone, nothing that has to wait for a place is sent for it. */
static enum exchange_step wait(struct request *request) {
  if (exchange_client(request->exchange) == EXCHANGE_CLIENT_IN_DOUBT && request->reader)
    flight_doubt(request->reader);
  return EXCHANGE_WAIT;
}

static void go_to(struct request *request, enum step next) {
  unsigned allowed = steps[request->step].next;
  CHECK(next == STEP_REPLIED ? !allowed : next < STEPS && (allowed & 1u << next));
  request->step = next;
}

enum exchange_step steps_run(struct request *request) {
  if (exchange_client(request->exchange) == EXCHANGE_CLIENT_GONE)
    request->step = abandon(request);
  while (request->step != STEP_REPLIED) {
    enum step next = steps[request->step].run(request);
    if (next == STEP_WAIT)
      return wait(request);
    go_to(request, next);
  }
  return EXCHANGE_REPLIED;
}

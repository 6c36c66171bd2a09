/* The steps of a client's request: a table of names (tables/steps.def) and one loop.
 *
 * A step returns the step that follows; no step calls another. STEP_WAIT: the step runs again when
 * the exchange is woken. All run on a listener's thread, one at a time for one request; they block
 * on the disk only. */
#pragma once

#include "http/exchange.h"

struct request;

enum step {
#define STEP(name, function, next, help) STEP_##name,
#include "tables/steps.def"
#undef STEP
  STEPS,
  STEP_WAIT,
  STEP_REPLIED,
};

#define STEP(name, function, next, help) enum step step_##function(struct request *request);
#include "tables/steps.def"
#undef STEP

/* Runs the request's steps until it has replied or has to wait; again when it is woken. Where the
 * client has gone meanwhile, the request leaves what it waits for. */
enum exchange_step steps_run(struct request *request);

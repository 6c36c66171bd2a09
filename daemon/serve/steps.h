/* The steps of a client's request: a table of names (tables/steps.def) and one loop.
 *
 * A step returns the next step; no step calls another. After STEP_WAIT the same step runs again
 * when the exchange is woken. Steps run on a listener's thread, one at a time for one request, and
 * block on the disk only. */
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

/* Runs the request's steps until it has replied or has to wait, and again each time it is woken. If
 * the client has gone, the request leaves its flight and ends. */
enum exchange_step steps_run(struct request *request);

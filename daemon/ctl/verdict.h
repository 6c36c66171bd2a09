/* Reads what the Cache-Status of an answer says about it. Pure. Source: contract, "The client
 * side". */
#pragma once

#include "base/view.h"
#include "observe/outcome.h"

/* The outcome of a good answer, by its Cache-Status (any bytes). False: it is not rowcache's. */
bool verdict_outcome(struct view cache_status, enum outcome *outcome);

/* The errors of v3 (v3's reference, "Errors and limits"), in both their shapes:
 *
 *   {"error":"..."}          or an object with a `message` in place of the text
 *   ["Error","..."]
 *
 * Pure. */
#pragma once

#include "base/fault.h"
#include "base/view.h"
#include "dialect/answer.h"

struct v3_error {
  struct fault fault; /* its text has upstream's own in it, shortened, and safe for a terminal */
  struct answer_shortage shortage;
};

/* Reads `body`, all of the body of an answer with `status`. The kind of the fault:
 * FAULT_BAD_TOKEN: upstream does not accept the key; FAULT_OVER_BUDGET: it has too few units;
 * FAULT_TOO_MANY: it is asked too often, whatever the body; FAULT_MALFORMED: something in the
 * request is wrong, such as a column; FAULT_UPSTREAM: another error, or none that v3 writes. False:
 * the body has neither shape, so it says nothing; it may come from something on the way. */
bool v3_error_read(unsigned status, struct view body, struct v3_error *error);

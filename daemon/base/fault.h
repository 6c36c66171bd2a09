/* The one way to fail.
 *
 * A function that can fail returns bool (false: it failed) and fills the caller's struct fault:
 * what kind of failure it is, which decides the HTTP status, and a sentence that says what was
 * wrong, where, and what to do. A fault owns nothing and needs no memory, so "out of memory" can be
 * said. A fault's text may reach a client or a log: no token is ever put into one. */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_TEXT_SIZE 512

enum fault_kind {
#define FAULT(name, status, help) FAULT_##name,
#include "tables/faults.def"
#undef FAULT
  FAULT_KINDS
};

struct fault {
  enum fault_kind kind;
  int64_t retry_after; /* seconds until it is worth another try; 0: not known */
  char text[FAULT_TEXT_SIZE];
};

/* Fills `fault` (NULL: the caller does not want to know) and returns false, so that a function can
 * end with `return fault_set(...)`. A text that is too long is cut. Never blocks; any thread. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As fault_set(), for what can only be lack of memory. */
bool fault_no_memory(struct fault *fault);

/* The HTTP status of a kind, from tables/faults.def. */
unsigned fault_status(enum fault_kind kind);

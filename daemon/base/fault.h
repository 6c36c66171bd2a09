/* The one way to fail.
 *
 * A function that can fail returns bool (false: it failed) and fills the caller's struct fault: the
 * kind of failure, which decides the HTTP status, and a sentence that names the problem, its place
 * and the remedy. A fault owns nothing and needs no memory, so it can also report "out of memory".
 * Its text may reach a client or a log: it never contains a token. The kinds are those of rowcache
 * (tables/faults.def). */
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
  int64_t retry_after; /* seconds until a retry makes sense; 0: not known */
  char text[FAULT_TEXT_SIZE];
};

/* Fills `fault` (NULL: the caller ignores it) and returns false, so that a function can end with
 * `return fault_set(...)`. A long text is cut. Never blocks; any thread. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As fault_set(), for lack of memory. */
bool fault_no_memory(struct fault *fault);

/* The HTTP status of a kind, from tables/faults.def. */
unsigned fault_status(enum fault_kind kind);

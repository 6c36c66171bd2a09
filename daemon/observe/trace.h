/* The last requests by their X-Request-Id: a ring in memory. */
#pragma once

#include "base/check.h"
#include "base/money.h"
#include "observe/outcome.h"

#define TRACE_ID_SIZE 33    /* 32 hex digits and NUL */
#define TRACE_TOKEN_SIZE 65 /* a token's label and NUL */

/* The end of one request. */
struct trace {
  enum outcome outcome;
  unsigned status; /* HTTP */
  char token[TRACE_TOKEN_SIZE];
  int64_t at;          /* milliseconds since 1970 */
  struct amount spent; /* the most that it can be, if it is not known */
  struct amount saved;
};

struct traces;

/* An empty ring, or NULL for lack of memory. */
struct traces *traces_create(void) MUST_CHECK;
/* Leaves NULL; NULL is allowed. */
void traces_release(struct traces **traces);

/* Adds a request; the oldest one is forgotten if the ring is full. Any thread; does not block. */
void traces_add(struct traces *traces, const char id[TRACE_ID_SIZE], const struct trace *trace);

/* Finds a request. False: it is not among the last ones. `id` may be any text. Any thread; does not
 * block. */
bool traces_find(struct traces *traces, const char *id, struct trace *trace) MUST_CHECK;

/* Reads a query as a person writes it: the QUERY of `rowcachectl explain`, a line of `warm`.
 * Pure. */
#pragma once

#include "base/fault.h"
#include "base/text.h"

/* A query, ready for a request line: bytes that must not stand there are percent-encoded. */
struct argument {
  bool is_call;      /* of v3 */
  struct text path;  /* "/v3/ENDPOINT" of a call; else empty */
  struct text args;  /* the query string, without `token` */
  struct text token; /* the value of `token`, decoded; empty: there is none */
};

/* `text`: a query string, with or without its '?'; a path with its query string, such as
 * "/v3/ENDPOINT?..."; or a whole URL, whose part after '#' is dropped. A path that does not begin
 * with "/v3/" is dropped. The caller frees `out` in both cases. Fails if `token` is given in two
 * ways or is malformed (of a call: not of visible ASCII alone, as a header will hold it), or for
 * lack of memory; no fault repeats it. */
bool argument_read(struct view text, struct argument *out, struct fault *fault) MUST_CHECK;
void argument_free(struct argument *argument);

/* Appends the query: its query string, and of a call its path before it, with a '?' between. */
void argument_add(const struct argument *argument, struct text *out);

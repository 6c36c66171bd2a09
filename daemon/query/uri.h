/* The request target (RFC 9112 3.2), taken apart before its query is parsed. Pure. */
#pragma once

#include "base/view.h"
#include "query/output.h"

/* The parts of a target, each a part of its bytes. Put together again, with the "?" between `path`
 * and `args` where there is one, they are the target. */
struct uri {
  struct view origin; /* of the absolute form: "http://host:port"; empty in the origin form */
  struct view path;   /* up to the first "?" */
  struct view args;   /* the query string, after the "?"; empty if there is none */
};

/* Takes `target` (any bytes, which the result points into) apart. Never fails: a target in no form
 * of RFC 9112 is a path that no route has. */
struct uri uri_split(struct view target);

/* The form in which the query string of `target` (any bytes) asks for the answer. Equals
 * query_output() if the query string parses. Otherwise the first parameter that is certainly
 * `output` and names another form than JSON decides; then the first `output`; QUERY_JSON if there
 * is none. */
enum query_output uri_output(struct view target);

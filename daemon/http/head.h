/* Judges the head of a request: it must be the same head for rowcache, for libmicrohttpd, and for a
 * proxy in front (request smuggling). Pure; one head belongs to one thread.
 *
 * libmicrohttpd 0.9.75 takes any bytes before a colon for a name, ends a line's text at a NUL, and
 * appends a folded line to the *name* of its field. But its pointers show the place of each name
 * and value in its buffer, and it gives the length of the head. Bytes between two neighbours are
 * hidden from rowcache.
 *
 *   head_begin() -> head_add() for each header, in their order -> head_end() */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stddef.h>

/* Limits: bytes of the request target, bytes of all header fields, number of header fields. */
struct head_limits {
  size_t uri, headers, count;
};

/* The request line (RFC 9112 3). */
struct head_line {
  struct view method, version; /* in the buffer */
  struct view target;          /* a copy: in the buffer it was cut at its '?' */
  const char *target_at;       /* in the buffer */
};

struct head {
  struct head_limits limits;
  bool http_1_1;
  bool is_placed;    /* false: the places are unknown and not checked */
  const char *wrong; /* the first violation, as a sentence; NULL: none so far */
  size_t uri, bytes, count;
  int hosts, lengths, codings, unknown_codings;
  const char *begin, *at; /* the beginning of the head, and the end of the last field */
  size_t line_end;        /* bytes, 1 (LF) or 2 (CR LF); 0: not known yet */
};

/* Begins with the request line. `is_placed`: the views are in one buffer, which holds the head as
 * it was received. */
void head_begin(struct head *head, const struct head_limits *limits, const struct head_line *line,
                bool is_placed);
/* Adds the next header field. The views are used during the call only; their addresses count. */
void head_add(struct head *head, struct view name, struct view value);
/* Judges the head. `length`: bytes of the whole head with the empty line (only used if it is
 * placed). False: FAULT_MALFORMED, FAULT_URI_TOO_LONG or FAULT_HEADERS_TOO_LARGE. The connection
 * must then be closed, as the start of the next request is uncertain. */
bool head_end(const struct head *head, size_t length, struct fault *fault) MUST_CHECK;

/* Judges a trailer field of a chunked body (RFC 9112 7.1.2). FAULT_MALFORMED. */
bool head_check_trailer(struct view name, struct view value, struct fault *fault) MUST_CHECK;

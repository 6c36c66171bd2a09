/* Whether the head of a request can be trusted to be what it seems: the same head to us, to
 * libmicrohttpd, and to whoever stands before us. Pure; one head belongs to one thread.
 *
 * libmicrohttpd 0.9.75 takes any bytes before a colon for a name, ends a line's text at a NUL, and
 * appends a folded line to the *name* of its header. It tells where in its buffer each name and
 * value stands, and how long the head was: what does not stand side by side there hides something.
 *
 *   head_begin() -> head_add() for each header, in their order -> head_end() */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#include <stddef.h>

/* The most that a head may have: bytes of its target, bytes and number of its headers. */
struct head_limits {
  size_t uri, headers, count;
};

/* The request line (RFC 9112 3). */
struct head_line {
  struct view method, version; /* in the buffer */
  struct view target;          /* a copy: the buffer's was cut at its '?' */
  const char *target_at;       /* in the buffer */
};

struct head {
  struct head_limits limits;
  bool http_1_1;
  bool is_placed;    /* false: nothing is known of places, and nothing concluded from them */
  const char *wrong; /* what is, in words; NULL: nothing so far */
  size_t uri, bytes, count;
  int hosts, lengths, codings, unknown_codings;
  const char *begin, *at; /* of the head, and behind what was added last */
  size_t line_end;        /* bytes, 1 (LF) or 2 (CR LF); 0: not known yet */
};

/* Begins with the request line. `is_placed`: the views are in one buffer, as the head came. */
void head_begin(struct head *head, const struct head_limits *limits, const struct head_line *line,
                bool is_placed);
/* The next header; the views hold for the call. */
void head_add(struct head *head, struct view name, struct view value);
/* Judges. `length`: bytes of the whole head, with the empty line (used where it is placed). False:
 * FAULT_MALFORMED, FAULT_URI_TOO_LONG or FAULT_HEADERS_TOO_LARGE; the connection must be closed, as
 * nobody can tell where the next request would begin. */
bool head_end(const struct head *head, size_t length, struct fault *fault) MUST_CHECK;

/* A header behind a chunked body (RFC 9112 7.1.2). */
bool head_check_trailer(struct view name, struct view value, struct fault *fault) MUST_CHECK;

/* Accept-Encoding: may the answer be gzip (RFC 9110 12.5.3)? Pure. */
#pragma once

#include "base/view.h"

#include <stdbool.h>

/* Weights in thousandths; -1: not named. Begins as CODING_NONE. */
struct coding {
  int gzip, identity, any;
};

#define CODING_NONE ((struct coding){-1, -1, -1})

/* Adds the value of one Accept-Encoding line (any bytes); never fails. A coding with a malformed
 * weight, or with any other parameter, is not accepted. Of a coding that is named twice the smaller
 * weight counts. "x-gzip" is "gzip" (RFC 9110 8.4.1.3); names are compared without case. */
void coding_add(struct coding *coding, struct view value);

/* True if the client takes gzip, and does not prefer the bytes as they are. A client that sends no
 * Accept-Encoding takes any coding by the RFC, but may not know gzip: it gets none. */
bool coding_takes_gzip(const struct coding *coding);

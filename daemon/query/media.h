/* What a request's Content-Type says of its body (RFC 9110 8.3.1). Pure. */
#pragma once

#include "base/view.h"

enum media {
  MEDIA_FORM,      /* application/x-www-form-urlencoded, whatever its parameters */
  MEDIA_OTHER,     /* another type, or none */
  MEDIA_MALFORMED, /* no media type: what a recipient makes of it cannot be known */
};

/* `value`: the header's value, any bytes; empty: it was not sent. */
enum media media_of(struct view value);

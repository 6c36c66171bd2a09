/* The target of a redirect, as it may be shown in an answer, a log and a report. It comes from
 * outside and may repeat the token that was sent. Pure. */
#pragma once

#include "base/view.h"

#define LOCATION_SIZE 256 /* bytes, with the NUL */

/* Writes the part of `value`, the value of a Location header (RFC 9110 10.2.2), that may be shown:
 * scheme, host, port and path, never userinfo, query or fragment.
 *
 *   https://a:b@host:81/way?token=x#y  ->  https://host:81/way
 *   /way                               ->  /way
 *   https://host/x/TOKEN               ->  https://host/...
 *
 * "..." replaces a path that is not valid (RFC 3986 3.3), is too long, or holds `token`, in any
 * case and percent-encoded any number of times. If `token` is empty, it is not known, and "..."
 * replaces every path. The result is empty if `value` is neither an http or https URL nor a path on
 * the same host, or if its host is not valid. */
void location_show(struct view value, struct view token, char out[LOCATION_SIZE]);

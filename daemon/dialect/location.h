/* Where a redirect of upstream's leads, made fit to be shown in an answer, a log and a report. It
 * comes from outside and may repeat what it was asked with. Pure. */
#pragma once

#include "base/view.h"

#define LOCATION_SIZE 256 /* bytes of what is shown, the NUL included */

/* Writes what may be shown of `value`, the value of a Location header (RFC 9110 10.2.2): scheme,
 * host, port and path, never userinfo, query or fragment.
 *
 *   https://a:b@host:81/way?token=x#y  ->  https://host:81/way
 *   /way                               ->  /way
 *   https://host/x/TOKEN               ->  https://host/...
 *
 * The path is left out ("...") where it is no path (RFC 3986 3.3), is too long, or holds `token` in
 * any case and percent-encoded any number of times, and where `token` is empty: then it is not
 * known what must not be shown. Empty: no http or https URL and no path on the same host, or a host
 * that is none. */
void location_show(struct view value, struct view token, char out[LOCATION_SIZE]);

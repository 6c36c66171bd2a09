/* Keeps strangers' web pages from using the admin listener through a browser. Pure.
 *
 * DNS rebinding: the name of a page of evil.example resolves to 127.0.0.1, and the page then sends
 * requests to "itself", which the browser permits. They carry `Host: evil.example`. A rebound name
 * never looks like localhost or an address, so any other name is refused. Browsers always send Host;
 * a client that sends none is no browser.
 *
 * Cross-site requests: a page may send requests to an address, though it cannot read the answers. It
 * can see how long they take and whether they fail, and a link can lead a user to them. Browsers
 * tell the origin of a request (Sec-Fetch-Site), so requests of other pages are refused. Old
 * browsers do not tell; but a request that changes something carries an Origin, and is refused for
 * that. */
#pragma once

#include "base/view.h"

/* True if `host`, the value of a Host header, is localhost or an IP address, with or without a port. */
bool guard_host_is_local(struct view host);

/* True if `authorization`, a header's value, is "Bearer TOKEN" with this token. The time of the
 * comparison does not depend on where they differ. RFC 6750 2.1. */
bool guard_has_token(struct view authorization, struct view token);

/* True if `site`, the value of Sec-Fetch-Site, says that a page of another origin sent the request.
 * A value that is not one of today's four words counts as another origin. W3C, Fetch Metadata
 * Request Headers, 2.4. */
bool guard_is_foreign(struct view site);

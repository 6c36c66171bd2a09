/* What keeps strangers' web pages from using the admin listener through a browser. Pure.
 *
 * DNS rebinding: a page of evil.example has its name resolve to 127.0.0.1 and then asks "itself",
 * with the browser's blessing. Its requests carry `Host: evil.example`. A rebound name can never
 * look like localhost or like an address, so any other name is refused. Browsers always send Host;
 * who sends none is no browser.
 *
 * Cross-site requests: a page may send requests to an address, though it cannot read the answers.
 * It can see how long they take and whether they fail, and by following a link a user may be made
 * to look at them. Browsers say where a request comes from (Sec-Fetch-Site), so those of other
 * pages are refused. An old browser says nothing of the kind; what changes something is sent with
 * an Origin, and refused for that. */
#pragma once

#include "base/view.h"

/* `host` is a Host header's value: localhost or an IP address, with or without a port. */
bool guard_host_is_local(struct view host);

/* Whether `authorization`, a header's value, is "Bearer TOKEN" with this token; compared in a time
 * that does not depend on where they differ. RFC 6750 2.1. */
bool guard_has_token(struct view authorization, struct view token);

/* Whether `site`, the value of Sec-Fetch-Site, says that a page of another origin is behind the
 * request. What it may be beside the four words of today counts as another origin's. W3C, Fetch
 * Metadata Request Headers, 2.4. */
bool guard_is_foreign(struct view site);

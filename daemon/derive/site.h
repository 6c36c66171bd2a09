/* subdomain(column, "domain") on a column of URLs (READINGS.md, "Subdomains"). Pure. */
#pragma once

#include "base/view.h"
#include "derive/truth.h"

/* True if `domain` is a plain name: labels of small letters, digits and hyphens, at least two. */
bool site_is_domain(struct view domain);

/* Is the host of `url`, a row's, below `domain`, for which site_is_domain() holds? Known for http
 * and https with a plain host. UNKNOWN for the domain itself, and for `www.` in front of it. */
enum truth site_is_below(struct view domain, struct view url);

/* True if whatever is below `domain` is certainly below `above` too; both are domains. */
bool site_implies(struct view domain, struct view above);

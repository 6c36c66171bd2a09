/* Which spellings of a target ask the same question. Pure.
 *
 * The modes (reference, "Modes") decide: `domain` and `subdomains` look at the host alone, `exact`
 * and `prefix` at the URL. Spellings that are not known to mean the same stay apart. */
#pragma once

#include "base/text.h"
#include "base/view.h"
#include "query/query.h"

/* Appends to `out` the one spelling of `target` (UTF-8, any bytes are safe) and returns true, or
 * returns false and adds nothing: the target is to be taken as it came. A target in its one
 * spelling gives itself. Either way the caller looks at text_ok(out): without memory neither answer
 * counts.
 *
 * - Host: lower case, without one dot at its end, an internationalized one as A-labels; an IPv6
 *   literal in lower case.
 * - Mode domain, subdomains: host, and port unless it is the default of the scheme (80 when there
 *   is none).
 * - Mode exact, prefix: scheme in lower case, if there was one (whether `example.com/`,
 *   `http://example.com/` and `https://example.com/` are one question is not known); host and
 *   port as above; path, query and fragment byte for byte. In mode exact an empty path is `/`
 *   (RFC 3986 6.2.3); in mode prefix it stays empty.
 * - As it came: an unknown mode, blanks or control characters, user information, a scheme other
 *   than http and https, a port that is not 1 to 65535 written plainly (an empty one too, so that
 *   `http://http://x` has no host `http`), a host that cannot be one. */
bool target_normalize(struct view target, enum query_mode mode, struct text *out) MUST_CHECK;

/* The host in a target that target_normalize() wrote, without port; a part of `normal`. */
struct view target_host(struct view normal);

/* Which spellings of a target ask the same question. Pure.
 *
 * Only spellings of the host that are certain to mean one host are one (query/host.h), and `HTTP:`
 * is `http:` (RFC 3986 3.1). All else stays apart, in every mode: whether upstream, asked in mode
 * domain for `http://example.com/`, `example.com:80`, `example.com/path`, `example.com?x` or
 * `example.com#x`, answers for example.com, is not known. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/query.h"

/* Writes the one spelling of `target` (UTF-8, any bytes are safe) to `out`, which is empty; it stays
 * empty if the target is to be taken as it came. A target in its one spelling gives itself. False:
 * no memory.
 *
 * Scheme, if there is one, in lower case; host in its one spelling; port, path, query and fragment
 * byte for byte. As it came: blanks or control characters, user information, a scheme other than
 * http and https, a port that is not 1 to 65535 written plainly (an empty one too, so that
 * `http://http://x` has no host `http`), a host that cannot be one. */
bool target_normalize(struct view target, struct text *out, struct fault *fault) MUST_CHECK;

/* The host in a target that target_normalize() wrote, without port; a part of `normal`. Empty in
 * mode domain or subdomains where more than a path stands beside the host, and in an unknown mode:
 * upstream may read it otherwise. */
struct view target_host(struct view normal, enum query_mode mode);

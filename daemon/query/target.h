/* The one spelling of a target. Pure.
 *
 * Two spellings are equal only if their hosts are certainly the same (query/host.h) and they differ
 * at most in the case of the scheme (RFC 3986 3.1). Every other difference counts, in every mode:
 * it is unknown if upstream, asked in mode domain for `http://example.com/`, `example.com:80`,
 * `example.com/path`, `example.com?x` or `example.com#x`, answers for example.com. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "base/view.h"
#include "query/query.h"

/* Writes the one spelling of `target` (UTF-8; other bytes are safe) to `out`, which is empty. `out`
 * stays empty if the target has no other spelling than its own. A target in its one spelling gives
 * itself. False: no memory.
 *
 * The scheme, if there is one, in lower case; the host in its one spelling; port, path, query and
 * fragment byte for byte. No spelling have targets with blanks or control characters, with user
 * information, with a scheme other than http and https, with a port that is not 1 to 65535 in plain
 * digits (or is empty, so that `http://http://x` does not get the host `http`), or without a
 * possible host. */
bool target_normalize(struct view target, struct text *out, struct fault *fault) MUST_CHECK;

/* The host, without port, of a target in its one spelling; a part of `normal`. Empty in mode domain
 * or subdomains if more than a path follows the host, and in an unknown mode: upstream may read the
 * target in another way. */
struct view target_host(struct view normal, enum query_mode mode);

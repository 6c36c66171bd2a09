/* Which requests the admin side answers at all. Of the admin room only.
 *
 * admin/guard.h judges single headers, this judges a request. With a token, every request must carry
 * it, but those to /health. Without, Host must be an address or localhost. In both cases a request
 * that a web page sent is refused: one from another origin, by Sec-Fetch-Site, and any with an
 * Origin. */
#pragma once

#include "http/exchange.h"

struct secret;

/* `token`: that of admin.token_file; NULL: none is asked for. Adds the header of a 401 to the reply.
 * Does not block. */
bool admit_request(struct exchange *exchange, struct view path, const struct secret *token,
                   struct fault *fault) MUST_CHECK;

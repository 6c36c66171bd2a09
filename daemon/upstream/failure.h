/* The reason why a request to upstream failed, in words for a client. libcurl's own texts name
 * addresses, files and versions of libraries, so only the log has them. Pure. */
#pragma once

#include <curl/curl.h>

/* The end of the sentence "upstream failed: ..."; a general one for a `code` without words of its
 * own. Lives forever. */
const char *failure_word(CURLcode code);

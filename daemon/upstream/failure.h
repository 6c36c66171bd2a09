/* Why a request to upstream failed, in words for a client: which kind of failure it is. libcurl's
 * own words name addresses, files and versions of libraries; those are for the log. Pure. */
#pragma once

#include <curl/curl.h>

/* What upstream, or the way to it, did, as the end of a sentence. For `code`s other than those that
 * have words of their own, that it failed. Lives for ever. */
const char *failure_word(CURLcode code);

/* Sends a request to the running daemon, through its admin listener (ctl/link.h). */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "settings/settings.h"

struct remote_request {
  const char *method, *path; /* "GET", "DELETE", "POST"; with the query string */
  const char *form;          /* the body, an encoded form; or NULL */
  bool is_secret;            /* path or form contain a token */
  int64_t timeout;           /* seconds; 0: the usual ones */
};

struct remote {
  struct text body; /* the answer: an object of JSON; the caller frees it */
  bool absent;      /* no daemon runs at this address of this machine; nothing was sent */
  long status;      /* HTTP; 0: none came */
};

/* Sends one request to the first address of admin.listen, with the token of admin.token_file. Any
 * answer but a good one is a failure. The caller frees remote->body in both cases. Blocks. */
bool remote_ask(const struct settings *settings, const struct remote_request *request,
                struct remote *remote, struct fault *fault) MUST_CHECK;

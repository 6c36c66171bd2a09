/* The running daemon, asked through its admin listener. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "settings/settings.h"

struct remote {
  struct text body; /* the answer: an object of JSON; the caller frees it */
  bool absent; /* nobody listens there, on this machine: the daemon does not run, or elsewhere */
};

/* Sends one request ("GET", "DELETE", "POST"; `path` with its query string; `form`: an encoded form
 * as its body, or NULL) to the first address of admin.listen, with the token of admin.token_file.
 * With admin.tls_certificate it speaks TLS, and only to who has the key of that certificate.
 * Anything but a good answer is a failure. Blocks. */
bool remote_ask(const struct settings *settings, const char *method, const char *path,
                const char *form, struct remote *remote, struct fault *fault) MUST_CHECK;

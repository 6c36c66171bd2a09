/* The running daemon, asked through its admin listener.
 *
 * A secret (a token in the request, or that of admin.token_file) goes to nobody else. With
 * admin.tls_certificate the key of that certificate proves the daemon. Without, the address is one
 * of this machine, where anybody may listen while the daemon does not:
 *
 *   the state directory's lock     -> sent                    what is checked once connected
 *   nobody has it                  -> nothing, to nobody
 *   somebody has it, or it is      -> everything              the user whose process listens, where
 *   another user's directory                                  the socket is UNIX or a secret is
 * sent nobody has ever had it         -> what holds no secret    the same
 *
 * That user must be the owner of the state directory, root, or oneself. */
#pragma once

#include "base/fault.h"
#include "base/text.h"
#include "settings/settings.h"

struct remote_request {
  const char *method, *path; /* "GET", "DELETE", "POST"; with the query string */
  const char *form;          /* an encoded form as the body, or NULL */
  bool is_secret;            /* path or form hold a token */
};

struct remote {
  struct text body; /* the answer: an object of JSON; the caller frees it */
  bool absent;      /* on this machine, and nobody was asked: the daemon does not run there */
};

/* Sends one request to the first address of admin.listen, with the token of admin.token_file.
 * Anything but a good answer is a failure. Blocks. */
bool remote_ask(const struct settings *settings, const struct remote_request *request,
                struct remote *remote, struct fault *fault) MUST_CHECK;

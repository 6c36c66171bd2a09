/* A secret from a file that a key names: an Ahrefs token, or the token of the admin side.
 *
 * The file holds one line of visible ASCII. Its text is in no fault and no log, and is wiped when
 * the last reference is released. A secret never changes; a reload creates another. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

struct secret;

/* Reads the secret in `file`, the value of `key`. "" is no secret: NULL in `*out`. A name without '/'
 * is looked up in $CREDENTIALS_DIRECTORY, where systemd puts the service's credentials. A secret has
 * `least` to TOKEN_TEXT_MOST bytes. `*out` has one reference, the caller's. Every fault is
 * FAULT_MALFORMED and names the key and the file. Blocks on the disk; logs a warning if everybody
 * may read the file. */
bool secret_load(const char *key, const char *file, size_t least, struct secret **out,
                 struct fault *fault) MUST_CHECK;

/* One more reference; NULL stays NULL. Any thread. */
struct secret *secret_hold(struct secret *secret);
/* Releases one reference and leaves NULL; NULL is allowed. Any thread. */
void secret_release(struct secret **secret);

/* The text; empty for NULL. Valid as long as the reference. */
struct view secret_view(const struct secret *secret);

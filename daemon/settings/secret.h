/* A secret that a key names the file of: an Ahrefs token, or the one of the admin side.
 *
 * The file holds one line of visible ASCII. Its text is in no fault and no log, and is wiped when
 * the last reference is given up. A secret does not change; a reload makes another. */
#pragma once

#include "base/fault.h"
#include "base/view.h"

#define SECRET_MOST 1024 /* bytes */

struct secret;

/* Reads `file`, the value of `key`, which every fault names (FAULT_MALFORMED). "" is no secret:
 * NULL in `*out`. A name without '/' is looked for in $CREDENTIALS_DIRECTORY, where systemd puts
 * the service's credentials. Fewer than `least` bytes are refused. `*out` has one reference, the
 * caller's. Blocks on the disk; warns in the log where everybody may read the file. */
bool secret_load(const char *key, const char *file, size_t least, struct secret **out,
                 struct fault *fault) MUST_CHECK;

/* One more reference; NULL stays NULL. Any thread. */
struct secret *secret_hold(struct secret *secret);
/* Gives up one and leaves NULL; NULL is allowed. Any thread. */
void secret_release(struct secret **secret);

/* Lives as long as the reference; empty for NULL. */
struct view secret_view(const struct secret *secret);

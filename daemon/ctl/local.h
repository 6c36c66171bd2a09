/* The account in the state directory, without a daemon. */
#pragma once

#include "ctl/ask.h"
#include "settings/settings.h"

/* Answers `ask` from ledger.db in state.directory, opened for reading. As root, becomes the owner of
 * the directory first. `body` is replaced by the answer. Blocks on the disk. */
bool local_read(const struct settings *settings, const struct ask *ask, struct text *body,
                struct fault *fault) MUST_CHECK;

/* The same for a change: creates the directory if it is missing, and holds its lock meanwhile. Fails
 * with FAULT_UNAVAILABLE if a daemon holds the lock. */
bool local_change(const struct settings *settings, const struct ask *ask, struct text *body,
                  struct fault *fault) MUST_CHECK;

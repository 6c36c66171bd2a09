/* The directory that holds the databases. */
#pragma once

#include "base/fault.h"

/* Makes it, and those above it, as `mkdir -p -m 700` would. Blocks. */
bool directory_make(const char *path, struct fault *fault) MUST_CHECK;

/* One process at a time works in a directory: a second one would book the first one's open
 * reservations as lost. `*lock` is a file descriptor; the lock is given up when it is closed, and
 * when the process ends, however it ends. FAULT_UNAVAILABLE where another process has it. */
bool directory_lock(const char *path, int *lock, struct fault *fault) MUST_CHECK;

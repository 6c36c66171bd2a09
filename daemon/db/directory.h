/* The directory that holds the databases.
 *
 * They hold the account and the owners of tokens, so nobody else may write there. The directory and
 * each file must belong to the effective user and must not be writable by group or others. None may
 * be a symbolic link: SQLite would create, truncate and, as root, give away files elsewhere.
 * Between a check and the opening only somebody with write access to the directory could change
 * that. Faults are FAULT_UNAVAILABLE, and their texts say what to do. */
#pragma once

#include "base/fault.h"

#include <sys/stat.h>

/* Makes the directory and those above it, as `mkdir -p -m 700` would. Blocks on the disk. */
bool directory_make(const char *path, struct fault *fault) MUST_CHECK;

/* Checks the directory, if it exists. Blocks on the disk; any thread. */
bool directory_check(const char *path, struct fault *fault) MUST_CHECK;
/* Checks a file in it, if it exists. Does not open it: closing a database's file would release the
 * locks that SQLite has on it in this process (fcntl(2), "record locks"). */
bool directory_check_file(const char *path, struct fault *fault) MUST_CHECK;
/* Opens a file of the daemon that is no database, or makes it with mode 0600. The caller closes
 * `*file`; -1 after a failure. */
bool directory_open_file(const char *path, int *file, struct fault *fault) MUST_CHECK;

/* Locks the directory. One process at a time works in it: a second one would book the first one's
 * open reservations as lost. `*lock` is a file descriptor; closing it releases the lock, and so
 * does the end of the process. FAULT_UNAVAILABLE: directory_check() refuses, or another process
 * holds the lock. Waits for up to a second, as rowcachectl holds it for moments. */
bool directory_lock(const char *path, int *lock, struct fault *fault) MUST_CHECK;

enum directory_use {
  DIRECTORY_UNUSED, /* never locked, or it does not exist */
  DIRECTORY_FREE,   /* not locked */
  DIRECTORY_BUSY,   /* locked: by rowcached, or for a moment by rowcachectl */
  DIRECTORY_HIDDEN, /* this process may not open the lock */
};

/* The present state of the lock. Opens a file; does not wait. */
enum directory_use directory_use_of(const char *path);

/* stat(2) of the directory, or of the nearest one above it that exists: it shows the present or
 * future owner. False: none can be found. Blocks on the disk. */
bool directory_stat(const char *path, struct stat *status) MUST_CHECK;

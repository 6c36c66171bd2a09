/* The directory that holds the databases.
 *
 * It holds the account and the owners of tokens, so nobody else may write there: the directory and
 * each file belong to the effective user, are not writable by group or others, and are no symbolic
 * links, which would lead SQLite (it creates, truncates and, as root, gives away files) to another
 * place. To change that between a check and the opening takes write access to the directory. A
 * fault says what to do, and is FAULT_UNAVAILABLE. */
#pragma once

#include "base/fault.h"

#include <sys/stat.h>

/* Makes it, and those above it, as `mkdir -p -m 700` would. Blocks. */
bool directory_make(const char *path, struct fault *fault) MUST_CHECK;

/* The directory itself, where there is one. Blocks on the disk; any thread. */
bool directory_check(const char *path, struct fault *fault) MUST_CHECK;
/* A file in it, where there is one. It is not opened: closing a database's file would give up the
 * locks that SQLite has on it in this process (fcntl(2), "record locks"). */
bool directory_check_file(const char *path, struct fault *fault) MUST_CHECK;
/* Opens a file of ours that is no database, or makes it, for its owner alone. `*file` is -1 after a
 * failure; the caller closes it. */
bool directory_open_file(const char *path, int *file, struct fault *fault) MUST_CHECK;

/* One process at a time works in a directory: a second one would book the first one's open
 * reservations as lost. `*lock` is a file descriptor; the lock is given up when it is closed, and
 * when the process ends, however it ends. FAULT_UNAVAILABLE where directory_check() refuses,
 * and where another process has it, and keeps it for a second: rowcachectl has it for moments, also
 * to look. Blocks for that long. */
bool directory_lock(const char *path, int *lock, struct fault *fault) MUST_CHECK;

enum directory_use {
  DIRECTORY_UNUSED, /* nobody has ever locked it, or it is not there */
  DIRECTORY_FREE,   /* nobody works in it */
  DIRECTORY_BUSY,   /* somebody does: rowcached, or for a moment rowcachectl */
  DIRECTORY_HIDDEN, /* this process may not look */
};

/* The state of the lock at this moment. Opens a file; does not wait. */
enum directory_use directory_use_of(const char *path);

/* The state of the directory, or of the nearest above it that is there: whose it is, or will be.
 * False where none can be found. Blocks on the disk. */
bool directory_stat(const char *path, struct stat *status) MUST_CHECK;
